"""Image and text: patches in a grid, words in a row, all connected across.

The plain graph for captions, questions about pictures, or memes::

    o - o - o          a - red - disc
    | X | X |          each with two words to either side
    o - o - o          every patch <--> every word

Source: no paper; the plain graph of a picture with a text.

Print the graph of a small sample with ``python -m mmgraph.graphs.image_text``.
"""

import sys
from typing import Any

from torch import nn

from mmgraph.features import Patches, Words
from mmgraph.graph import Field, GraphSchema, describe
from mmgraph.graphs.vig import sample as picture
from mmgraph.nn import GATv2Conv
from mmgraph.relations import Complete, GraphBuilder, Grid, Window

__all__ = ["build", "conv", "sample"]


def build(*, size: int = 4, reach: int = 2, num_classes: int = 10) -> GraphBuilder:
    """The builder of the graphs; `.fit(train)` learns the vocabulary.

    Args:
        size: pixels of a patch, in both directions.
        reach: words to either side that a word is connected with.
        num_classes: classes.

    Example:
        >>> build().fit([sample()])([sample()])
        GraphBatch(1 graph; nodes: image 16x48, text 6x0;
            edges: image-beside-image 84, text-near-text 18, image-with-text 96, text-with-image 96;
            targets: label)
    """
    return GraphBuilder(
        nodes={"image": Patches(size, colours=3), "text": Words()},
        relations={
            ("image", "beside", "image"): Grid(8),
            ("text", "near", "text"): Window(reach, reach, loops=False),
            ("image", "with", "text"): Complete(),
            ("text", "with", "image"): Complete(),
        },
        targets={"label": Field("int64", num_classes=num_classes)},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """Attention that compares across relations."""
    return GATv2Conv(schema, channels, channels // 4, heads=4, scope="node")


def sample() -> dict[str, Any]:
    """A picture and what it shows.

    Example:
        >>> sample()["text"]
        'a red disc on blue ground'
    """
    return {**picture(), "text": "a red disc on blue ground"}


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
