r"""MMGCN: a conversation whose utterances are heard, seen and read, each in its own modality.

Three nodes per utterance. Within a modality everything is connected with everything; across modalities, what belongs to
the same utterance, even where one of the three is missing::

    text     t0 ======= t1 ======= t2          = all with all, both ways
              | \         | \         | \
    audio    a0 |====== a1 |====== a2 |         | \ the same utterance
              | /         | /         | /
    visual   v0 ======= v1 ======= v2

Edges carry how alike their ends are, 1 - arccos(cosine) / pi; the paper uses it as the weight of an edge, measured
between encoded features. Here it is measured between raw ones, which therefore have one number of channels.

Source: Hu et al., MMGCN: Multimodal Fusion via Deep Graph Convolution Network for Emotion Recognition in Conversation,
ACL 2021, arXiv 2107.06779. Its layers are GCNII.

Print the graph of a small conversation with ``python -m mmgraph.graphs.mmgcn``.
"""

import sys
from typing import Any

import numpy as np
from torch import nn

from mmgraph.features import Features, Utterances
from mmgraph.graph import Field, GraphSchema, Relation, describe
from mmgraph.nn import GCN2Conv
from mmgraph.relations import Complete, GraphBuilder, Measured, Rule, SameUnit

__all__ = ["build", "conv", "sample"]

MODALITIES = ("text", "audio", "visual")


def build(*, channels: int = 32, num_classes: int = 6) -> GraphBuilder:
    """The builder of a conversation's graph; `.fit(train)` learns the speakers.

    Args:
        channels: of every modality: hashed n-grams of a text, columns of the audio and visual features.
        num_classes: emotions, one target per conversation.

    Example:
        >>> build().fit([sample()])([sample()])
        GraphBatch(1 graph; nodes: text 4x32, audio 4x32, visual 3x32;
            edges: text-all-text 12, audio-all-audio 12, visual-all-visual 6, text-same-audio 4, audio-same-text 4,
            text-same-visual 3, visual-same-text 3, audio-same-visual 3, visual-same-audio 3;
            targets: emotion)
    """
    alike = ("angular_similarity",)
    rules: dict[Relation, Rule] = {(m, "all", m): Measured(Complete(), alike) for m in MODALITIES}
    for a, b in (("text", "audio"), ("text", "visual"), ("audio", "visual")):
        for src, dst in ((a, b), (b, a)):
            rules[src, "same", dst] = Measured(SameUnit("position"), alike)
    return GraphBuilder(
        nodes={"text": Utterances(channels), "audio": Features(channels), "visual": Features(channels)},
        relations=rules,
        targets={"emotion": Field("int64", num_classes=num_classes)},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """A layer of the kind that the paper stacks."""
    return GCN2Conv(schema, channels, channels)


def sample() -> dict[str, Any]:
    """A conversation of four utterances between two people; the camera missed the last one.

    Example:
        >>> [turn["speaker"] for turn in sample()["text"]], sample()["visual"].shape
        (['Ann', 'Bob', 'Ann', 'Bob'], (3, 32))
    """
    said = ("Did you get it?", "I did!", "That is wonderful.", "I still cannot believe it.")
    who = ("Ann", "Bob", "Ann", "Bob")
    draw = np.random.default_rng(0)
    return {
        "id": "good news",
        "text": [{"text": text, "speaker": speaker} for text, speaker in zip(said, who, strict=True)],
        "audio": draw.normal(size=(4, 32)).astype(np.float32),
        "visual": draw.normal(size=(3, 32)).astype(np.float32),
        "emotion": 1,
    }


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
