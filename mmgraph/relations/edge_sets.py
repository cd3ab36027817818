"""The edges of a rule as a set of pairs, for the rules that are made of other rules."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.graph.ragged import to_ptr
from mmgraph.relations.pairs import edges_from_rows, pair_keys, rows_of_keys


def rows_of(edges: EdgeList, src: NodeSet, dst: NodeSet) -> tuple[Int[Tensor, " edges"], Int[Tensor, " edges"]]:
    """Rows of `src.x` and `dst.x` that the edges connect."""
    return edges.src + src.ptr[edges.graph], edges.dst + dst.ptr[edges.graph]


def keys_of(edges: EdgeList, src: NodeSet, dst: NodeSet) -> Int[Tensor, " edges"]:
    """One number per edge, in the order of (destination, source)."""
    return pair_keys(src, *rows_of(edges, src, dst))


def keep_edges(edges: EdgeList, kept: Bool[Tensor, " edges"]) -> EdgeList:
    """The edges at which `kept` holds, in their order."""
    before = to_ptr(kept.long())
    features = None if edges.features is None else edges.features[kept]
    return EdgeList(before[edges.ptr], edges.src[kept], edges.dst[kept], features)


def edges_of_keys(src: NodeSet, dst: NodeSet, keys: Int[Tensor, " edges"]) -> EdgeList:
    """Edges without features from the numbers of their pairs, in any order; a pair that is there twice counts once."""
    return edges_from_rows(src, dst, *rows_of_keys(src, torch.unique(keys)))
