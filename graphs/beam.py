r"""A graph per modality, then a fusion graph over them: two levels.

Below, the nodes of a modality are connected with those most like them. Above, every modality has one vertex that
gathers its nodes, and the vertices of all modalities are connected with each other::

    level 2        (text) <====> (audio) <====> (visual)       all with all, both ways
                   / | \         / | \          / | \
    level 1       t--t--t       a--a--a        v--v--v         nearest in features

Information crosses modalities only above, so attention between the vertices says how much each modality took from each
other. The two levels are relations of one graph: a layer does both at once, three layers carry a word to another
modality's nodes.

Source: a graph per modality and a fusion graph above, as in Multimodal Graph (Mai et al. 2020, arXiv 2011.13572), which
pools the lower graphs with learned weights where this one has vertices that gather.

Print the graph of a small sample with ``python -m mmgraph.graphs.beam``.
"""

import sys

from torch import nn

from mmgraph.features import Features
from mmgraph.graph import Field, GraphSchema, Relation, describe
from mmgraph.graphs.mtag import CHANNELS, sample
from mmgraph.nn import GATv2Conv
from mmgraph.relations import Complete, GlobalNodes, GraphBuilder, Nearest, Rule, star_relations

__all__ = ["build", "conv", "sample"]


def build(*, k: int = 3, num_outputs: int = 1) -> GraphBuilder:
    """The builder of the graphs; `.fit(train)` learns mean and deviation of the columns.

    Args:
        k: neighbours of a node within its modality.
        num_outputs: numbers to predict.

    Example:
        >>> graph = build().fit([sample()])([sample()])
        >>> graph.relation(("text", "like", "text")).num_edges
        15
        >>> graph.relation(("all_text", "with", "all_audio")).num_edges
        1
    """
    rules: dict[Relation, Rule] = {(m, "like", m): Nearest(k) for m in CHANNELS}
    for modality in CHANNELS:
        rules |= star_relations(f"all_{modality}", [modality])
    rules |= {(f"all_{a}", "with", f"all_{b}"): Complete() for a in CHANNELS for b in CHANNELS if a != b}
    return GraphBuilder(
        nodes={name: Features(channels, standardise=True) for name, channels in CHANNELS.items()},
        extra={f"all_{modality}": GlobalNodes(of=(modality,)) for modality in CHANNELS},
        relations=rules,
        targets={"sentiment": Field("float32", (num_outputs,))},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """Attention that compares across relations."""
    return GATv2Conv(schema, channels, channels // 4, heads=4, scope="node")


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
