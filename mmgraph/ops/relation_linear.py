"""Sums over neighbours, each times the matrix of its relation: what convs without attention compute."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.graph import FlatGraph
from mmgraph.ops.linear import linear, linear_sum
from mmgraph.ops.relation_sum import Ends, relation_sum, relation_total

EDGE = 8
"""What one number of an edge's row costs, in multiplications of a matrix product with AVX-512; 4 to 12 are as good."""

WORTH = 2**22
"""Multiplications to be saved, at least, before a second pass over the edges is worth it."""


def relation_linear(
    x: Sequence[Float[Tensor, "_ _"]],
    graph: FlatGraph,
    ends: Ends,
    weights: Sequence[Float[Tensor, "out_channels _"]],
    out_channels: int,
    *,
    edge_weight: Float[Tensor, "edges 1"] | None = None,
    root_weights: Sequence[Float[Tensor, "_ _"]],
    biases: Sequence[Float[Tensor, " out_channels"] | None] | None = None,
) -> list[Float[Tensor, "_ out_channels"]]:
    r"""Per node, the sum over relations and edges of the relation's matrix times the neighbour.

    .. math:: x'_i = b + W x_i + \sum_r W_r \sum_{j \to_r i} w_{ij} x_j

    A matrix can be applied to the sums or to the neighbours before they are summed: whichever is less work, relation
    by relation. So a relation from 35 words to 75 frames multiplies 35 rows, and so does the one back.

    Args:
        x: features of every modality, [nodes, channels].
        graph: the edges.
        ends: where relations begin and end.
        weights: matrix of every relation, [out_channels, channels of its source].
        out_channels: channels of the result.
        edge_weight: multiplies what an edge brings.
        root_weights: per modality, the matrix of the node itself, [out_channels, channels], or one without rows.
        biases: per modality; none, if not given.

    Returns:
        Per modality [nodes, out_channels].

    Raises:
        ValueError: if sizes or dtypes do not fit together.
    """
    early = multiplied_first(graph, ends, [rows.shape[1] for rows in x], out_channels)
    late = [r for r in range(len(ends.pairs)) if r not in early]
    totals: list[Tensor | None] = [None] * len(x)
    sums = [rows.new_zeros(rows.shape[0], 0) for rows in x]
    if early:
        tables = [_table(rows, [weights[r] for r in early if ends.pairs[r][0] == m]) for m, rows in enumerate(x)]
        found = relation_total(tables, graph, ends, out_channels, edge_weight=edge_weight, relations=early)
        entered = {ends.pairs[r][1] for r in early}
        totals = [total if m in entered else None for m, total in enumerate(found)]
    if late:
        sums = relation_sum(x, graph, ends, edge_weight=edge_weight, relations=late)
    out = []
    for m, rows in enumerate(x):
        into = [weights[r] for r in late if ends.pairs[r][1] == m]
        terms = [(sums[m], torch.cat(into, 1) if into else rows.new_zeros(out_channels, 0))]
        if len(root_weights[m]):
            terms.append((rows, root_weights[m]))
        bias = None if biases is None else biases[m]
        out.append(linear_sum([term[0] for term in terms], [term[1] for term in terms], bias, totals[m]))
    return out


def multiplied_first(graph: FlatGraph, ends: Ends, channels: Sequence[int], out_channels: int) -> list[int]:
    """The relations whose neighbours are multiplied before they are summed, by the number of operations.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> few_to_many = {("word", "in", "frame"): torch.zeros(2, 500, dtype=torch.int64)}
        >>> x = {"word": torch.zeros(35, 256), "frame": torch.zeros(750, 256)}
        >>> multiplied_first(GraphBatch.single(x, few_to_many).flat, Ends(((0, 1),)), [256, 256], 256)
        [0]
    """
    edges, chosen, saved = graph.src.shape[0] // max(1, len(ends.pairs)), [], 0  # edges: about, nothing waits for them
    for r, (src, dst) in enumerate(ends.pairs):
        size = channels[src] * out_channels
        before = graph.num_nodes[src] * size + EDGE * edges * out_channels
        after = graph.num_nodes[dst] * size + EDGE * edges * channels[src]
        if before < after:
            chosen.append(r)
            saved += after - before
    return chosen if saved >= WORTH else []


def _table(rows: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """A row times several matrices, side by side."""
    return linear(rows, torch.cat(list(weights)) if weights else rows.new_zeros(0, rows.shape[1]))
