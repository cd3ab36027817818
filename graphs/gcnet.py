"""GCNet: conversations in which modalities are missing; one graph of times and one of speakers.

One node per utterance with all modalities side by side, zeros where one is missing (as in `cogmen`), connected over two
places before and after it, twice: by when it was said, and by who says it to whom::

    times      u0 --past--> u1 --past--> u2           u1 hears itself as now, u2 as future
    speakers   u0 -from_1_2-> u1 -from_2_1-> u2       both over the same window

The paper runs a network over each of the two graphs and reconstructs what is missing; here they are relations of one
graph, which `restrict` or a conv per group of relations takes apart.

Source: Lian et al., GCNet: Graph Completion Network for Incomplete Multimodal Learning in Conversation, TPAMI 2023,
arXiv 2203.02177. Its layers are RGCNs.

Print the graph of a small conversation with ``python -m mmgraph.graphs.gcnet``.
"""

import sys

from torch import nn

from mmgraph.features import Utterances
from mmgraph.graph import Field, GraphSchema, describe
from mmgraph.graphs.cogmen import JoinedUtterances, sample
from mmgraph.nn import RGCNConv
from mmgraph.relations import GraphBuilder, Window, speaker_relations, window_relations

__all__ = ["build", "conv", "sample"]


def build(
    *, speakers: int = 2, reach: int = 2, channels: int = 32, columns: int = 32, num_classes: int = 6
) -> GraphBuilder:
    """The builder of a conversation's graph; arguments as for `cogmen.build`.

    Example:
        >>> graph = build().fit([sample()])([sample()])
        >>> [name for _, name, _ in graph.schema.edge_types]
        ['past', 'now', 'future', 'from_1_1', 'from_1_2', 'from_2_1', 'from_2_2']
    """
    nodes = JoinedUtterances(Utterances(channels), {"audio": columns, "visual": columns})
    times = window_relations("utterance", past=reach, future=reach)
    speakers_of = speaker_relations("utterance", range(1, speakers + 1), **{"from": Window(reach, reach)})
    return GraphBuilder(
        nodes={"utterance": nodes},
        relations={**times, **speakers_of},
        targets={"emotion": Field("int64", num_classes=num_classes)},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """A layer of the kind that the paper uses."""
    return RGCNConv(schema, channels, channels)


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
