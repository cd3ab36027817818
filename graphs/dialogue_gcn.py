r"""DialogueGCN: utterances of a conversation, connected by who speaks to whom and what came first.

One node per utterance. Each hears those up to ten places before and after it, and there is a relation for every pair
of speakers and both directions in time, 2 x speakers^2 in all::

    Ann:  u0 -------> u2           u0 -> u2  past_1_1      u2 -> u0  future_1_1
            \       /  \           u0 -> u1  past_1_2      u2 -> u1  future_1_2
    Bob:     `-> u1 ---> u3        u1 -> u3  past_2_2      u3 -> u2  future_2_1

An utterance hears itself too; as in the paper's code this counts as the future. The paper reads text only.

Source: Ghosal et al., DialogueGCN: A Graph Convolutional Neural Network for Emotion Recognition in Conversation, EMNLP
2019, arXiv 1908.11540. Its first layer is an RGCN with shared bases.

Print the graph of a small conversation with ``python -m mmgraph.graphs.dialogue_gcn``.
"""

import sys

from torch import nn

from mmgraph.features import Utterances
from mmgraph.graph import Field, GraphSchema, describe
from mmgraph.graphs.mmgcn import sample
from mmgraph.nn import RGCNConv
from mmgraph.relations import GraphBuilder, Window, speaker_relations

__all__ = ["build", "conv", "sample"]


def build(
    *, speakers: int = 2, past: int = 10, future: int = 10, channels: int = 256, num_classes: int = 6
) -> GraphBuilder:
    """The builder of a conversation's graph; `.fit(train)` learns who speaks.

    Args:
        speakers: how many people speak, in all conversations together.
        past: utterances before each one that it hears.
        future: utterances after it.
        channels: that the words of an utterance are hashed to.
        num_classes: emotions, one target per conversation.

    Example:
        >>> graph = build().fit([sample()])([sample()])
        >>> len(graph.schema.relations), graph.num_edges
        (8, 16)
    """
    rules = {"past": Window(past, -1), "future": Window(0, future)}
    return GraphBuilder(
        nodes={"text": Utterances(channels)},
        relations=speaker_relations("text", range(1, speakers + 1), **rules),
        targets={"emotion": Field("int64", num_classes=num_classes)},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """A layer of the kind that the paper begins with."""
    return RGCNConv(schema, channels, channels, num_bases=2)


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
