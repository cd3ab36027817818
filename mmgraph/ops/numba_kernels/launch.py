"""From tensors to kernels: allocates results, finds the rows' addresses, follows torch's number of threads."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from mmgraph.ops.numba_kernels import gat, gatv2
from mmgraph.ops.numba_kernels.common import PIECES, Array, cut, factors, torch_threads
from mmgraph.ops.source_order import source_order
from mmgraph.ops.table import place


@torch_threads()
def gat_forward(
    tables: Sequence[Tensor],
    blocks: Tensor,
    edges: tuple[Tensor, Tensor, Tensor],
    edge_logits: Tensor | None,
    edge_weight: Tensor | None,
    heads: int,
    channels: int,
    slope: float,
    per_relation: bool,
    dropout: float,
    seed: int,
) -> tuple[Tensor, Tensor]:
    """Output [nodes, heads x channels] and alpha [edges, heads]; `edges` are rowptr, src, relation."""
    tables = [table.contiguous() for table in tables]
    out, alpha = _results(tables[0], edges, heads, channels)
    factor = _factor(edge_weight, dropout, seed, alpha)
    rowptr, src, relation = (part.numpy() for part in edges)
    gat.forward(
        cut(rowptr, PIECES), rowptr, src, relation, _places(blocks, tables), _optional(edge_logits, alpha), factor,
        channels, slope, per_relation, out.numpy(), alpha.numpy(),
    )  # fmt: skip
    return out, alpha


@torch_threads()
def gat_backward(
    grad_out: Tensor,
    alpha: Tensor,
    tables: Sequence[Tensor],
    blocks: Tensor,
    edges: tuple[Tensor, Tensor, Tensor],
    edge_logits: Tensor | None,
    edge_weight: Tensor | None,
    channels: int,
    slope: float,
    per_relation: bool,
    dropout: float,
    seed: int,
) -> tuple[list[Tensor], Tensor, Tensor]:
    """Gradients of tables, edge logits [edges, heads] and edge weights ([edges, heads], or no row without weights)."""
    tables = [table.contiguous() for table in tables]
    grad_tables = [torch.empty_like(table) for table in tables]
    grad_logits, grad_alpha = torch.empty_like(alpha), torch.empty_like(alpha[: 0 if edge_weight is None else None])
    factor = _factor(edge_weight, dropout, seed, alpha)
    rowptr, src, relation = (part.numpy() for part in edges)
    gat.backward_by_destination(
        cut(rowptr, PIECES), rowptr, src, relation, _places(blocks, tables), _optional(edge_logits, alpha), factor,
        channels, slope, per_relation, alpha.numpy(), grad_out.numpy(), grad_alpha.numpy(), grad_logits.numpy(),
    )  # fmt: skip
    by_source = [part.numpy() for part in source_order(edges[0], edges[1])]
    columns = [(0, table.shape[1]) for table in tables]
    gat.backward_by_source(
        cut(by_source[0], PIECES), *by_source, rowptr, relation, _places(blocks, grad_tables),
        _rows(grad_tables, columns), factor, channels, alpha.numpy(), grad_out.numpy(), grad_logits.numpy(),
    )  # fmt: skip
    return grad_tables, grad_logits, _weight_gradient(grad_alpha, alpha, dropout, seed)


@torch_threads()
def gatv2_forward(
    tables: Sequence[Tensor],
    blocks: Tensor,
    edges: tuple[Tensor, Tensor, Tensor],
    att: Tensor,
    edge_values: Tensor | None,
    edge_row: Tensor | None,
    edge_weight: Tensor | None,
    slope: float,
    per_relation: bool,
    dropout: float,
    seed: int,
) -> tuple[Tensor, Tensor]:
    """Output [nodes, heads x channels] and alpha [edges, heads]; `edges` are rowptr, src, relation."""
    tables, att = [table.contiguous() for table in tables], att.contiguous()
    out, alpha = _results(tables[0], edges, att.shape[1], att.shape[2])
    factor = _factor(edge_weight, dropout, seed, alpha)
    edge_values = None if edge_values is None else edge_values.contiguous()
    rowptr, src, relation = (part.numpy() for part in edges)
    gatv2.forward(
        cut(rowptr, PIECES), rowptr, src, relation, _places(blocks, tables), att.detach().numpy(),
        _edge_rows(edge_values, edge_row), factor, att.shape[2], slope, per_relation, out.numpy(), alpha.numpy(),
    )  # fmt: skip
    return out, alpha


@torch_threads()
def gatv2_backward(
    grad_out: Tensor,
    alpha: Tensor,
    tables: Sequence[Tensor],
    blocks: Tensor,
    edges: tuple[Tensor, Tensor, Tensor],
    att: Tensor,
    edge_values: Tensor | None,
    edge_row: Tensor | None,
    edge_weight: Tensor | None,
    slope: float,
    per_relation: bool,
    dropout: float,
    seed: int,
) -> tuple[list[Tensor], Tensor, Tensor, Tensor]:
    """Gradients of tables, att, edge values and edge weights ([edges, heads]); no row for what there is not."""
    tables, att = [table.contiguous() for table in tables], att.contiguous()
    grad_tables = [torch.empty_like(table) for table in tables]
    grad_logits, grad_alpha = torch.empty_like(alpha), torch.empty_like(alpha[: 0 if edge_weight is None else None])
    grad_att = att.new_zeros(PIECES, *att.shape)
    edge_values = None if edge_values is None else edge_values.contiguous()
    grad_values = alpha.new_zeros(0, 0) if edge_values is None else torch.zeros_like(edge_values)
    factor = _factor(edge_weight, dropout, seed, alpha)
    rowptr, src, relation = (part.numpy() for part in edges)
    inputs = (
        _places(blocks, tables),
        att.detach().numpy(),
        _edge_rows(edge_values, edge_row),
        factor,
        att.shape[2],
        slope,
    )
    grad_places = _places(blocks, grad_tables)
    first_query = _first_query(blocks, grad_tables)
    gatv2.backward_by_destination(
        cut(rowptr, PIECES), rowptr, src, relation, *inputs, per_relation, alpha.numpy(), grad_out.numpy(), grad_places,
        _rows(grad_tables, [(at, table.shape[1]) for at, table in zip(first_query, grad_tables, strict=True)]),
        _edge_rows(None if edge_values is None else grad_values, edge_row), grad_alpha.numpy(), grad_logits.numpy(),
        grad_att.numpy(),
    )  # fmt: skip
    by_source = [part.numpy() for part in source_order(edges[0], edges[1])]
    gatv2.backward_by_source(
        cut(by_source[0], PIECES), *by_source, relation, *inputs, alpha.numpy(), grad_out.numpy(), grad_logits.numpy(),
        grad_places, _rows(grad_tables, [(0, at) for at in first_query]),
    )  # fmt: skip
    return grad_tables, grad_att.sum(0), grad_values, _weight_gradient(grad_alpha, alpha, dropout, seed)


def _results(like: Tensor, edges: tuple[Tensor, Tensor, Tensor], heads: int, channels: int) -> tuple[Tensor, Tensor]:
    rowptr, src, _ = edges
    return like.new_empty(rowptr.numel() - 1, heads * channels), like.new_empty(src.numel(), heads)


def _places(blocks: Tensor, tables: Sequence[Tensor]) -> Array:
    """Byte address and stride of every block, [relations, kinds, 2]."""
    shapes = [table.shape for table in tables]
    starts = [table.data_ptr() for table in tables]
    unit = tables[0].element_size()
    return place(blocks, [s[0] for s in shapes], [s[1] for s in shapes], starts, unit).numpy()


def _rows(tables: Sequence[Tensor], columns: Sequence[tuple[int, int]]) -> Array:
    """Per modality: first and last node, address (as if of node 0) of a range of columns, how many, stride in bytes."""
    first = [0, *accumulate(table.shape[0] for table in tables)]
    rows = []
    for table, (start, stop), begin, end in zip(tables, columns, first, first[1:], strict=False):
        stride = table.shape[1] * table.element_size()
        rows.append(
            (begin, end, table.data_ptr() + start * table.element_size() - begin * stride, stop - start, stride)
        )
    return np.array(rows, dtype=np.int64)


def _first_query(blocks: Tensor, tables: Sequence[Tensor]) -> list[int]:
    """Column at which the queries of each modality begin: behind all values."""
    modality, column = blocks[:, 1].unbind(1)
    return [
        int(column[modality == m].min()) if bool((modality == m).any()) else table.shape[1]
        for m, table in enumerate(tables)
    ]


def _factor(edge_weight: Tensor | None, dropout: float, seed: int, alpha: Tensor) -> Array:
    """What multiplies alpha, [edges, heads], or an array without rows where that is 1."""
    if edge_weight is None and dropout == 0:
        return alpha.new_empty(0, alpha.shape[1]).numpy()
    out = torch.empty_like(alpha)
    weight = _optional(edge_weight, alpha)
    factors(weight, int(dropout * 2**32), 1 / (1 - dropout), seed, out.numpy())
    return out.numpy()


def _weight_gradient(grad_alpha: Tensor, alpha: Tensor, dropout: float, seed: int) -> Tensor:
    if grad_alpha.shape[0] == 0:
        return grad_alpha
    gradient = grad_alpha * alpha
    return gradient * torch.from_numpy(_factor(None, dropout, seed, alpha)) if dropout else gradient


def _edge_rows(edge_values: Tensor | None, edge_row: Tensor | None) -> Array:
    """Address of the row of every edge, 0 for an edge without; an empty array if no edge has one."""
    if edge_values is None or edge_row is None:
        return np.empty(0, np.int64)
    stride = edge_values.shape[1] * edge_values.element_size()
    address = edge_values.data_ptr() + edge_row.long() * stride
    return torch.where(edge_row < 0, 0, address).numpy()


def _optional(tensor: Tensor | None, like: Tensor) -> Array:
    """The array, or one without rows that stands for "not given"."""
    return like.new_empty(0, 1).numpy() if tensor is None else tensor.detach().contiguous().numpy()
