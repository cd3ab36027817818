"""Video, its sound and a text: regions of frames, frames of sound and words, joined where they overlap in time.

::

    video     [o o]      [o o]      [o o]       regions within a picture, and the same place over time
              [o o]      [o o]      [o o]
                |          |          |         what overlaps in time
    audio     o o o o    o o o o    o o o o     each with the two before and after
    words     w  w  w  w  w                     with everything: a text has no times

Source: no paper; the plain graph of three streams with times.

Print the graph of a small sample with ``python -m mmgraph.graphs.video_audio_text``.
"""

import sys
from typing import Any

import numpy as np
from torch import nn

from mmgraph.features import LogMel, Patches, Video, Words
from mmgraph.graph import Field, GraphSchema, describe
from mmgraph.graphs.audio_text import sample as greeting
from mmgraph.nn import HGTConv
from mmgraph.relations import Complete, GraphBuilder, TimeOverlap, Window, time_relations

__all__ = ["build", "conv", "sample"]


def build(*, size: int = 8, pictures: float = 5.0, rate: int = 8000, num_classes: int = 10) -> GraphBuilder:
    """The builder of the graphs; `.fit(train)` learns the vocabulary and the loudness of the mel bands.

    Args:
        size: pixels of a region, in both directions.
        pictures: taken per second of video.
        rate: of the sound, in Hz; others are resampled.
        num_classes: classes.

    Example:
        >>> graph = build().fit([sample()])([sample()])
        >>> {name: nodes.num_nodes for name, nodes in graph.nodes.items()}
        {'video': 8, 'audio': 10, 'text': 4}
    """
    words = {
        relation: Complete()
        for other in ("video", "audio")
        for relation in (("text", "with", other), (other, "with", "text"))
    }
    return GraphBuilder(
        nodes={"video": Video(Patches(size), rate=pictures), "audio": LogMel(rate, stack=4), "text": Words()},
        relations={
            **time_relations("video", reach=1 / pictures),
            ("audio", "near", "audio"): Window(2, 2, loops=False),
            ("video", "during", "audio"): TimeOverlap(),
            ("audio", "during", "video"): TimeOverlap(),
            ("text", "near", "text"): Window(2, 2, loops=False),
            **words,
        },
        targets={"label": Field("int64", num_classes=num_classes)},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """A transformer with matrices per modality and relation."""
    return HGTConv(schema, channels, channels // 4, heads=4)


def sample() -> dict[str, Any]:
    """0.4 s of a bar that moves to the right, with a tone.

    Example:
        >>> frames, rate = sample()["video"]
        >>> frames.shape, rate
        ((4, 16, 16), 10)
    """
    frames = np.zeros((4, 16, 16), dtype=np.float32)
    for t in range(4):
        frames[t, :, 4 * t : 4 * t + 4] = 1
    return {**greeting(), "id": "bar", "video": (frames, 10), "text": "a bar moves right"}


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
