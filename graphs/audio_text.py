"""Sound and text: frames in time, words in a row; words hear every frame, or their own where times are known.

::

    words     how  -  are  -  you             each with two words to either side
               |       |       |              a word with the frames that overlap its span
    frames    o o o o o o o o o o o o         each with the two before and after

Words with times come from a recogniser or an alignment: give the text as a table with `span` and `text`, see
`Features`. Plain strings have no times; then every word is connected with every frame.

Source: no paper; the plain graph of sound with a transcript.

Print the graph of a small sample with ``python -m mmgraph.graphs.audio_text``.
"""

import sys
from typing import Any

import numpy as np
from torch import nn

from mmgraph.features import LogMel, Words
from mmgraph.features.precomputed import Features
from mmgraph.graph import Field, GraphSchema, describe
from mmgraph.nn import HGTConv
from mmgraph.relations import Complete, GraphBuilder, Rule, TimeOverlap, Window

__all__ = ["build", "conv", "sample"]


def build(*, channels: int | None = None, rate: int = 8000, reach: int = 2, num_classes: int = 10) -> GraphBuilder:
    """The builder of the graphs; `.fit(train)` learns the vocabulary and the loudness of the mel bands.

    Args:
        channels: of the vectors of words that come with their times; None for plain strings.
        rate: of the sound, in Hz; others are resampled.
        reach: words and frames to either side that each is connected with.
        num_classes: classes.

    Example:
        >>> graph = build().fit([sample()])([sample()])
        >>> graph.nodes["text"].num_nodes, graph.relation(("audio", "with", "text")).num_edges
        (3, 30)
    """
    across: Rule = Complete() if channels is None else TimeOverlap()
    return GraphBuilder(
        nodes={
            "text": Words() if channels is None else Features(channels, span=True, text=True),
            "audio": LogMel(rate, stack=4),
        },
        relations={
            ("text", "near", "text"): Window(reach, reach, loops=False),
            ("audio", "near", "audio"): Window(reach, reach, loops=False),
            ("text", "with", "audio"): across,
            ("audio", "with", "text"): across,
        },
        targets={"label": Field("int64", num_classes=num_classes)},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """A transformer with matrices per modality and relation."""
    return HGTConv(schema, channels, channels // 4, heads=4)


def sample() -> dict[str, Any]:
    """Three words and 0.4 s of a rising tone.

    Example:
        >>> sample()["audio"][0].shape
        (3200,)
    """
    seconds = np.arange(3200) / 8000
    tone = np.sin(2 * np.pi * (300 + 400 * seconds) * seconds) * np.hanning(3200)
    return {"id": "greeting", "text": "how are you", "audio": (tone.astype(np.float32), 8000), "label": 1}


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
