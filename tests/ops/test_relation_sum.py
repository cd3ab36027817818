"""Sums and largest values per relation: every back-end against loops and the reference, gradients, odd graphs."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphBatch, GraphSchema

pytestmark = pytest.mark.unchecked  # thousands of calls

BACKENDS = [name for name in ops.available_backends() if name != "triton"]
CHANNELS = (5, 2, 3, 4)
FULL = [{"a": 3, "b": 2, "c": 2, "d": 1}, {"a": 2}, {"b": 2, "c": 1}]


@pytest.fixture(scope="module")
def ends(schema: GraphSchema) -> ops.Ends:
    return ops.Ends(tuple((schema.modality_id(src), schema.modality_id(dst)) for src, _, dst in schema.edge_types))


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=["sum", "max", "some", "total"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def features(graph: FlatGraph, dtype: torch.dtype = torch.float64, width: int = 1, seed: int = 0) -> list[Tensor]:
    draw = torch.Generator().manual_seed(seed)
    sizes = zip(graph.num_nodes, CHANNELS, strict=True)
    return [torch.randn(nodes, width * size, generator=draw, dtype=torch.float64).to(dtype) for nodes, size in sizes]


@pytest.fixture(scope="module")
def everything(sums_of: Callable[..., list[Tensor]]) -> Callable[..., list[Tensor]]:
    """Results and gradients, see `_everything`."""
    return partial(_everything, sums_of)


def _everything(
    sums_of: Any, backend: str, kind: str, x: list[Tensor], graph: FlatGraph, ends: ops.Ends, weight: Tensor
) -> list[Tensor]:
    """Results, then gradients of features and weights for one random gradient of the results."""
    leaves = [value.clone().requires_grad_() for value in (*x, weight)]
    with ops.backend(backend):
        out = sums_of(kind, leaves[:-1], graph, ends, leaves[-1])
        draw = torch.Generator().manual_seed(1)
        upstream = [torch.randn(part.shape, generator=draw, dtype=torch.float64).to(part.dtype) for part in out]
        torch.stack([(part * grad).sum() for part, grad in zip(out, upstream, strict=True)]).sum().backward()
    return [*(part.detach() for part in out), *(torch.zeros_like(v) if v.grad is None else v.grad for v in leaves)]


@pytest.mark.parametrize("kind", ["sum", "max"])  # for the others see test_relation_linear
def test_results_are_those_of_a_loop_over_edges(
    sums_of: Any, ragged: Any, schema: GraphSchema, ends: ops.Ends, kind: str, backend: str, assert_agree: Any
) -> None:
    graph = ragged(schema, FULL, degree=2.0).flat
    x, weight = features(graph), torch.rand(graph.src.numel(), 1, dtype=torch.float64)
    first = torch.tensor([0, *graph.num_nodes]).cumsum(0).tolist()
    columns, widths = ends.columns(CHANNELS)
    brought: dict[tuple[int, int], list[Tensor]] = {}
    dst = torch.repeat_interleave(graph.rowptr.diff()).tolist()
    for e, (j, i, r) in enumerate(zip(graph.src.tolist(), dst, graph.relation.tolist(), strict=True)):
        value = x[ends.pairs[r][0]][j - first[ends.pairs[r][0]]]
        brought.setdefault((i, r), []).append(value * weight[e] if kind == "sum" else value)
    expected = [torch.zeros(n, width, dtype=torch.float64) for n, width in zip(graph.num_nodes, widths, strict=True)]
    for (i, r), values in brought.items():
        (source, target), rows = ends.pairs[r], torch.stack(values)
        result = rows.sum(0) if kind == "sum" else rows.amax(0)
        expected[target][i - first[target], columns[r] : columns[r] + CHANNELS[source]] = result
    with ops.backend(backend):
        for actual, wanted in zip(sums_of(kind, x, graph, ends, weight), expected, strict=True):
            assert_agree(actual, wanted)


some_nodes = st.fixed_dictionaries({}, optional={name: st.integers(0, 5) for name in "abcd"})
some_graphs = st.lists(some_nodes.filter(lambda nodes: sum(nodes.values()) > 0), min_size=1, max_size=4)


@pytest.mark.parametrize("fast", BACKENDS[1:])
@given(
    counts=some_graphs,
    degree=st.sampled_from([0.0, 0.4, 2.0, 6.0]),
    width=st.integers(1, 20),
    dtype=st.sampled_from([torch.float64, torch.float32]),
    seed=st.integers(0, 2**20),
)
def test_every_back_end_equals_the_reference(
    everything: Any, ragged: Any, schema: GraphSchema, ends: ops.Ends, kind: str, assert_agree: Any, fast: str,
    counts: Any, degree: float, width: int, dtype: torch.dtype, seed: int,
) -> None:  # fmt: skip
    graph = ragged(schema, counts, degree=degree, seed=seed).flat
    x = [value.round(decimals=1) for value in features(graph, dtype, width, seed)]  # rounded, so that some are equal
    weight = torch.rand(graph.src.numel(), 1, dtype=dtype)
    expected = everything("reference", kind, x, graph, ends, weight)
    for actual, wanted in zip(everything(fast, kind, x, graph, ends, weight), expected, strict=True):
        assert_agree(actual, wanted)


@pytest.mark.parametrize("fast", BACKENDS[1:])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("channels", [16, 32, 64, 128])
def test_rows_that_fill_four_or_eight_vectors_equal_the_reference(
    everything: Any,
    ragged: Any,
    schema: GraphSchema,
    ends: ops.Ends,
    assert_agree: Any,
    fast: str,
    dtype: torch.dtype,
    channels: int,
) -> None:
    graph = ragged(schema, [{"a": 3, "b": 2, "c": 1, "d": 1}, {"a": 1, "c": 4}], degree=6.0, seed=channels).flat
    x = [torch.randn(nodes, channels, dtype=dtype) for nodes in graph.num_nodes]
    weight = torch.rand(graph.src.numel(), 1, dtype=dtype)
    expected = everything("reference", "sum", x, graph, ends, weight)
    for actual, wanted in zip(everything(fast, "sum", x, graph, ends, weight), expected, strict=True):
        assert_agree(actual, wanted)


def test_gradients_are_those_of_finite_differences(
    sums_of: Any, ragged: Any, schema: GraphSchema, ends: ops.Ends, kind: str, backend: str
) -> None:
    graph = ragged(schema, [{"a": 2, "b": 1, "c": 1}]).flat
    weight = torch.rand(graph.src.numel(), 1, dtype=torch.float64)
    leaves = tuple(value.requires_grad_() for value in (*features(graph), weight))

    def out(*values: Tensor) -> tuple[Tensor, ...]:
        return tuple(sums_of(kind, list(values[:-1]), graph, ends, values[-1] if kind != "max" else None))

    with ops.backend(backend):
        assert torch.autograd.gradcheck(out, leaves)


@pytest.mark.parametrize("number", [torch.nan, torch.inf, -torch.inf])
def test_nan_and_infinity_stay_visible(
    everything: Any,
    ragged: Any,
    schema: GraphSchema,
    ends: ops.Ends,
    kind: str,
    backend: str,
    number: float,
    assert_agree: Any,
) -> None:
    graph = ragged(schema, FULL, degree=3.0).flat
    x, weight = features(graph, torch.float32, 7), torch.ones(graph.src.numel(), 1)
    x[0][0, ::3] = number
    expected = everything("reference", kind, x, graph, ends, weight)
    assert not all(bool(part.isfinite().all()) for part in expected)
    for actual, wanted in zip(everything(backend, kind, x, graph, ends, weight), expected, strict=True):
        assert torch.equal(actual.isnan(), wanted.isnan()) and torch.equal(actual.isinf(), wanted.isinf())


def test_edges_of_a_relation_that_is_left_out_may_weigh_anything(
    everything: Any, ragged: Any, schema: GraphSchema, ends: ops.Ends, backend: str, assert_agree: Any
) -> None:
    graph = ragged(schema, FULL, degree=3.0).flat
    x, weight = features(graph), torch.rand(graph.src.numel(), 1, dtype=torch.float64)
    spoiled = weight.masked_fill((graph.relation == 1).unsqueeze(1), torch.nan)
    for kind in ("some", "total"):
        expected = everything("reference", kind, x, graph, ends, weight)
        for actual, wanted in zip(everything(backend, kind, x, graph, ends, spoiled), expected, strict=True):
            assert_agree(actual, wanted)


@pytest.mark.parametrize("gradients", ["sum", "max"])
def test_a_checkpoint_gives_the_same_gradients(
    ragged: Any, schema: GraphSchema, ends: ops.Ends, backend: str, gradients: str
) -> None:
    graph, found = ragged(schema, FULL, degree=3.0).flat, []
    operator = ops.relation_sum if gradients == "sum" else ops.relation_max
    x = [value.requires_grad_() for value in features(graph)]
    with ops.backend(backend):
        for out in (operator(x, graph, ends), checkpoint(operator, x, graph, ends, use_reentrant=False)):
            found.append(torch.autograd.grad(sum(part.square().sum() for part in out), x[:3]))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_torch_finds_nothing_wrong_with_the_registration(ragged: Any, schema: GraphSchema, ends: ops.Ends) -> None:
    graph = ragged(schema, FULL).flat
    x = [value.requires_grad_() for value in features(graph, torch.float32)]
    edges = (graph.rowptr, graph.src, graph.relation)
    first, widths = ends.columns(CHANNELS)
    blocks = torch.tensor([[[src, 0], [dst, at]] for (src, dst), at in zip(ends.pairs, first, strict=True)])
    channels = [CHANNELS[src] for src, _ in ends.pairs]
    weight = torch.rand(graph.src.numel(), 1, requires_grad=True)
    torch.library.opcheck(torch.ops.mmgraph.relation_sum.default, (x, blocks, channels, widths, False, *edges, weight))
    torch.library.opcheck(torch.ops.mmgraph.relation_max.default, (x, blocks, widths, *edges))


def test_results_do_not_depend_on_the_number_of_threads(
    everything: Any, ragged: Callable[..., GraphBatch], schema: GraphSchema, ends: ops.Ends, kind: str
) -> None:
    graph = ragged(schema, [{"a": 40, "b": 50, "c": 30, "d": 5}], degree=9.0).flat
    x, weight, results = features(graph, torch.float32, 9), torch.rand(graph.src.numel(), 1), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(everything("numba", kind, x, graph, ends, weight))
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_what_does_not_fit_is_named(ragged: Any, schema: GraphSchema, ends: ops.Ends) -> None:
    graph = ragged(schema, [{"a": 2, "b": 2, "c": 1}]).flat
    x, edges = features(graph), graph.src.numel()
    with pytest.raises(ValueError, match="x has 3 tables for 4 modalities"):
        ops.relation_sum(x[:3], graph, ends)
    with pytest.raises(ValueError, match=re.escape("x[1] has 1 rows, the graph 2 nodes of that modality")):
        ops.relation_max([x[0], x[1][1:], *x[2:]], graph, ends)
    with pytest.raises(ValueError, match="ends has 2 relations, the graph 5"):
        ops.relation_sum(x, graph, ops.Ends(ends.pairs[:2]))
    with pytest.raises(ValueError, match=re.escape(f"edge_weight has shape [{edges}], it takes [{edges}, 1]")):
        ops.relation_sum(x, graph, ends, edge_weight=torch.ones(edges, dtype=torch.float64))
    with pytest.raises(ValueError, match=re.escape("tables have [5, 2, 3, 4] columns; with 2 for each relation")):
        ops.relation_total(x, graph, ends, 2)
    with pytest.raises(ValueError, match=r"one dtype, got torch\.float32 and torch\.float64"):
        ops.relation_sum(x, graph, ends, edge_weight=torch.ones(edges, 1))
