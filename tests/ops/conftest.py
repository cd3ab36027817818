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
    "dot": (("source", "values"), ("source", "keys"), ("target", "keys")),
}
SCALE = 0.7


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
    key_channels: int

    def out(self, leaves: Mapping[str, Tensor] | None = None, **options: Any) -> Tensor:
        """What the operator gives, for its own leaves or for others."""
        source, target, arguments = self._arguments(leaves or self.leaves)
        arguments |= options
        if self.operator == "gatv2":
            att = arguments.pop("att")
            return ops.gatv2_attention(source, target, self.blocks, self.graph, att, **arguments)
        sizes = {"heads": self.heads, "channels": self.channels}
        if self.operator == "gat":
            return ops.gat_attention(source, target, self.blocks, self.graph, **sizes, **arguments)
        arguments.pop("negative_slope", None)
        sizes |= {"key_channels": self.key_channels}
        return ops.dot_attention(source, target, self.blocks, self.graph, scale=SCALE, **sizes, **arguments)

    def alpha(self, leaves: Mapping[str, Tensor] | None = None, **options: Any) -> Tensor:
        """The weights of all edges."""
        source, target, arguments = self._arguments(leaves or self.leaves)
        arguments |= options
        arguments.pop("edge_weight", None)
        if self.operator == "gat":
            return ops.gat_alpha(source, target, self.blocks, self.graph, heads=self.heads, **arguments)
        if self.operator == "gatv2":
            att = arguments.pop("att")
            return ops.gatv2_alpha(source, target, self.blocks, self.graph, att, **arguments)
        arguments.pop("negative_slope", None)
        sizes = {"heads": self.heads, "key_channels": self.key_channels}
        return ops.dot_alpha(source, target, self.blocks, self.graph, scale=SCALE, **sizes, **arguments)

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

    def _arguments(self, leaves: Mapping[str, Tensor]) -> tuple[list[Tensor], list[Tensor], dict[str, Any]]:
        modalities = range(len(self.graph.num_nodes))
        source, target = ([leaves[f"{side} {m}"] for m in modalities] for side in ("source", "target"))
        arguments: dict[str, Any] = {name: leaf for name, leaf in leaves.items() if " " not in name}
        if self.edge_row is not None:
            arguments["edge_row"] = self.edge_row
        return source, target, arguments


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
    key_channels: int | None = None,
    weight_columns: int = 0,
    features: bool = True,
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
) -> Problem:
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64).to(dtype)

    keys = channels if key_channels is None or features else key_channels
    contents = {"values": heads * channels, "logits": heads, "keys": heads * keys}
    blocks, widths = lay_out(schema, operator, contents)
    edges = graph.src.numel()
    leaves = {
        f"{side} {m}": normal(nodes, width)
        for side, columns in widths.items()
        for m, (nodes, width) in enumerate(zip(graph.num_nodes, columns, strict=True))
    }
    edge_row = None
    if operator == "gatv2":
        leaves["att"] = normal(len(schema.edge_types), heads, channels)
    if features and operator == "gat":
        leaves["edge_logits"] = normal(edges, heads)
    if features and operator != "gat":
        has_row = torch.rand(edges, generator=draw) < 0.5
        edge_row = torch.full((edges,), -1, dtype=torch.int32)
        edge_row[has_row] = torch.randperm(int(has_row.sum()), generator=draw).to(torch.int32)
        leaves["edge_values"] = normal(int(has_row.sum()), heads * channels)
    if weight_columns:
        leaves["edge_weight"] = normal(edges, weight_columns)
    return Problem(operator, graph, blocks, heads, channels, leaves, edge_row, keys)


def lay_out(schema: GraphSchema, operator: str, contents: dict[str, int]) -> tuple[Tensor, dict[str, list[int]]]:
    """Columns of all blocks, with a column behind each that nobody reads, and the widths of all tables."""
    blocks = torch.zeros(len(schema.edge_types), len(BLOCKS[operator]), 2, dtype=torch.int64)
    widths: dict[str, list[int]] = {"source": [], "target": []}
    for m, modality in enumerate(schema.modalities):
        column = {"source": 0, "target": 0}
        for kind, (end, content) in enumerate(BLOCKS[operator]):
            for r in schema.out_of(modality) if end == "source" else schema.into(modality):
                blocks[r, kind] = torch.tensor([m, column[end]])
                column[end] += contents[content] + 1
        for end, columns in widths.items():
            columns.append(column[end])
    return blocks, widths


@pytest.fixture(scope="session")
def sums_of() -> Callable[..., list[Tensor]]:
    """Sums or largest values over the edges of relations, see `_sums_of`."""
    return _sums_of


def _sums_of(kind: str, x: list[Tensor], graph: FlatGraph, ends: ops.Ends, weight: Tensor) -> list[Tensor]:
    """All relations side by side ("sum", "max"), all but one ("some"), or all but one added up ("total")."""
    if kind == "max":
        return ops.relation_max(x, graph, ends)
    if kind == "sum":
        return ops.relation_sum(x, graph, ends, edge_weight=weight)
    some = [r for r in range(len(ends.pairs)) if r != 1]
    if kind == "some":
        return ops.relation_sum(x, graph, ends, edge_weight=weight, relations=some)
    tables = []
    for m, rows in enumerate(x):  # what a node brings differs from relation to relation
        shares = [(r + torch.arange(1, 4)).to(rows) for r in some if ends.pairs[r][0] == m]
        tables.append(rows.sum(1, keepdim=True) * torch.cat([rows.new_zeros(0), *shares]))
    return ops.relation_total(tables, graph, ends, 3, edge_weight=weight, relations=some)
