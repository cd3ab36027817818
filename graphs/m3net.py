r"""M3Net: a hypergraph of a conversation: what belongs to an utterance, and what belongs to a modality.

A hyperedge is a node of an extra type. One per utterance holds its text, sound and face; one per modality holds all its
nodes. Messages go from members to hyperedges and back::

    text     t0        t1        t2  ......  (all text)
               \         \         \
    audio    a0-(u0)   a1-(u1)   a2-(u2) ..  (all audio)
               /         /         /
    visual   v0        v1        v2  ......  (all visual)

Source: Chen et al., Multivariate, Multi-Frequency and Multimodal: Rethinking Graph Neural Networks for Emotion
Recognition in Conversation, CVPR 2023. A hypergraph convolution is a mean from members to hyperedges and a mean back.

Print the graph of a small conversation with ``python -m mmgraph.graphs.m3net``.
"""

import sys

from torch import nn

from mmgraph.features import Features, Utterances
from mmgraph.graph import Field, GraphSchema, Relation, describe
from mmgraph.graphs.mmgcn import MODALITIES, sample
from mmgraph.nn import SAGEConv
from mmgraph.relations import GlobalNodes, GraphBuilder, Rule, SameUnit, UnitNodes, star_relations

__all__ = ["build", "conv", "sample"]


def build(*, channels: int = 32, num_classes: int = 6) -> GraphBuilder:
    """The builder of a conversation's hypergraph; arguments as for `mmgcn.build`.

    Example:
        >>> graph = build().fit([sample()])([sample()])
        >>> {name: nodes.num_nodes for name, nodes in graph.nodes.items()}
        {'text': 4, 'audio': 4, 'visual': 3, 'utterance': 4, 'all_text': 1, 'all_audio': 1, 'all_visual': 1}
    """
    rules: dict[Relation, Rule] = {**star_relations("utterance", MODALITIES, SameUnit("position"))}
    for modality in MODALITIES:
        rules |= star_relations(f"all_{modality}", [modality])
    return GraphBuilder(
        nodes={"text": Utterances(channels), "audio": Features(channels), "visual": Features(channels)},
        extra={
            "utterance": UnitNodes("position", MODALITIES),
            **{f"all_{modality}": GlobalNodes(of=(modality,)) for modality in MODALITIES},
        },
        relations=rules,
        targets={"emotion": Field("int64", num_classes=num_classes)},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """Means over the members of a hyperedge, and over the hyperedges of a node: two layers are one of the paper's."""
    return SAGEConv(schema, channels, channels)


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
