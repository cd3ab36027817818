"""ReGAT: the regions of an image by how they lie to each other, with a question about them.

Regions are the boxes of a detector. Two kinds of relations among them: one to all others with the geometry of the two
boxes as edge features, and eleven classes of how one lies to the other. The words of the question reach every region::

    words of the question --asks--> every region

        [ A ]  --ENE-->  (seen from B, A lies ...)          all <-> all, with box_x, box_y, box_width, box_height
            [  B  [C] ]  C inside B, B covers C

The paper's third kind, of actions between objects, needs a classifier of its own and is left out. Directions are
computed with atan2; the paper's code takes opposite ones for the third quadrant.

Source: Li et al., Relation-Aware Graph Attention Network for Visual Question Answering, ICCV 2019, arXiv 1903.12314.
Attention is a dot product with a share for each class.

Print the graph of a small sample with ``python -m mmgraph.graphs.regat``.
"""

import sys
from typing import Any

import numpy as np
from torch import nn

from mmgraph.features import Boxes, Words
from mmgraph.graph import Field, GraphSchema, Relation, describe
from mmgraph.nn import TransformerConv
from mmgraph.relations import Complete, GraphBuilder, Measured, Rule, spatial_relations

__all__ = ["build", "conv", "sample"]

GEOMETRY = ("box_x", "box_y", "box_width", "box_height")


def build(*, size: int = 8, num_classes: int = 10) -> GraphBuilder:
    """The builder of the graphs; `.fit(train)` learns the vocabulary and the classes of boxes.

    Args:
        size: cells of a region's crop, in both directions.
        num_classes: answers.

    Example:
        >>> graph = build().fit([sample()])([sample()])
        >>> [relation[1] for relation in graph.schema.edge_types if graph.relation(relation).num_edges]
        ['all', 'inside', 'covers', 'NNW', 'SSE', 'asks']
    """
    rules: dict[Relation, Rule] = {("image", "all", "image"): Measured(Complete(), GEOMETRY)}
    rules |= spatial_relations("image")
    rules["text", "asks", "image"] = Complete()
    return GraphBuilder(
        nodes={"image": Boxes(size), "text": Words()},
        relations=rules,
        targets={"answer": Field("int64", num_classes=num_classes)},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """Dot-product attention with edge features; one softmax over all relations."""
    return TransformerConv(schema, channels, channels // 4, heads=4, scope="node")


def sample() -> dict[str, Any]:
    """Three boxes in an image: a sky, a house and its door.

    Example:
        >>> sample()["image"]["label"]
        ['sky', 'house', 'door']
    """
    image = np.zeros((32, 32, 3), dtype=np.float32)
    image[:12] = (0.4, 0.6, 1.0)
    image[14:30, 8:24] = (0.8, 0.5, 0.3)
    image[22:30, 14:18] = (0.3, 0.2, 0.1)
    boxes = [[0.0, 0.0, 1.0, 0.375], [0.25, 0.4375, 0.75, 0.9375], [0.4375, 0.6875, 0.5625, 0.9375]]
    regions = {"image": image, "box": boxes, "label": ["sky", "house", "door"]}
    return {"id": "house", "image": regions, "text": "what is inside the house?", "answer": 2}


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
