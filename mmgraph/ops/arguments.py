"""What the attention operators ask of their arguments. Shapes and dtypes only: nothing here waits for a device."""

from collections.abc import Mapping, Sequence
from typing import get_args

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.graph import FlatGraph
from mmgraph.ops.reference import Scope


def check_arguments(
    source: Sequence[Float[Tensor, "_ _"]],
    target: Sequence[Float[Tensor, "_ _"]],
    graph: FlatGraph,
    per_edge: Mapping[str, tuple[Tensor | None, Sequence[int]]],
    scope: Scope,
    dropout: float,
) -> None:
    """Raises ValueError, naming argument and value, where a kernel would read past the end or give another meaning.

    Args:
        source: a table per modality.
        target: another table per modality.
        graph: the edges.
        per_edge: by name, a tensor with a row per edge, or None, and the numbers of columns that it may have.
        scope: "relation" or "node".
        dropout: at least 0 and below 1.
    """
    check_rows("source", source, graph)
    check_rows("target", target, graph)
    for name, (value, columns) in per_edge.items():
        edges = graph.src.shape[0]
        if value is not None and (value.dim() != 2 or value.shape[0] != edges or value.shape[1] not in columns):
            wanted = " or ".join(f"[{edges}, {count}]" for count in columns)
            raise ValueError(f"{name} has shape {list(value.shape)}, it takes {wanted}")
    if scope not in get_args(Scope):
        raise ValueError(f"scope is 'relation' or 'node', got {scope!r}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is at least 0 and below 1, got {dropout=}")


def check_rows(name: str, tables: Sequence[Float[Tensor, "_ _"]], graph: FlatGraph) -> None:
    """Raises ValueError unless there is a table per modality with a row per node."""
    if len(tables) != len(graph.num_nodes):
        raise ValueError(f"{name} has {len(tables)} tables for {len(graph.num_nodes)} modalities")
    for m, (table, nodes) in enumerate(zip(tables, graph.num_nodes, strict=True)):
        if table.shape[0] != nodes:
            raise ValueError(f"{name}[{m}] has {table.shape[0]} rows, the graph {nodes} nodes of that modality")


def check_edge_rows(edge_values: Tensor | None, edge_row: Tensor | None, graph: FlatGraph, width: int) -> None:
    """Raises ValueError unless there are rows for edges and a row number for each edge, or neither."""
    if (edge_values is None) != (edge_row is None):
        raise ValueError("edge_values and edge_row are given together: the rows, and which edge has which")
    if edge_values is not None and (edge_values.dim() != 2 or edge_values.shape[1] != width):
        raise ValueError(f"edge_values has shape {list(edge_values.shape)}, it takes [rows, {width}]")
    if edge_row is not None and edge_row.shape != graph.src.shape:
        raise ValueError(f"edge_row has shape {list(edge_row.shape)}, it takes {list(graph.src.shape)}")


def one_precision(
    tensors: Sequence[Tensor], optional: Sequence[Tensor | None] = ()
) -> tuple[list[Tensor], list[Tensor | None]]:
    """The tensors, half precision as float32: sums over many edges need it, and autocast mixes the two.

    Raises:
        ValueError: if float32 and float64 are mixed.
    """
    raised = [_raise_half(tensor) for tensor in tensors]
    raised_too = [None if tensor is None else _raise_half(tensor) for tensor in optional]
    dtypes = {str(tensor.dtype) for tensor in (*raised, *raised_too) if tensor is not None}
    if len(dtypes) > 1:
        raise ValueError(f"an attention operator takes tensors of one dtype, got {' and '.join(sorted(dtypes))}")
    return raised, raised_too


def _raise_half(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
