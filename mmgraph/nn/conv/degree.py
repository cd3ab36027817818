"""Weights of edges that even out how many there are: means, and the normalisations of graph convolution."""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph import FlatGraph
from mmgraph.ops.once import once_per_graph

Norm = Literal["symmetric", "mean"]
"""What graph convolution divides by: the roots of the degrees of both ends, or the degree of the destination."""


class Normalised(NamedTuple):
    """What edges and self loops bring.

    Attributes:
        edge: of every edge, [edges, 1].
        own: of the loop at every node in every relation, [nodes, relations]; 0 where there is none.
    """

    edge: Tensor
    own: Tensor


def destinations(rowptr: Int[Tensor, " nodes_plus_one"], edges: int) -> Int[Tensor, " edges"]:
    """Destination of every edge, int64; the number of edges is given, so that a compiled conv need not ask for it."""
    return torch.repeat_interleave(rowptr.diff(), output_size=edges)


def edge_counts(graph: FlatGraph) -> Int[Tensor, "nodes relations"]:
    """How many edges of every relation enter every node."""
    relations = _relations(graph)
    return _counts(_into(graph.rowptr, graph.relation, relations), _size(graph)).view(-1, relations)


def mean_weight(
    graph: FlatGraph, edge_weight: Float[Tensor, "edges 1"] | None, dtype: torch.dtype
) -> Float[Tensor, "edges 1"]:
    """1 / number of edges of its relation that enter the destination, for every edge; times its weight.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> edges = {("a", "to", "a"): torch.tensor([[0, 1, 2], [0, 0, 1]])}
        >>> graph = GraphBatch.single({"a": torch.zeros(3, 1)}, edges).flat
        >>> mean_weight(graph, None, torch.float32).squeeze(1).tolist()
        [0.5, 0.5, 1.0]
    """
    weight = _shares(graph.relation, graph.rowptr, _relations(graph), dtype)
    return weight if edge_weight is None else weight * edge_weight


@once_per_graph
def _shares(relation: Tensor, rowptr: Tensor, relations: int, dtype: torch.dtype) -> Tensor:
    into = _into(rowptr, relation, relations)
    return _counts(into, (len(rowptr) - 1) * relations)[into].unsqueeze(1).to(dtype).reciprocal()


def _into(rowptr: Tensor, relation: Tensor, relations: int) -> Tensor:
    """Number of the (destination, relation) that every edge enters, int64."""
    return destinations(rowptr, relation.shape[0]) * relations + relation


def _counts(key: Tensor, size: int) -> Tensor:
    return torch.zeros(size, dtype=torch.int64, device=key.device).index_add(0, key, torch.ones_like(key))


def check_edge_weight(graph: FlatGraph, edge_weight: Tensor | None) -> None:
    """Raises ValueError unless there is one weight per edge, or none at all."""
    if edge_weight is not None and edge_weight.shape != (graph.src.shape[0], 1):
        raise ValueError(f"edge_weight has shape {list(edge_weight.shape)}, it takes [{graph.src.shape[0]}, 1]")


def normalise(
    graph: FlatGraph,
    edge_weight: Float[Tensor, "edges 1"] | None,
    dtype: torch.dtype,
    *,
    within: Tensor,
    norm: Norm,
    self_loops: bool,
) -> Normalised:
    r"""Edge weights divided by degrees, which are sums of edge weights, as PyG's `gcn_norm` does.

    .. math:: w_{ij} / \sqrt{d_j d_i} \text{ ("symmetric")}, \quad w_{ij} / d_i \text{ ("mean")}

    :math:`d_i` sums the weights of the relation's edges into i. So does :math:`d_j` within a modality; across, where
    no edge of the relation enters j, it sums those of the edges out of j. A node with a degree of 0 or less brings
    and gets nothing.

    Args:
        graph: the edges.
        edge_weight: of every edge; 1 if not given.
        dtype: of the result.
        within: per relation, whether it connects nodes of one modality; one entry if there are no relations.
        norm: which of the two.
        self_loops: whether every node has a loop of weight 1 in every relation within its modality. A loop that is
            among the edges counts as this one, with its weight; if there are several, with their mean.
    """
    check_edge_weight(graph, edge_weight)
    edges = (graph.relation, graph.rowptr, graph.src, within, _relations(graph), dtype, norm, self_loops)
    return _normalised_evenly(*edges) if edge_weight is None else _normalised(*edges, edge_weight)


def _normalised(
    relation: Tensor,
    rowptr: Tensor,
    src: Tensor,
    within: Tensor,
    relations: int,
    dtype: torch.dtype,
    norm: Norm,
    self_loops: bool,
    edge_weight: Tensor | None = None,
) -> Normalised:
    into, out_of = _into(rowptr, relation, relations), src.long() * relations + relation
    nothing = torch.zeros((len(rowptr) - 1) * relations, dtype=dtype, device=into.device)
    weight = nothing.new_ones(src.shape[0]) if edge_weight is None else edge_weight.squeeze(1).to(dtype)
    own = nothing
    if self_loops:
        own, weight = _loops(own, weight, into, into == out_of, within)
    degree = own.index_add(0, into, weight)
    own = (own * _power(degree, -1)).view(-1, relations)
    if norm == "mean":
        return Normalised((weight * _power(degree, -1)[into]).unsqueeze(1), own)
    at_source = torch.where(within[relation.long()], degree[out_of], nothing.index_add(0, out_of, weight)[out_of])
    return Normalised((weight * _power(degree, -0.5)[into] * _power(at_source, -0.5)).unsqueeze(1), own)


_normalised_evenly = once_per_graph(_normalised)


def _loops(own: Tensor, weight: Tensor, into: Tensor, is_loop: Tensor, within: Tensor) -> tuple[Tensor, Tensor]:
    """Weight of the loop of every (node, relation), and the weights of the edges that are none."""
    count = own.index_add(0, into, is_loop.to(own.dtype))
    given = own.index_add(0, into, weight.masked_fill(~is_loop, 0))
    loops = torch.where(count > 0, given / count.clamp(min=1), 1).view(-1, within.shape[0])
    return (loops * within).view(-1), weight.masked_fill(is_loop, 0)


def _power(degree: Tensor, exponent: float) -> Tensor:
    """A negative power of the degree, 0 where that is not positive, with finite gradients everywhere."""
    positive = degree > 0
    return torch.where(positive, degree, 1).pow(exponent) * positive


def _relations(graph: FlatGraph) -> int:
    return max(1, len(graph.features))


def _size(graph: FlatGraph) -> int:
    return (graph.rowptr.shape[0] - 1) * _relations(graph)
