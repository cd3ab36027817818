r"""Graph-MFN: a vertex for every subset of the modalities, each feeding the subsets that contain it.

Three modalities make seven vertices. The steps of a modality feed its own vertex, that feeds the pairs it belongs to,
and all of them feed the three together::

    text steps --> (text) ------> (text+audio) ----.
                        \  .----^                   \
    audio steps -> (audio) -----> (audio+visual) --> (text+audio+visual)
                        /  `----v                   /
    visual steps > (visual) ----> (text+visual) ---'      and (text) --> (text+audio+visual), ...

How much flows along an edge (its efficacy) is attention here. The paper has such a graph at every step of aligned
streams and a memory along them; here there is one per sample, and the steps need not be aligned.

Source: Zadeh et al., Multimodal Language Analysis in the Wild: CMU-MOSEI Dataset and Interpretable Dynamic Fusion
Graph, ACL 2018.

Print the graph of a small sample with ``python -m mmgraph.graphs.graph_mfn``.
"""

import sys
from itertools import combinations

from torch import nn

from mmgraph.features import Features
from mmgraph.graph import Field, GraphSchema, Relation, describe
from mmgraph.graphs.mtag import CHANNELS, sample
from mmgraph.nn import GATv2Conv
from mmgraph.relations import Complete, GlobalNodes, GraphBuilder, Rule

__all__ = ["build", "conv", "sample"]


def build(*, num_outputs: int = 1) -> GraphBuilder:
    """The builder of the graphs; `.fit(train)` learns mean and deviation of the columns.

    Args:
        num_outputs: numbers to predict, such as the sentiment.

    Example:
        >>> graph = build().fit([sample()])([sample()])
        >>> [name for name in graph.nodes if name not in CHANNELS]
        ['of_text', 'of_audio', 'of_visual', 'text+audio', 'text+visual', 'audio+visual', 'text+audio+visual']
        >>> len(graph.schema.relations)  # three from the steps, twelve between subsets
        15
    """
    subsets = [subset for size in (1, 2, 3) for subset in combinations(CHANNELS, size)]
    names = {subset: f"of_{subset[0]}" if len(subset) == 1 else "+".join(subset) for subset in subsets}
    rules: dict[Relation, Rule] = {(m, "feeds", names[m,]): Complete() for m in CHANNELS}
    for small in subsets:
        for large in subsets:
            if set(small) < set(large):
                rules[names[small], "feeds", names[large]] = Complete()
    return GraphBuilder(
        nodes={name: Features(channels, standardise=True) for name, channels in CHANNELS.items()},
        extra={name: GlobalNodes(of=subset) for subset, name in names.items()},
        relations=rules,
        targets={"sentiment": Field("float32", (num_outputs,))},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """Attention as the efficacy of an edge."""
    return GATv2Conv(schema, channels, channels // 4, heads=4, scope="node")


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
