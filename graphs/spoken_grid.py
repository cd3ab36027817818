"""SpokenGrid: a grid of handwritten digits, an instruction, and a spoken digit as one graph.

The answer needs all three: the text says which place of the picture counts and what to do with the digit there and the
spoken one, so what has to be found out travels over the edges between the modalities::

    image: a region per 4x4 pixels      text: a token per word          audio: a frame per 40 ms

        o - o - o - o                   larger - , - voice - or ...     o - o - o - o - o - o
        | X | X | X |
        o - o - o - o                   all with all                    each with the two before
        | X | X | X |                                                   and the two after
        o - o - o - o
        | X | X | X |
        o - o - o - o                   image <--> text <--> audio <--> image

        each with its 8 neighbours      all nodes with all nodes of the other two, both ways

Regions carry their box, tokens their number in the vocabulary and their text, frames their span in seconds: attention
can be drawn over the picture, the words and the sound.

Source: no paper; the graph of the data set `mmgraph.datasets.SpokenGrid`.

Print the graph of a small sample with ``python -m mmgraph.graphs.spoken_grid``.
"""

import sys
from typing import Any, Literal

import numpy as np
from torch import nn

from mmgraph.features import LogMel, Patches, Words
from mmgraph.graph import Field, GraphSchema, describe
from mmgraph.nn import GATv2Conv
from mmgraph.relations import Complete, GraphBuilder, Grid, Window

__all__ = ["build", "conv", "sample"]

MODALITIES = ("image", "text", "audio")


def build(
    *,
    size: int = 4,
    neighbours: Literal[4, 8] = 8,
    reach: int = 2,
    stack: int = 4,
    mels: int = 40,
    num_classes: int = 10,
) -> GraphBuilder:
    """The builder of SpokenGrid's graphs; `.fit(train)` teaches it the vocabulary and the loudness of the mel bands.

    Args:
        size: pixels of a region, in both directions; handwritten digits are 8x8.
        neighbours: 4 or 8 regions around a region.
        reach: frames before and after that a frame is connected with.
        stack: hops of 10 ms in a frame.
        mels: bands of the mel scale.
        num_classes: answers.

    Raises:
        ValueError: as `Patches`, `Grid`, `Window` and `LogMel` do.

    Example:
        >>> build().fit([sample()])([sample()])
        GraphBatch(1 graph; nodes: image 16x16, text 6x0, audio 10x160;
            edges: image-beside-image 84, text-with-text 30, audio-near-audio 44, image-with-text 96,
            image-with-audio 160, text-with-image 96, text-with-audio 60, audio-with-image 160, audio-with-text 60;
            targets: answer)
    """
    across = {(src, "with", dst): Complete() for src in MODALITIES for dst in MODALITIES if src != dst}
    return GraphBuilder(
        nodes={"image": Patches(size), "text": Words(), "audio": LogMel(8000, mels=mels, stack=stack)},
        relations={
            ("image", "beside", "image"): Grid(neighbours),
            ("text", "with", "text"): Complete(),
            ("audio", "near", "audio"): Window(reach, reach),
            **across,
        },
        targets={"answer": Field("int64", num_classes=num_classes)},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """Attention whose one softmax spans all edges into a node, as in `GraphFusion`."""
    return GATv2Conv(schema, channels, channels // 4, heads=4, scope="node")


def sample() -> dict[str, Any]:
    """A raw sample of the same form as those of the data set: four strokes, a question, 0.4 s of a gliding tone.

    Example:
        >>> sample()["image"].shape, sample()["text"]
        ((16, 16), 'larger, voice or lower right')
    """
    image = np.zeros((16, 16), dtype=np.float32)
    for top in (0, 8):
        for left in (0, 8):
            image[top + 1 : top + 7, left + 3 : left + 5] = 1
    seconds = np.arange(3200) / 8000
    tone = np.sin(2 * np.pi * (300 + 400 * seconds) * seconds) * np.hanning(3200)
    return {
        "id": "strokes",
        "image": image,
        "text": "larger, voice or lower right",
        "audio": (tone.astype(np.float32), 8000),
        "answer": 1,
    }


def main() -> None:
    """Print the graph of the sample, relation by relation."""
    raw = sample()
    sys.stdout.write(f"{raw['text']!r}, a picture of 16x16 pixels and 0.4 s of sound:\n\n")
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
