"""From tensors to kernels: allocates results, finds the rows' addresses, follows torch's number of threads."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmgraph.ops.attention import Inputs, Numbers
from mmgraph.ops.memory import empty_table
from mmgraph.ops.numba_kernels import dot, gat, gatv2, relation_sum
from mmgraph.ops.numba_kernels.common import PIECES, Array, cut, factors, run_ends, torch_threads
from mmgraph.ops.numba_kernels.leaky import sign_bytes
from mmgraph.ops.once import once_per_graph
from mmgraph.ops.relation_sum import Layout
from mmgraph.ops.source_order import source_order
from mmgraph.ops.table import place


@torch_threads()
def attention_forward(inputs: Inputs, numbers: Numbers) -> tuple[Tensor, Tensor]:
    """Output [nodes, heads x channels] and alpha [edges, heads]."""
    inputs = _contiguous(inputs)
    like, (nodes, num_edges) = inputs.source[0], (inputs.rowptr.numel() - 1, inputs.src.numel())
    out, alpha = (
        empty_table(like, shape) for shape in ((nodes, numbers.heads * numbers.channels), (num_edges, numbers.heads))
    )
    factor = _factor(inputs.edge_weight, numbers, alpha)
    weights = torch.empty_like(alpha) if factor.shape[0] else alpha
    results = (numbers.per_relation, out.numpy(), alpha.numpy(), weights.numpy())
    first = _by_destination(inputs)
    if numbers.kind == "gat":
        logits = _optional(inputs.edge_logits, alpha)
        gat.forward(*first, logits, factor, numbers.channels, numbers.negative_slope, *results)
    elif inputs.att is not None:
        nothing = like.new_zeros(numbers.heads * numbers.channels)
        own = _own_rows(inputs.edge_values, inputs.edge_row, nothing)
        gatv2.forward(*first, inputs.att.numpy(), own, factor, numbers.channels, numbers.negative_slope, *results)
    else:
        sizes = (numbers.channels, numbers.key_channels, numbers.scale)
        own = _own_rows(inputs.edge_values, inputs.edge_row)
        dot.forward(*first, own, factor, *sizes, *results)
    return out, alpha


class Gradients(NamedTuple):
    """What a backward pass fills; a tensor without rows stands for an input that was not given."""

    source: list[Tensor]
    target: list[Tensor]
    att: Tensor
    logits: Tensor
    values: Tensor
    alpha: Tensor


@torch_threads()
def attention_backward(
    grad_out: Tensor, alpha: Tensor, inputs: Inputs, numbers: Numbers
) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor, Tensor, Tensor]:
    """Gradients of sources, targets, att, edge logits, edge values, edge weights ([edges, heads]); 0 rows for none."""
    inputs = _contiguous(inputs)
    source, target = ([empty_table(table, table.shape) for table in side] for side in (inputs.source, inputs.target))
    values = alpha.new_zeros(0, 0) if inputs.edge_values is None else torch.zeros_like(inputs.edge_values)
    to_alpha = torch.empty_like(alpha[: 0 if inputs.edge_weight is None else None])
    grads = Gradients(source, target, alpha.new_zeros(0, 0, 0), torch.empty_like(alpha), values, to_alpha)
    factor = _factor(inputs.edge_weight, numbers, alpha)
    weights = (alpha * torch.from_numpy(factor) if factor.shape[0] else alpha).numpy()
    if numbers.kind == "gat":
        _gat_backward(grad_out.numpy(), alpha, weights, factor, inputs, numbers, grads)
    elif inputs.att is not None:
        grads = grads._replace(att=inputs.att.new_zeros(PIECES, *inputs.att.shape))
        _gatv2_backward(grad_out.numpy(), alpha, weights, factor, inputs, numbers, grads)
        grads = grads._replace(att=grads.att.sum(0))
    else:
        _dot_backward(grad_out.numpy(), alpha, weights, factor, inputs, numbers, grads)
    return *grads[:-1], _weight_gradient(grads.alpha, alpha, numbers)


def _gat_backward(
    grad_out: Array, alpha: Tensor, weights: Array, factor: Array, inputs: Inputs, numbers: Numbers, grads: Gradients
) -> None:
    to_places, logits = _grad_places(inputs, grads), grads.logits.numpy()
    gat.backward_by_destination(
        *_by_destination(inputs), _optional(inputs.edge_logits, alpha), factor, numbers.channels,
        numbers.negative_slope, numbers.per_relation, alpha.numpy(), grad_out, to_places, _rows(grads.target),
        grads.alpha.numpy(), logits,
    )  # fmt: skip
    gat.backward_by_source(
        *_by_source(inputs), numbers.channels, weights, grad_out, logits, to_places, _rows(grads.source)
    )


def _gatv2_backward(
    grad_out: Array, alpha: Tensor, weights: Array, factor: Array, inputs: Inputs, numbers: Numbers, grads: Gradients
) -> None:
    assert inputs.att is not None
    to_places, logits, vectors = _grad_places(inputs, grads), grads.logits.numpy(), inputs.att.numpy()
    nothing = alpha.new_zeros(2, numbers.heads * numbers.channels)  # read and written for edges without a row
    own = _own_rows(inputs.edge_values, inputs.edge_row, nothing[0])
    to_own = _own_rows(None if inputs.edge_values is None else grads.values, inputs.edge_row, nothing[1])
    signs = np.empty((len(alpha), numbers.heads, sign_bytes(numbers.channels, alpha.element_size())), np.uint8)
    gatv2.backward_by_destination(
        *_by_destination(inputs), vectors, own, factor, numbers.channels, numbers.negative_slope,
        numbers.per_relation, alpha.numpy(), grad_out, to_places, _rows(grads.target), to_own, grads.alpha.numpy(),
        logits, grads.att.numpy(), signs,
    )  # fmt: skip
    gatv2.backward_by_source(
        *_by_source(inputs), vectors, numbers.channels, numbers.negative_slope, weights, grad_out, logits, signs,
        to_places, _rows(grads.source),
    )  # fmt: skip


def _dot_backward(
    grad_out: Array, alpha: Tensor, weights: Array, factor: Array, inputs: Inputs, numbers: Numbers, grads: Gradients
) -> None:
    to_places, logits = _grad_places(inputs, grads), grads.logits.numpy()
    sizes = (numbers.channels, numbers.key_channels)
    own = _own_rows(inputs.edge_values, inputs.edge_row)
    to_own = _own_rows(None if inputs.edge_values is None else grads.values, inputs.edge_row)
    dot.backward_by_destination(
        *_by_destination(inputs), own, factor, *sizes, numbers.scale, numbers.per_relation, alpha.numpy(), weights,
        grad_out, to_places, _rows(grads.target), to_own, grads.alpha.numpy(), logits,
    )  # fmt: skip
    dot.backward_by_source(
        *_by_source(inputs), _places(inputs), *sizes, weights, grad_out, logits, to_places, _rows(grads.source)
    )


def _by_destination(inputs: Inputs) -> tuple[Array, ...]:
    """Pieces of work, the edges in their own order, and where the tables lie."""
    return *_edges(inputs.rowptr, inputs.src, inputs.relation), _places(inputs)


def _by_source(inputs: Inputs) -> tuple[Array, ...]:
    return _edges_by_source(inputs.rowptr, inputs.src, inputs.relation, len(inputs.blocks))


def _grad_places(inputs: Inputs, grads: Gradients) -> Array:
    return _places(inputs._replace(source=grads.source, target=grads.target))


@torch_threads()
def sum_forward(
    x: Sequence[Tensor], layout: Layout, rowptr: Tensor, src: Tensor, relation: Tensor, edge_weight: Tensor
) -> list[Tensor]:
    """Results of all modalities."""
    x, edge_weight = [table.detach().contiguous() for table in x], edge_weight.detach().contiguous()
    out = [empty_table(table, (len(table), width)) for table, width in zip(x, layout.widths, strict=True)]
    places, channels = place_sides(layout.blocks, (x, out)), np.array(layout.channels, np.int64)
    relation_sum.sum_forward(
        *_edges(rowptr, src, relation), places, channels, layout.total, _rows(out), edge_weight.numpy()
    )
    return out


@torch_threads()
def sum_backward(
    grads: Sequence[Tensor],
    x: Sequence[Tensor],
    layout: Layout,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
    edge_weight: Tensor,
    with_weight: bool,
) -> tuple[list[Tensor], Tensor]:
    """Gradients of the features, and of edge weights where asked for."""
    x, edge_weight = [table.detach().contiguous() for table in x], edge_weight.detach().contiguous()
    to_x, blocks = [empty_table(table, table.shape) for table in x], layout.blocks
    grad_places, channels = place_sides(blocks, (to_x, grads)), np.array(layout.channels, np.int64)
    relation_sum.sum_backward_by_source(
        *_edges_by_source(rowptr, src, relation, len(blocks)), grad_places, channels, _rows(to_x), edge_weight.numpy()
    )
    to_weight = torch.zeros_like(edge_weight[: None if with_weight else 0])
    if with_weight:
        places = place_sides(blocks, (x, grads))
        relation_sum.weight_gradients(*_edges(rowptr, src, relation), places, channels, grad_places, to_weight.numpy())
    return to_x, to_weight


@torch_threads()
def max_forward(
    x: Sequence[Tensor], blocks: Tensor, widths: Sequence[int], rowptr: Tensor, src: Tensor, relation: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """Largest values of all modalities, and the edges that bring them (-1 where none enters)."""
    x = [table.detach().contiguous() for table in x]
    out = [table.new_empty(len(table), width) for table, width in zip(x, widths, strict=True)]
    winners = [torch.full(table.shape, -1, dtype=torch.int32) for table in out]
    places, winner_places = place_sides(blocks, (x, out)), place_sides(blocks, (x, winners))
    like = x[0].new_empty(0).numpy()
    relation_sum.max_forward(
        *_edges(rowptr, src, relation), places, winner_places, _widths(x, blocks), _rows(out), like
    )
    return out, winners


@torch_threads()
def max_backward(
    grads: Sequence[Tensor],
    winners: Sequence[Tensor],
    x: Sequence[Tensor],
    blocks: Tensor,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
) -> list[Tensor]:
    """Gradients of the features."""
    to_x = [table.new_empty(table.shape) for table in x]
    grad_places, winner_places = place_sides(blocks, (to_x, grads)), place_sides(blocks, (to_x, winners))
    relation_sum.max_backward(
        *_edges_by_source(rowptr, src, relation, len(blocks)), grad_places, winner_places, _widths(x, blocks),
        _rows(to_x), x[0].new_empty(0).numpy(),
    )  # fmt: skip
    return to_x


def place_sides(blocks: Tensor, sides: Sequence[Sequence[Tensor]]) -> Array:
    """Byte address and stride of every block, [relations, kinds, 2], kind k lying in the tables `sides[k]`."""
    parts, kinds = [], blocks.numpy()
    for kind, tables in enumerate(sides):
        nodes, widths = [len(table) for table in tables], [table.shape[1] for table in tables]
        starts = [table.data_ptr() for table in tables]
        parts.append(place(kinds[:, kind : kind + 1], nodes, widths, starts, tables[0].element_size()))
    return np.concatenate(parts, 1)


def _places(inputs: Inputs) -> Array:
    kinds = inputs.blocks.shape[1]
    return place_sides(inputs.blocks, [inputs.source] * (kinds - 1) + [inputs.target])


def _rows(tables: Sequence[Tensor]) -> Array:
    """Per modality: first and last node, address (as if of node 0), columns, bytes of a row."""
    first = [0, *accumulate(table.shape[0] for table in tables)]
    rows = []
    for table, begin, end in zip(tables, first, first[1:], strict=False):
        stride = table.shape[1] * table.element_size()
        rows.append((begin, end, table.data_ptr() - begin * stride, table.shape[1], stride))
    return np.array(rows, dtype=np.int64)


@once_per_graph
def _edges(rowptr: Tensor, src: Tensor, relation: Tensor) -> tuple[Array, ...]:
    """Pieces of work, the edges in their own order, ends of runs."""
    ptr, ids, kinds = (part.contiguous().numpy() for part in (rowptr, src, relation))
    return cut(ptr, PIECES), ptr, ids, kinds, run_ends(ptr, kinds)


@once_per_graph
def _edges_by_source(rowptr: Tensor, src: Tensor, relation: Tensor, relations: int) -> tuple[Array, ...]:
    """Pieces of work, the edges in the order by source, ends of runs."""
    ptr, edge, dst = (part.numpy() for part in source_order(rowptr, src, relation, relations))
    kinds = relation.contiguous().numpy()
    return cut(ptr, PIECES), ptr, edge, dst, kinds, run_ends(ptr, kinds[edge])


def _widths(x: Sequence[Tensor], blocks: Tensor) -> Array:
    """Channels of the source of every relation."""
    return np.array([x[m].shape[1] for m in blocks[:, 0, 0].tolist()], dtype=np.int64)


def _contiguous(inputs: Inputs) -> Inputs:
    """Numbers without gaps; blocks and edges stay the tensors that they are, by which `once_per_graph` knows them."""

    def whole(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor.detach().contiguous()

    return inputs._replace(
        source=[table.detach().contiguous() for table in inputs.source],
        target=[table.detach().contiguous() for table in inputs.target],
        att=whole(inputs.att),
        edge_logits=whole(inputs.edge_logits),
        edge_values=whole(inputs.edge_values),
        edge_row=whole(inputs.edge_row),
        edge_weight=whole(inputs.edge_weight),
    )


def _factor(edge_weight: Tensor | None, numbers: Numbers, alpha: Tensor) -> Array:
    """What multiplies alpha, [edges, heads], or an array without rows where that is 1."""
    if edge_weight is None and numbers.dropout == 0:
        return alpha.new_empty(0, alpha.shape[1]).numpy()
    out, dropout = torch.empty_like(alpha), numbers.dropout
    factors(_optional(edge_weight, alpha), int(dropout * 2**32), 1 / (1 - dropout), numbers.seed, out.numpy())
    return out.numpy()


def _weight_gradient(grad_alpha: Tensor, alpha: Tensor, numbers: Numbers) -> Tensor:
    if grad_alpha.shape[0] == 0:
        return grad_alpha
    gradient = grad_alpha * alpha
    return gradient * torch.from_numpy(_factor(None, numbers, alpha)) if numbers.dropout else gradient


def _own_rows(rows: Tensor | None, edge_row: Tensor | None, nothing: Tensor | None = None) -> Array:
    """Address of the row of every edge, of `nothing` (or 0) for an edge without; an empty array if no edge has one."""
    if rows is None or edge_row is None:
        return np.empty(0, np.int64)
    address = rows.data_ptr() + edge_row.long() * (rows.shape[1] * rows.element_size())
    return torch.where(edge_row < 0, 0 if nothing is None else nothing.data_ptr(), address).numpy()


def _optional(tensor: Tensor | None, like: Tensor) -> Array:
    """The array, or one without rows that stands for "not given"."""
    return like.new_empty(0, 1).numpy() if tensor is None else tensor.detach().contiguous().numpy()
