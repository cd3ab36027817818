"""How the features of edges reach an attention operator: as logits of all edges, or as rows that some edges have."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import linear

from mmgraph.graph import FlatGraph


def project_features(graph: FlatGraph, weights: Sequence[Float[Tensor, "_ _"]]) -> dict[int, Tensor]:
    """Per relation with edge features, its features times its matrix."""
    return {r: linear(rows, weights[r]) for r, rows in enumerate(graph.features) if rows is not None}


def edge_logits(graph: FlatGraph, parts: Mapping[int, Float[Tensor, "_ heads"]]) -> Float[Tensor, "edges heads"] | None:
    """A row for every edge, zeros for the edges of relations without a part; None without any part."""
    if not parts:
        return None
    logits = torch.cat(list(parts.values()))
    return logits.new_zeros(graph.src.shape[0], logits.shape[1]).index_add(0, _edges(graph, parts), logits)


def edge_rows(
    graph: FlatGraph, parts: Mapping[int, Float[Tensor, "_ width"]]
) -> tuple[Float[Tensor, "rows width"] | None, Int[Tensor, " edges"] | None]:
    """The parts below each other, and the row of every edge, -1 for none; None twice without any part."""
    if not parts:
        return None, None
    values = torch.cat(list(parts.values()))
    row = graph.src.new_full((graph.src.shape[0],), -1)
    row[_edges(graph, parts)] = torch.arange(values.shape[0], dtype=row.dtype, device=row.device)
    return values, row


def _edges(graph: FlatGraph, parts: Mapping[int, Tensor]) -> Int[Tensor, " rows"]:
    """The edges that the rows of all parts belong to."""
    return torch.cat([rows for r in parts if (rows := graph.feature_edges[r]) is not None])
