"""What only a GPU can show or can run in time: large graphs, odd sizes, half precision, equal bits, no waiting."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphSchema

pytestmark = [
    pytest.mark.unchecked,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU; in the interpreter this would take hours"),
]
CPU = torch.device("cpu")
NODES, EDGES = 50_000, 200_000


@pytest.fixture(scope="module", params=["gat", "gatv2", "dot"])
def operator(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=["relation", "node"])
def scope(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def schema() -> GraphSchema:
    return GraphSchema({"a": 1}, [("a", name, "a") for name in "xyz"])


@pytest.fixture(scope="module")
def graph() -> FlatGraph:
    """One graph of 50,000 nodes; degrees fall off as 1 / rank on both sides, and many nodes have no edge at all."""
    draw = torch.Generator().manual_seed(0)
    popular = 1 / torch.arange(1, NODES + 1)
    src, dst = (torch.multinomial(popular, EDGES, replacement=True, generator=draw) for _ in range(2))
    relation = torch.randint(3, (EDGES,), generator=draw)
    order = torch.argsort(dst * 3 + relation, stable=True)
    rowptr = torch.nn.functional.pad(torch.bincount(dst, minlength=NODES).cumsum(0), (1, 0))
    edges = (src[order].int(), relation[order].int(), (None,) * 3, (None,) * 3)
    return FlatGraph((NODES,), 1, torch.tensor([0, NODES]), rowptr, *edges)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)], ids=str)
def test_one_large_graph_with_heavy_tails_equals_the_reference_on_the_cpu(
    schema: GraphSchema, graph: FlatGraph, problem_on_flat: Any, operator: str, scope: str, dtype: torch.dtype,
    tolerance: float, results_of: Any,
) -> None:  # fmt: skip
    """The reference counts in float64: in float32 it is off by up to 2e-5 itself, where sums have 17,000 terms."""
    assert int(graph.rowptr.diff().max()) > EDGES // 20
    case = problem_on_flat(operator, schema, graph, channels=16, dtype=dtype, weight_columns=1)
    options = {"scope": scope, "dropout": 0.2, "seed": 3}
    expected = results_of(case, "reference", CPU, torch.float64, **options)
    largest = max(float(value.abs().max()) for name, value in expected.items() if name != "out")
    for name, value in results_of(case, "triton", **options).items():
        scale = float(expected["out"].abs().max()) if name == "out" else largest
        assert value.dtype == dtype and value.isfinite().all()
        assert float((value - expected[name]).abs().max()) <= tolerance * scale, name


@pytest.mark.parametrize("kind", ["sum", "max", "some", "total"])
def test_sums_and_largest_values_over_one_large_graph(
    graph: FlatGraph, kind: str, relation_results_of: Any, assert_agree: Callable[..., None]
) -> None:
    x, ends = [torch.randn(NODES, 24).round(decimals=1)], ops.Ends(((0, 0),) * 3)
    arguments = (kind, x, graph, ends, torch.rand(EDGES, 1))
    expected = relation_results_of(*arguments, "reference", CPU)
    for actual, wanted in zip(relation_results_of(*arguments, "triton"), expected, strict=True):
        assert_agree(actual, wanted)


@pytest.mark.parametrize(
    ("heads", "channels"),
    [(1, 1), (1, 128), (2, 7), (3, 33), (4, 32), (5, 16), (8, 64), (16, 8), (40, 1), (2, 300), (1, 2000)],
)
def test_any_number_of_heads_and_channels(
    problem_on_flat: Any, operator: str, heads: int, channels: int, results_of: Any, assert_same_results: Any,
    ragged: Any,
) -> None:  # fmt: skip
    schema = GraphSchema({"a": 1, "b": 1}, [("a", "x", "b"), ("b", "y", "a"), ("a", "z", "a")])
    batch = ragged(schema, [{"a": 20, "b": 30}, {"a": 9}, {"b": 4}], degree=9.0).flat
    for features in (True, False):
        case = problem_on_flat(operator, schema, batch, heads=heads, channels=channels, features=features)
        assert_same_results(results_of(case, "triton"), results_of(case, "reference", CPU))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bfloat16", "float16"])
def test_half_precision_is_computed_in_float32(
    schema: GraphSchema, graph: FlatGraph, problem_on_flat: Any, operator: str, dtype: torch.dtype, results_of: Any
) -> None:
    """Output and gradients are those of the same numbers in float32, rounded once."""
    case = problem_on_flat(operator, schema, graph, dtype=torch.float32)
    rounded = {name: leaf.to(dtype).float() for name, leaf in case.leaves.items()}
    exact = results_of(type(case)(**{**vars(case), "leaves": rounded}), "triton")
    half = results_of(case, "triton", dtype=dtype)
    assert torch.equal(half["out"], exact["out"].to(dtype))
    assert all(value.dtype == dtype and value.isfinite().all() for value in half.values())


def test_a_second_call_gives_the_same_bits(
    schema: GraphSchema, graph: FlatGraph, problem_on_flat: Any, operator: str, results_of: Any
) -> None:
    case = problem_on_flat(operator, schema, graph, channels=8, dtype=torch.float32, weight_columns=2)
    first, second = (results_of(case, "triton", scope="relation", dropout=0.2, seed=1) for _ in range(2))
    assert all(torch.equal(second[name], value) for name, value in first.items())


def test_a_forward_pass_does_not_wait_for_the_gpu(
    schema: GraphSchema, graph: FlatGraph, problem_on_flat: Any, operator: str, device: torch.device
) -> None:
    case = problem_on_flat(operator, schema, graph, features=False, dtype=torch.float32)
    leaves = {name: leaf.to(device) for name, leaf in case.leaves.items()}
    case = type(case)(**{**vars(case), "graph": graph.map(lambda tensor: tensor.to(device))})
    case.out(leaves)  # compiles
    torch.cuda.set_sync_debug_mode("error")
    try:
        case.out(leaves)
    finally:
        torch.cuda.set_sync_debug_mode("default")
