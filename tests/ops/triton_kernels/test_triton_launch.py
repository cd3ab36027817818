"""Triton's kernels against the reference, in the interpreter where there is no GPU: few programs, each takes 6 ms."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.ops.triton_kernels import common

pytestmark = [pytest.mark.unchecked, pytest.mark.filterwarnings("ignore:(invalid|overflow|divide):RuntimeWarning")]

FULL = [{"a": 2, "b": 2, "c": 1, "d": 1}, {"a": 1}, {"b": 1, "c": 1}]
SMALL = [{"a": 2, "b": 1, "c": 1}]
CHANNELS = (5, 2, 0, 4)
EACH = pytest.mark.parametrize(("operator", "scope"), [("gat", "node"), ("gatv2", "relation"), ("dot", "node")])


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few edges in a piece that most nodes are cut."""
    monkeypatch.setattr(common, "PIECE", 4)


@pytest.fixture(scope="module", params=["sum", "max", "some", "total"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def ends(schema: GraphSchema) -> ops.Ends:
    return ops.Ends(tuple((schema.modality_id(src), schema.modality_id(dst)) for src, _, dst in schema.edge_types))


@pytest.mark.parametrize("scope", ["relation", "node"])
@pytest.mark.parametrize("operator", ["gat", "gatv2", "dot"])
def test_everything_at_once_equals_the_reference(
    problem: Any, operator: str, scope: str, short: None, results_of: Any, assert_same_results: Any
) -> None:
    """Features, weights and dropout, several graphs with absent modalities, empty relations and nodes."""
    case = problem(operator, FULL, heads=3, channels=5, weight_columns=3, degree=1.5)
    options = {"scope": scope, "dropout": 0.3, "seed": 5}
    expected = results_of(case, "reference", **options)
    assert_same_results(results_of(case, "triton", **options), expected)


some_nodes = st.fixed_dictionaries({}, optional={name: st.integers(0, 3) for name in "abcd"})
some_graphs = st.lists(some_nodes.filter(lambda nodes: sum(nodes.values()) > 0), min_size=1, max_size=2)


@settings(max_examples=6)
@given(
    operator=st.sampled_from(["gat", "gatv2", "dot"]),
    graphs=some_graphs,
    degree=st.sampled_from([0.0, 0.4, 2.0]),
    heads=st.integers(1, 5),
    channels=st.integers(1, 40),
    key_channels=st.integers(1, 20),
    columns=st.sampled_from([0, 1]),
    features=st.booleans(),
    dtype=st.sampled_from([torch.float64, torch.float32]),
    scope=st.sampled_from(["relation", "node"]),
    seed=st.integers(0, 2**20),
)
def test_any_graph_and_any_sizes_equal_the_reference(
    problem: Any, results_of: Any, assert_same_results: Any, operator: str, graphs: Any, columns: int, scope: str,
    seed: int, **sizes: Any,
) -> None:  # fmt: skip
    case = problem(operator, graphs, weight_columns=columns, seed=seed, **sizes)
    options = {"scope": scope, "negative_slope": 0.2 if seed % 2 else 0.0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(common, "PIECE", 2 + 2 * (seed % 3))
        actual = results_of(case, "triton", **options)
    assert_same_results(actual, results_of(case, "reference", **options))


@pytest.mark.parametrize("operator", ["gat", "gatv2", "dot"])
def test_one_node_with_one_edge(problem_on_flat: Any, operator: str, results_of: Any, assert_same_results: Any) -> None:
    schema = GraphSchema({"a": 1}, [("a", "x", "a")])
    edge = torch.zeros(1, dtype=torch.int32)
    graph = FlatGraph((1,), 1, torch.tensor([0, 1]), torch.tensor([0, 1]), edge, edge, (None,), (None,))
    case = problem_on_flat(operator, schema, graph, weight_columns=1)
    assert_same_results(results_of(case, "triton"), results_of(case, "reference"))


def hub(num_edges: int) -> tuple[GraphSchema, FlatGraph]:
    """Node 0 has most edges, in and out; two relations, the second with the most."""
    draw = torch.Generator().manual_seed(0)
    src, dst = (torch.randint(4, (num_edges,), generator=draw) for _ in range(2))
    for end in (src, dst):
        end[torch.rand(num_edges, generator=draw) < 0.9] = 0
    relation = (torch.rand(num_edges, generator=draw) < 0.8).long()
    order = torch.argsort(dst * 2 + relation, stable=True)
    rowptr = torch.nn.functional.pad(torch.bincount(dst, minlength=4).cumsum(0), (1, 0))
    edges = (src[order].int(), relation[order].int(), (None, None), (None, None))
    graph = FlatGraph((4,), 1, torch.tensor([0, 4]), rowptr, *edges)
    return GraphSchema({"a": 1}, [("a", name, "a") for name in "xy"]), graph


@EACH
def test_a_node_with_hundreds_of_edges_is_shared_out(
    problem_on_flat: Any, operator: str, scope: str, results_of: Any, assert_same_results: Any
) -> None:
    """With pieces as long as outside of tests."""
    schema, graph = hub(600)
    assert int(graph.rowptr.diff().max()) > 2 * common.PIECE
    case = problem_on_flat(operator, schema, graph, dtype=torch.float32, weight_columns=1)
    assert_same_results(results_of(case, "triton", scope=scope), results_of(case, "reference", scope=scope))


def test_sums_of_a_node_with_hundreds_of_edges(kind: str, relation_results_of: Any, assert_agree: Any) -> None:
    _, graph = hub(600)
    x, ends = [torch.randn(4, 3).round(decimals=1)], ops.Ends(((0, 0), (0, 0)))
    arguments = (kind, x, graph, ends, torch.rand(600, 1))
    for actual, expected in zip(
        relation_results_of(*arguments, "triton"), relation_results_of(*arguments, "reference"), strict=True
    ):
        assert_agree(actual, expected)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_sums_and_largest_values_equal_the_reference(
    ragged: Any, schema: GraphSchema, ends: ops.Ends, kind: str, short: None, dtype: torch.dtype,
    relation_results_of: Any, assert_agree: Any,
) -> None:  # fmt: skip
    """Modalities of different widths, one without channels; rounded, so that some values are equal."""
    graph = ragged(schema, FULL, degree=2.0).flat
    x = [torch.randn(n, c).to(dtype).round(decimals=1) for n, c in zip(graph.num_nodes, CHANNELS, strict=True)]
    arguments = (kind, x, graph, ends, torch.rand(graph.src.numel(), 1, dtype=dtype))
    for actual, expected in zip(
        relation_results_of(*arguments, "triton"), relation_results_of(*arguments, "reference"), strict=True
    ):
        assert_agree(actual, expected)


@pytest.mark.parametrize("operator", ["gat", "gatv2", "dot"])
@pytest.mark.parametrize("counts", [[{"a": 2, "b": 1}], [{"a": 1}, {"d": 1}]], ids=["some", "one kind"])
def test_without_edges_everything_is_zero(
    problem: Any, schema: GraphSchema, ragged: Any, ends: ops.Ends, operator: str, kind: str, counts: Any,
    results_of: Any, relation_results_of: Any,
) -> None:  # fmt: skip
    case = problem(operator, counts, degree=0.0, weight_columns=1)
    assert not any(value.any() for value in results_of(case, "triton").values())
    x = [torch.randn(n, c) for n, c in zip(case.graph.num_nodes, CHANNELS, strict=True)]
    results = relation_results_of(kind, x, case.graph, ends, torch.rand(0, 1), "triton")
    assert not any(value.any() for value in results)


def test_the_gradient_of_weights_alone(ragged: Any, schema: GraphSchema, ends: ops.Ends, device: torch.device) -> None:
    graph = ragged(schema, FULL).flat.map(lambda tensor: tensor.to(device))
    x = [torch.randn(n, c, device=device) for n, c in zip(graph.num_nodes, CHANNELS, strict=True)]
    grads = []
    for name in ("triton", "reference"):
        weight = torch.ones(graph.src.numel(), 1, device=device, requires_grad=True)
        with ops.backend(name):
            sum(part.square().sum() for part in ops.relation_sum(x, graph, ends, edge_weight=weight)).backward()
        grads.append(weight.grad)
    torch.testing.assert_close(*grads)


@pytest.mark.parametrize("shared", ["values of relations", "values and keys"])
def test_blocks_may_share_columns(problem: Any, shared: str, results_of: Any, assert_same_results: Any) -> None:
    """The gradient of a column is the sum of those that all its readers send back."""
    case = problem("dot", SMALL, features=False)
    if shared == "values of relations":
        case.blocks[[0, 2, 4], 0] = case.blocks[0, 0]
        case.blocks[[0, 1, 3, 4], 2, 1] = 0
    else:
        case.blocks[:, 1] = case.blocks[:, 0]
    assert_same_results(results_of(case, "triton"), results_of(case, "reference"))


@EACH
@pytest.mark.parametrize(
    ("number", "name"), [(torch.nan, "source 0"), (torch.inf, "source 0"), (-torch.inf, "target 1")]
)
def test_nan_and_infinity_stay_visible(
    problem: Any, operator: str, scope: str, number: float, name: str, short: None, results_of: Any
) -> None:
    """In the first row of a table, where the reference has them, and nowhere else."""
    case = problem(operator, SMALL, channels=5, degree=3.0, features=operator != "dot")
    spoiled = {**case.leaves, name: case.leaves[name].clone()}
    spoiled[name].view(-1)[0] = number
    both = type(case)(**{**vars(case), "leaves": spoiled})
    expected, actual = (results_of(both, where, scope=scope) for where in ("reference", "triton"))
    if number != -torch.inf:  # a logit of -inf may just be a weight of 0
        assert not all(bool(value.isfinite().all()) for value in expected.values())
    for key, value in expected.items():
        assert torch.equal(actual[key].isnan(), value.isnan()), key
        assert torch.equal(actual[key].isinf(), value.isinf()), key


@pytest.mark.parametrize("number", [torch.nan, torch.inf, -torch.inf])
def test_nan_and_infinity_stay_visible_in_sums_and_largest_values(
    ragged: Any, schema: GraphSchema, ends: ops.Ends, kind: str, number: float, short: None, relation_results_of: Any
) -> None:
    graph = ragged(schema, SMALL, degree=3.0).flat
    x = [torch.randn(n, c) for n, c in zip(graph.num_nodes, CHANNELS, strict=True)]
    x[0][0, ::2] = number
    arguments = (kind, x, graph, ends, torch.ones(graph.src.numel(), 1))
    expected = relation_results_of(*arguments, "reference")
    assert not all(bool(part.isfinite().all()) for part in expected)
    for actual, wanted in zip(relation_results_of(*arguments, "triton"), expected, strict=True):
        assert torch.equal(actual.isnan(), wanted.isnan()) and torch.equal(actual.isinf(), wanted.isinf())


@pytest.mark.parametrize("kind", ["some", "total"])
def test_edges_of_a_relation_that_is_left_out_may_weigh_anything(
    ragged: Any,
    schema: GraphSchema,
    ends: ops.Ends,
    kind: str,
    short: None,
    relation_results_of: Any,
    assert_agree: Any,
) -> None:
    graph = ragged(schema, SMALL, degree=3.0).flat
    x, weight = (
        [torch.randn(n, c) for n, c in zip(graph.num_nodes, CHANNELS, strict=True)],
        torch.rand(len(graph.src), 1),
    )
    spoiled = weight.masked_fill((graph.relation == 1).unsqueeze(1), torch.nan)
    expected = relation_results_of(kind, x, graph, ends, weight, "reference")
    for actual, wanted in zip(relation_results_of(kind, x, graph, ends, spoiled, "triton"), expected, strict=True):
        assert_agree(actual, wanted)


@EACH
def test_weights_are_right_where_logits_differ_by_hundreds(
    problem: Any, operator: str, scope: str, short: None, device: torch.device, assert_agree: Callable[..., None]
) -> None:
    case = problem(operator, SMALL, degree=6.0, dtype=torch.float32)
    leaves = {name: leaf.to(device) * 100 for name, leaf in case.leaves.items()}
    row = None if case.edge_row is None else case.edge_row.to(device)
    moved = {"graph": case.graph.map(lambda tensor: tensor.to(device)), "leaves": leaves, "edge_row": row}
    case = type(case)(**{**vars(case), **moved})
    with ops.backend("reference"):
        expected = case.out(scope=scope)
    with ops.backend("triton"):
        assert_agree(case.out(scope=scope), expected)


def test_tables_of_bfloat16_are_computed_in_float32(problem: Any, device: torch.device) -> None:
    case = problem("gatv2", SMALL, features=False, dtype=torch.float32)
    leaves = {name: leaf.bfloat16() if " " in name else leaf for name, leaf in case.leaves.items()}
    leaves = {name: leaf.to(device) for name, leaf in leaves.items()}
    case = type(case)(**{**vars(case), "graph": case.graph.map(lambda tensor: tensor.to(device))})
    with ops.backend("triton"):
        out, exact = case.out(leaves), case.out({name: leaf.float() for name, leaf in leaves.items()})
    assert torch.equal(out, exact.bfloat16())


def test_inputs_that_are_not_contiguous_are_fine(problem: Any, results_of: Any, assert_same_results: Any) -> None:
    case = problem("gatv2", SMALL, weight_columns=2)
    strided: dict[str, Tensor] = {name: torch.stack([leaf, leaf], -1)[..., 0] for name, leaf in case.leaves.items()}
    assert not strided["source 0"].is_contiguous()
    other = type(case)(**{**vars(case), "leaves": strided})
    assert_same_results(results_of(other, "triton"), results_of(case, "reference"))


@pytest.mark.parametrize("operator", ["gat", "gatv2", "dot"])
def test_finite_differences_agree_with_the_gradients(
    problem: Any, operator: str, short: None, device: torch.device
) -> None:
    """In one random direction, which takes two calls where all of them would take hundreds."""
    case = problem(operator, SMALL, weight_columns=1)
    case = type(case)(**{**vars(case), "graph": case.graph.map(lambda tensor: tensor.to(device)),
                         "edge_row": None if case.edge_row is None else case.edge_row.to(device)})  # fmt: skip
    leaves = {name: leaf.to(device, copy=True).requires_grad_() for name, leaf in case.leaves.items()}
    step = {name: 1e-6 * torch.randn_like(leaf) for name, leaf in leaves.items()}
    with ops.backend("triton"):
        case.out(leaves).square().sum().backward()
        ahead, behind = (
            case.out({name: leaf.detach() + sign * step[name] for name, leaf in leaves.items()}).square().sum()
            for sign in (1, -1)
        )
    slope = sum((leaf.grad * step[name]).sum() for name, leaf in leaves.items() if leaf.grad is not None)
    torch.testing.assert_close((ahead - behind) / 2, slope, rtol=1e-6, atol=0.0)
