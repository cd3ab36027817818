"""The meaning of the edge operators in plain torch: slow, differentiable any number of times."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.ops.dropout import keep_weights
from mmgraph.ops.table import gather

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


def weigh(
    alpha: Float[Tensor, "edges heads"],
    values: Float[Tensor, "edges heads_times_channels"],
    edge_weight: Float[Tensor, "edges weight_heads"] | None,
    dropout: float,
    seed: int,
) -> Float[Tensor, "edges heads_times_channels"]:
    """Alpha x weight x value of every edge, without those that fall out."""
    edges, heads = alpha.shape
    if edge_weight is not None:
        alpha = alpha * edge_weight
    if dropout > 0:
        alpha = alpha * keep_weights(edges, heads, dropout, seed, alpha)
    return (values.unflatten(1, (heads, -1)) * alpha.unsqueeze(2)).flatten(1)


def aggregate(
    alpha: Float[Tensor, "edges heads"],
    values: Float[Tensor, "edges heads_times_channels"],
    rowptr: Int[Tensor, " nodes_plus_one"],
    edge_weight: Float[Tensor, "edges weight_heads"] | None,
    dropout: float,
    seed: int,
) -> Float[Tensor, "nodes heads_times_channels"]:
    """Sum over the edges into a node of alpha x weight x value."""
    weighted = weigh(alpha, values, edge_weight, dropout, seed)
    return weighted.new_zeros(rowptr.numel() - 1, values.shape[1]).index_add(0, destinations(rowptr), weighted)


def gat_alpha(
    tables: Sequence[Tensor],
    blocks: Tensor,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
    edge_logits: Tensor | None,
    heads: int,
    negative_slope: float,
    scope: Scope,
    softmax: Softmax = softmax,
) -> Float[Tensor, "edges heads"]:
    """Attention weights of GAT."""
    logits = gather(tables, blocks[:, 1], src, relation, heads)
    logits = logits + gather(tables, blocks[:, 2], destinations(rowptr), relation, heads)
    if edge_logits is not None:
        logits = logits + edge_logits
    logits = torch.nn.functional.leaky_relu(logits, negative_slope)
    return softmax(logits, rowptr, relation, blocks.shape[0], scope)


def gatv2_alpha(
    tables: Sequence[Tensor],
    blocks: Tensor,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
    att: Tensor,
    edge_values: Tensor | None,
    negative_slope: float,
    scope: Scope,
    softmax: Softmax = softmax,
) -> Float[Tensor, "edges heads"]:
    """Attention weights of GATv2; `att` is [relations, heads, channels], `edge_values` [edges, heads x channels]."""
    relations, heads, channels = att.shape
    z = gather(tables, blocks[:, 0], src, relation, heads * channels)
    z = z + gather(tables, blocks[:, 1], destinations(rowptr), relation, heads * channels)
    if edge_values is not None:
        z = z + edge_values
    z = torch.nn.functional.leaky_relu(z, negative_slope).view(-1, heads, channels)
    logits = (z * att[relation]).sum(2)
    return softmax(logits, rowptr, relation, relations, scope)
