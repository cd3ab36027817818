"""The meaning of the edge operators in plain torch: slow, differentiable any number of times."""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.ops.dropout import keep_weights

Scope = Literal["relation", "node"]
"""What one softmax spans: the edges of one relation into a node, or all edges into a node."""


Softmax = Callable[[Tensor, Tensor, Tensor, int, Scope], Tensor]
"""`softmax` of this module, or the same on another back-end."""


def destinations(rowptr: Int[Tensor, " nodes_plus_one"]) -> Int[Tensor, " edges"]:
    """Destination node of every edge, int64."""
    return torch.repeat_interleave(rowptr.diff())


def softmax(
    logits: Float[Tensor, "edges heads"],
    rowptr: Int[Tensor, " nodes_plus_one"],
    relation: Int[Tensor, " edges"],
    num_relations: int,
    scope: Scope,
) -> Float[Tensor, "edges heads"]:
    """Softmax over the edges into a node: over all of them, or over each relation's."""
    group = destinations(rowptr)
    if scope == "relation":
        group = group * num_relations + relation
    groups = (rowptr.numel() - 1) * (num_relations if scope == "relation" else 1)
    index = group.unsqueeze(1).expand_as(logits)
    top = logits.new_full((groups, logits.shape[1]), -torch.inf).scatter_reduce(0, index, logits, "amax")
    shifted = (logits - top.detach()[group]).exp()
    return shifted / shifted.new_zeros(groups, logits.shape[1]).index_add(0, group, shifted)[group]


def factors(
    alpha: Float[Tensor, "edges heads"],
    edge_weight: Float[Tensor, "edges weight_heads"] | None,
    dropout: float,
    seed: int,
) -> Float[Tensor, "edges heads"]:
    """Alpha x weight of every edge, 0 for those that fall out, the others scaled up."""
    if edge_weight is not None:
        alpha = alpha * edge_weight
    if dropout > 0:
        alpha = alpha * keep_weights(alpha.shape[0], alpha.shape[1], dropout, seed, alpha)
    return alpha


def aggregate(
    weights: Float[Tensor, "edges heads"],
    values: Float[Tensor, "edges heads_times_channels"],
    rowptr: Int[Tensor, " nodes_plus_one"],
) -> Float[Tensor, "nodes heads_times_channels"]:
    """Sum over the edges into a node of weight x value."""
    weighted = (values.unflatten(1, (weights.shape[1], -1)) * weights.unsqueeze(2)).flatten(1)
    return weighted.new_zeros(rowptr.numel() - 1, values.shape[1]).index_add(0, destinations(rowptr), weighted)


def gat_logits(
    source: Float[Tensor, "edges heads"],
    target: Float[Tensor, "edges heads"],
    edge_logits: Float[Tensor, "edges heads"] | None,
    negative_slope: float,
) -> Float[Tensor, "edges heads"]:
    """Logits of GAT: LeakyReLU of the sum of both ends' and the edge's."""
    total = source + target if edge_logits is None else source + target + edge_logits
    return torch.nn.functional.leaky_relu(total, negative_slope)


def gatv2_logits(
    values: Float[Tensor, "edges heads_times_channels"],
    queries: Float[Tensor, "edges heads_times_channels"],
    edge_values: Float[Tensor, "edges heads_times_channels"] | None,
    att: Float[Tensor, "edges heads channels"],
    negative_slope: float,
) -> Float[Tensor, "edges heads"]:
    """Logits of GATv2: the attention vector of the edge's relation x LeakyReLU of value, query and edge value."""
    z = values + queries if edge_values is None else values + queries + edge_values
    return (torch.nn.functional.leaky_relu(z, negative_slope).view(att.shape) * att).sum(2)


def dot_logits(
    keys: Float[Tensor, "edges heads_times_channels"],
    queries: Float[Tensor, "edges heads_times_channels"],
    edge_values: Float[Tensor, "edges heads_times_channels"] | None,
    heads: int,
    scale: float,
) -> Float[Tensor, "edges heads"]:
    """Scaled dot products of the query with the key, to which the edge's value is added."""
    keys = keys if edge_values is None else keys + edge_values
    return (keys * queries).unflatten(1, (heads, -1)).sum(2) * scale
