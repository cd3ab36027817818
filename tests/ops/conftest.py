"""Inputs for the attention operators, and the operators themselves under one name and form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphBatch, GraphSchema

# Columns that every relation has in the tables: whose row, and how many per head and channel or per head.
BLOCKS = {
    "gat": (("source", "values"), ("source", "logits"), ("target", "logits")),
    "gatv2": (("source", "values"), ("target", "values")),
}


@dataclass(frozen=True)
class Problem:
    """An attention operator and inputs for it; `leaves` are what it is differentiable in, tables first."""

    operator: str
    graph: FlatGraph
    blocks: Tensor
    heads: int
    channels: int
    leaves: Mapping[str, Tensor]
    edge_row: Tensor | None

    def out(self, leaves: Mapping[str, Tensor] | None = None, **options: Any) -> Tensor:
        """What the operator gives, for its own leaves or for others."""
        tables, arguments = self._arguments(leaves or self.leaves)
        if self.operator == "gat":
            arguments |= {"heads": self.heads, "channels": self.channels}
            return ops.gat_attention(tables, self.blocks, self.graph, **arguments, **options)
        att = arguments.pop("att")
        return ops.gatv2_attention(tables, self.blocks, self.graph, att, **arguments, **options)

    def alpha(self, leaves: Mapping[str, Tensor] | None = None, **options: Any) -> Tensor:
        """The weights of all edges."""
        tables, arguments = self._arguments(leaves or self.leaves)
        arguments.pop("edge_weight", None)
        if self.operator == "gat":
            return ops.gat_alpha(tables, self.blocks, self.graph, heads=self.heads, **arguments, **options)
        att = arguments.pop("att")
        return ops.gatv2_alpha(tables, self.blocks, self.graph, att, **arguments, **options)

    def out_and_gradients(self, backend: str, **options: Any) -> dict[str, Tensor]:
        """The output, and the gradient of every leaf for one random gradient of the output."""
        leaves = {name: leaf.detach().clone().requires_grad_() for name, leaf in self.leaves.items()}
        with ops.backend(backend):
            out = self.out(leaves, **options)
            upstream = torch.randn(out.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
            out.backward(upstream.to(out.dtype))
        grads = {name: torch.zeros_like(v) if v.grad is None else v.grad for name, v in leaves.items()}
        return {"out": out.detach(), **grads}

    @property
    def destination(self) -> Tensor:
        """Destination of every edge."""
        return torch.repeat_interleave(self.graph.rowptr.diff())

    def _arguments(self, leaves: Mapping[str, Tensor]) -> tuple[list[Tensor], dict[str, Any]]:
        tables = [leaves[f"table {m}"] for m in range(len(self.graph.num_nodes))]
        arguments: dict[str, Any] = {name: leaf for name, leaf in leaves.items() if not name.startswith("table")}
        if self.edge_row is not None:
            arguments["edge_row"] = self.edge_row
        return tables, arguments


@pytest.fixture(scope="session")
def schema() -> GraphSchema:
    """Two relations between the same ends, a loop, a modality on its own."""
    return GraphSchema(
        {"a": 1, "b": 1, "c": 1, "d": 1},
        [("a", "x", "b"), ("b", "y", "a"), ("a", "z", "a"), ("c", "w", "b"), ("a", "p", "b")],
    )


@pytest.fixture(scope="session")
def problem(schema: GraphSchema, ragged: Callable[..., GraphBatch]) -> Callable[..., Problem]:
    """Random inputs for the operator of the given name, over random graphs or a given one."""

    def make(
        operator: str, counts: list[dict[str, int]], *, degree: float = 2.0, seed: int = 0, **sizes: Any
    ) -> Problem:
        batch = ragged(schema, counts, degree=degree, seed=seed)
        return problem_on(operator, schema, batch.flat, seed=seed, **sizes)

    return make


@pytest.fixture(scope="session")
def problem_on_flat() -> Callable[..., Problem]:
    """The same over a given graph."""
    return problem_on


def problem_on(
    operator: str,
    schema: GraphSchema,
    graph: FlatGraph,
    *,
    heads: int = 2,
    channels: int = 3,
    weight_columns: int = 0,
    features: bool = True,
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
) -> Problem:
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64).to(dtype)

    blocks, widths = lay_out(schema, operator, {"values": heads * channels, "logits": heads})
    edges = graph.src.numel()
    leaves = {
        f"table {m}": normal(nodes, width) for m, (nodes, width) in enumerate(zip(graph.num_nodes, widths, strict=True))
    }
    edge_row = None
    if operator == "gatv2":
        leaves["att"] = normal(len(schema.edge_types), heads, channels)
    if features and operator == "gat":
        leaves["edge_logits"] = normal(edges, heads)
    if features and operator == "gatv2":
        has_row = torch.rand(edges, generator=draw) < 0.5
        edge_row = torch.full((edges,), -1, dtype=torch.int32)
        edge_row[has_row] = torch.randperm(int(has_row.sum()), generator=draw).to(torch.int32)
        leaves["edge_values"] = normal(int(has_row.sum()), heads * channels)
    if weight_columns:
        leaves["edge_weight"] = normal(edges, weight_columns)
    return Problem(operator, graph, blocks, heads, channels, leaves, edge_row)


def lay_out(schema: GraphSchema, operator: str, widths: dict[str, int]) -> tuple[Tensor, list[int]]:
    """Columns of all blocks, with a column between them that nobody reads, and the width of every table."""
    blocks = torch.zeros(len(schema.edge_types), len(BLOCKS[operator]), 2, dtype=torch.int64)
    totals = []
    for m, modality in enumerate(schema.modalities):
        column = 0
        for kind, (end, content) in enumerate(BLOCKS[operator]):
            for r in schema.out_of(modality) if end == "source" else schema.into(modality):
                blocks[r, kind] = torch.tensor([m, column])
                column += widths[content] + 1
        totals.append(column)
    return blocks, totals
