"""Small hand-written nodes, and edges as pairs."""

from typing import Any

import torch

from mmgraph.graph import EdgeList, NodeSet


def graph(count: int, **attributes: Any) -> NodeSet:
    """One graph of `count` nodes without features, with attributes given as lists."""
    return NodeSet.of([torch.zeros(count, 1)], **{name: [torch.tensor(value)] for name, value in attributes.items()})


def pairs(edges: EdgeList) -> list[tuple[int, int]]:
    """(source, destination) of each edge, in their order."""
    return list(zip(edges.src.tolist(), edges.dst.tolist(), strict=True))
