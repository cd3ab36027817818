"""The largest of the neighbours' features, where edges have weights or the node is subtracted."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph import ops
from mmgraph.graph import FlatGraph
from mmgraph.nn.conv.degree import destinations, edge_counts
from mmgraph.ops import Ends


def largest(
    x: Sequence[Float[Tensor, "_ _"]],
    graph: FlatGraph,
    ends: Ends,
    edge_weight: Float[Tensor, "edges 1"] | None,
    *,
    relative: bool = False,
) -> list[Float[Tensor, "_ _"]]:
    r"""Per node and relation the largest w x_j, or w (x_j - x_i), in every channel; zeros where no edge enters.

    Without weights no row per edge is made: x_i can be subtracted from the maximum. Weights, which a learned relation
    or an explanation brings, make them.

    Args:
        x: features of every modality.
        graph: the edges.
        ends: where relations begin and end.
        edge_weight: w; 1 if not given.
        relative: whether the node is subtracted from its neighbours; then both have as many channels.

    Returns:
        Per modality a table [nodes, channels of all relations into it], as `ops.relation_max` gives it.
    """
    if edge_weight is not None:
        return _weighted(x, graph, ends, edge_weight, relative=relative)
    tables = ops.relation_max(x, graph, ends)
    return [table - _own(m, x, graph, ends) for m, table in enumerate(tables)] if relative else tables


def _own(m: int, x: Sequence[Tensor], graph: FlatGraph, ends: Ends) -> Tensor:
    """The node itself for every relation into modality m that enters it, zeros for the others."""
    into = [r for r, (_, dst) in enumerate(ends.pairs) if dst == m]
    entered = (edge_counts(graph).split(graph.num_nodes)[m][:, into] > 0).to(x[m].dtype)
    return (entered.unsqueeze(2) * x[m].unsqueeze(1)).flatten(1)


def _weighted(
    x: Sequence[Tensor], graph: FlatGraph, ends: Ends, edge_weight: Tensor, *, relative: bool
) -> list[Tensor]:
    first = [0]
    for nodes in graph.num_nodes:
        first.append(first[-1] + nodes)
    dst, blocks = destinations(graph.rowptr, graph.src.shape[0]), [[rows.new_zeros(rows.shape[0], 0)] for rows in x]
    for r, (a, b) in enumerate(ends.pairs):
        edges = (graph.relation == r).nonzero().squeeze(1)
        there, here = graph.src[edges].long() - first[a], dst[edges] - first[b]
        values = (x[a][there] - x[b][here] if relative else x[a][there]) * edge_weight[edges].to(x[a].dtype)
        nothing = values.new_zeros(graph.num_nodes[b], values.shape[1])
        index = here.unsqueeze(1).expand_as(values)
        blocks[b].append(nothing.scatter_reduce(0, index, values, "amax", include_self=False))
    return [torch.cat(parts, 1) for parts in blocks]
