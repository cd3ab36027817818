"""ViG: an image as a graph of patches, each connected with those that look most like it.

Neighbours are found in features, not in the picture, so that the parts of one object find each other wherever they
are::

    . . A .        A <--> A (both wheels), wherever they are
    . . . .        . with the nearest of the other .
    A . . B        B with what is nearest to it

The paper finds the neighbours anew in every layer, among the features of that layer; `SimilarityEdges` does that inside
a model. Here they are found once, among the pixels.

Source: Han et al., Vision GNN: An Image is Worth Graph of Nodes, NeurIPS 2022, arXiv 2206.00272. Its layer is
`MaxRelativeConv`.

Print the graph of a small image with ``python -m mmgraph.graphs.vig``.
"""

import sys
from typing import Any

import numpy as np
from torch import nn

from mmgraph.features import Patches
from mmgraph.graph import Field, GraphSchema, describe
from mmgraph.nn import MaxRelativeConv
from mmgraph.relations import GraphBuilder, Nearest

__all__ = ["build", "conv", "sample"]


def build(*, size: int = 4, k: int = 9, colours: int = 3, num_classes: int = 10) -> GraphBuilder:
    """The builder of an image's graph.

    Args:
        size: pixels of a patch, in both directions.
        k: neighbours of a patch.
        colours: 1 for grey images, 3 for colour.
        num_classes: classes of images.

    Example:
        >>> build()([sample()])
        GraphBatch(1 graph; nodes: image 16x48; edges: image-like-image 144; targets: label)
    """
    return GraphBuilder(
        nodes={"image": Patches(size, colours=3 if colours == 3 else 1)},
        relations={("image", "like", "image"): Nearest(k)},
        targets={"label": Field("int64", num_classes=num_classes)},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """The paper's layer."""
    return MaxRelativeConv(schema, channels, channels)


def sample() -> dict[str, Any]:
    """A red disc on a blue ground, 16x16 pixels.

    Example:
        >>> sample()["image"].shape
        (16, 16, 3)
    """
    row, column = np.mgrid[:16, :16]
    disc = (row - 7.5) ** 2 + (column - 7.5) ** 2 < 30
    image = np.stack([disc, np.zeros_like(disc), ~disc], 2).astype(np.float32)
    return {"id": "disc", "image": image, "label": 1}


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
