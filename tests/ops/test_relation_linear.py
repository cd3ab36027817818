"""Matrices of relations, applied before or after neighbours are summed: the same, on every back-end."""

import sys
from typing import Any

import pytest
import torch
from torch import Tensor

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphBatch, GraphSchema
from mmgraph.nn import RGCNConv, SAGEConv
from mmgraph.ops.relation_linear import multiplied_first

module = sys.modules["mmgraph.ops.relation_linear"]
pytestmark = pytest.mark.unchecked  # many calls

BACKENDS = [name for name in ops.available_backends() if name != "triton"]
CHANNELS, OUT = (5, 2, 3, 4), 3
FULL = [{"a": 3, "b": 2, "c": 2, "d": 1}, {"a": 2}, {"b": 2, "c": 1}]
SIDES = {"after": [], "before": [0, 1, 2, 3, 4], "both": [1, 3], "one": [4]}


@pytest.fixture
def ends(schema: GraphSchema) -> ops.Ends:
    return ops.Ends(tuple((schema.modality_id(src), schema.modality_id(dst)) for src, _, dst in schema.edge_types))


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Fixes which relations' neighbours are multiplied first."""
    monkeypatch.setattr(module, "multiplied_first", lambda *_: SIDES[request.param])
    return request.param


def inputs(graph: FlatGraph, ends: ops.Ends) -> dict[str, list[Tensor]]:
    draw = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64, requires_grad=True)

    return {
        "x": [random(nodes, size) for nodes, size in zip(graph.num_nodes, CHANNELS, strict=True)],
        "weights": [random(OUT, CHANNELS[src]) for src, _ in ends.pairs],
        "roots": [random(OUT if m else 0, size) for m, size in enumerate(CHANNELS)],
        "biases": [random(OUT) for _ in CHANNELS],
        "edge_weight": [random(graph.src.numel(), 1)],
    }


def by_a_loop(given: dict[str, list[Tensor]], graph: FlatGraph, ends: ops.Ends) -> list[Tensor]:
    out = [
        bias + (rows @ root.T if len(root) else torch.zeros(len(rows), OUT))
        for rows, root, bias in zip(given["x"], given["roots"], given["biases"], strict=True)
    ]
    first = torch.tensor([0, *graph.num_nodes]).cumsum(0).tolist()
    dst = torch.repeat_interleave(graph.rowptr.diff()).tolist()
    for e, (j, i, r) in enumerate(zip(graph.src.tolist(), dst, graph.relation.tolist(), strict=True)):
        source, target = ends.pairs[r]
        brought = given["weights"][r] @ given["x"][source][j - first[source]] * given["edge_weight"][0][e]
        row = torch.zeros(len(out[target]), 1).index_fill(0, torch.tensor([i - first[target]]), 1.0)
        out[target] = out[target] + row * brought
    return out


def by_the_operator(given: dict[str, list[Tensor]], graph: FlatGraph, ends: ops.Ends) -> list[Tensor]:
    return ops.relation_linear(
        given["x"], graph, ends, given["weights"], OUT, edge_weight=given["edge_weight"][0],
        root_weights=given["roots"], biases=given["biases"],
    )  # fmt: skip


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("counts", [FULL, [{"a": 2, "b": 1}], [{"c": 1}], [{"d": 2}, {"a": 1}]])
def test_results_and_gradients_are_those_of_a_loop(
    ragged: Any, schema: GraphSchema, ends: ops.Ends, side: str, backend: str, counts: Any
) -> None:
    graph = ragged(schema, counts, degree=2.0).flat
    given = inputs(graph, ends)
    leaves = [leaf for part in given.values() for leaf in part]
    found = []
    for compute in (by_a_loop, by_the_operator):
        with ops.backend(backend):
            out = compute(given, graph, ends)
            upstream = [torch.randn(part.shape, generator=torch.Generator().manual_seed(1)) for part in out]
            total = sum((part * grad).sum() for part, grad in zip(out, upstream, strict=True))
            grads = torch.autograd.grad(total, leaves, allow_unused=True)
        zeros = [torch.zeros_like(leaf) if grad is None else grad for leaf, grad in zip(leaves, grads, strict=True)]
        found.append([*out, *zeros])
    assert all(torch.allclose(a, b, rtol=1e-10, atol=1e-12) and a.shape == b.shape for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_both_sides_have_the_same_type(
    ragged: Any, schema: GraphSchema, ends: ops.Ends, side: str, dtype: torch.dtype
) -> None:
    graph = ragged(schema, FULL, degree=2.0).flat
    given = {name: [leaf.detach().to(dtype) for leaf in part] for name, part in inputs(graph, ends).items()}
    out = by_the_operator(given, graph, ends)
    exact = [part.detach() for part in by_the_operator(inputs(graph, ends), graph, ends)]
    largest = max(float(part.abs().max()) for part in exact)
    assert all(part.dtype == dtype for part in out)
    assert all((a - b).abs().max() < 5 * torch.finfo(dtype).eps * largest for a, b in zip(out, exact, strict=True))


@pytest.mark.parametrize("make", [SAGEConv, RGCNConv])
@pytest.mark.parametrize("autocast", [False, True])
def test_convs_do_not_depend_on_the_side(
    ragged: Any, schema: GraphSchema, make: Any, autocast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = ragged(schema, FULL, degree=2.0)
    torch.manual_seed(0)
    conv, found = make(schema, 6, OUT), []
    x = {name: torch.randn(len(nodes.x), 6) for name, nodes in batch.nodes.items()}
    for relations in SIDES.values():
        monkeypatch.setattr(module, "multiplied_first", lambda *_, chosen=relations: chosen)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            found.append(torch.cat(list(conv(x, batch.flat).values())))
    assert all(part.dtype == found[0].dtype for part in found)
    assert all(torch.allclose(part, found[0], rtol=0, atol=5e-2 if autocast else 1e-5) for part in found)


def graph_of(words: int, frames: int, channels: tuple[int, int]) -> tuple[FlatGraph, ops.Ends]:
    schema = GraphSchema(
        {"word": channels[0], "frame": channels[1]}, [("word", "in", "frame"), ("frame", "of", "word")]
    )
    edges = {relation: torch.zeros(2, 2000, dtype=torch.int64) for relation in schema.edge_types}
    x = {"word": torch.zeros(words, channels[0]), "frame": torch.zeros(frames, channels[1])}
    return GraphBatch.single(x, edges).flat, ops.Ends(((0, 1), (1, 0)))


@pytest.mark.parametrize(
    ("words", "frames", "channels", "out_channels", "expected"),
    [
        (350, 7500, (128, 128), 128, [0]),  # the few words are multiplied, in both relations
        (7500, 350, (128, 128), 128, [1]),
        (2000, 2000, (128, 128), 128, []),  # no side is smaller
        (2000, 2000, (768, 768), 64, [0, 1]),  # edges carry 64 instead of 768 numbers
        (2000, 2000, (64, 64), 768, []),
        (2000, 2000, (768, 32), 64, [0]),
        (35, 75, (128, 128), 128, []),  # so little that a second pass is not worth it
    ],
)
def test_the_smaller_side_is_multiplied(
    words: int, frames: int, channels: tuple[int, int], out_channels: int, expected: list[int]
) -> None:
    assert multiplied_first(*graph_of(words, frames, channels), channels, out_channels) == expected


def test_a_graph_without_relations(schema: GraphSchema) -> None:
    batch = GraphBatch.single({"a": torch.ones(3, 2)}, {})
    (out,) = ops.relation_linear([torch.ones(3, 2)], batch.flat, ops.Ends(()), [], 4, root_weights=[torch.ones(4, 2)])
    assert torch.equal(out, torch.full((3, 4), 2.0))
