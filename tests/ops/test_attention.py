"""What holds for every attention operator: every back-end against the reference, gradients, odd graphs, odd numbers."""

from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphSchema

# Thousands of calls; that shapes are what they say is checked where the convs call the operators.
pytestmark = pytest.mark.unchecked

FULL = [{"a": 3, "b": 2, "c": 2, "d": 1}, {"a": 2}, {"b": 2, "c": 1}]
# Triton's kernels have tests of their own: its interpreter is too slow for these.
BACKENDS = [name for name in ops.available_backends() if name != "triton"]
FAST_BACKENDS = BACKENDS[1:]


@pytest.fixture(scope="module", params=["gat", "gatv2", "dot"])
def operator(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=["relation", "node"])
def scope(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


def assert_same_results(actual: dict[str, Tensor], expected: dict[str, Tensor], assert_agree: Any) -> None:
    """Outputs within the tolerance of their largest value, gradients within that of the largest gradient."""
    assert_agree(actual["out"], expected["out"])
    largest = max((float(g.abs().max()) for name, g in expected.items() if name != "out" and g.numel()), default=0.0)
    for name, gradient in expected.items():
        if name != "out":
            assert_agree(actual[name], gradient, scale=largest)


some_nodes = st.fixed_dictionaries({}, optional={name: st.integers(0, 5) for name in "abcd"})
some_graphs = st.lists(some_nodes.filter(lambda nodes: sum(nodes.values()) > 0), min_size=1, max_size=4)


@pytest.mark.parametrize("fast", FAST_BACKENDS)
@given(
    graphs=some_graphs,
    degree=st.sampled_from([0.0, 0.4, 2.0, 6.0]),
    heads=st.one_of(st.integers(1, 3), st.sampled_from([4, 8, 20])),
    channels=st.one_of(st.integers(1, 70), st.sampled_from([1, 4, 8, 16, 32, 64])),
    key_channels=st.integers(1, 20),
    weight=st.sampled_from(["none", "one column", "a column per head"]),
    features=st.booleans(),
    dropout=st.sampled_from([0.0, 0.0, 0.3]),
    dtype=st.sampled_from([torch.float64, torch.float32]),
    seed=st.integers(0, 2**20),
)
def test_every_back_end_equals_the_reference(
    problem: Any,
    operator: str,
    scope: str,
    assert_agree: Any,
    fast: str,
    weight: str,
    dropout: float,
    seed: int,
    **sizes: Any,
) -> None:
    columns = {"none": 0, "one column": 1, "a column per head": sizes["heads"]}[weight]
    case = problem(operator, sizes.pop("graphs"), weight_columns=columns, seed=seed, **sizes)
    options = {"scope": scope, "dropout": dropout, "seed": seed, "negative_slope": 0.2 if seed % 2 else 0.0}
    expected = case.out_and_gradients("reference", **options)
    assert_same_results(case.out_and_gradients(fast, **options), expected, assert_agree)


@pytest.mark.parametrize("fast", FAST_BACKENDS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize(("channels", "heads"), [*product([4, 8, 16, 32], [4, 12]), *product([16, 32, 64, 128], [1])])
def test_heads_that_fill_whole_vectors_equal_the_reference(
    problem: Any, operator: str, assert_agree: Any, channels: int, heads: int, dtype: torch.dtype, fast: str
) -> None:
    """Whatever the processor's vector: of one or two a head, kernels take four heads at once; of four or eight, one."""
    for features in (False, True):
        sizes = {"heads": heads, "channels": channels, "key_channels": max(1, 32 // channels) * 4, "dtype": dtype}
        case = problem(operator, FULL, degree=9.0, features=features, weight_columns=1, seed=channels, **sizes)
        expected = case.out_and_gradients("reference", scope="relation")
        assert_same_results(case.out_and_gradients(fast, scope="relation"), expected, assert_agree)


@pytest.mark.parametrize("weight_columns", [1, 2])
def test_gradients_are_those_of_finite_differences(
    problem: Any, operator: str, scope: str, backend: str, weight_columns: int
) -> None:
    case = problem(operator, [{"a": 2, "b": 1, "c": 1}], channels=2, weight_columns=weight_columns, seed=1)
    leaves = tuple(leaf.clone().requires_grad_() for leaf in case.leaves.values())

    def out(*values: Tensor) -> Tensor:
        return case.out(dict(zip(case.leaves, values, strict=True)), scope=scope)

    with ops.backend(backend):
        assert torch.autograd.gradcheck(out, leaves)


def test_only_what_is_asked_for_gets_a_gradient(problem: Any, operator: str, backend: str) -> None:
    case = problem(operator, FULL, weight_columns=1)
    for name in case.leaves:
        leaves = {key: leaf.clone().requires_grad_(key == name) for key, leaf in case.leaves.items()}
        with ops.backend(backend):
            case.out(leaves).sum().backward()
        assert [key for key, leaf in leaves.items() if leaf.grad is not None] == [name]


@pytest.mark.parametrize("fast", ["numba", "torch"])
def test_a_second_derivative_is_refused_rather_than_wrong(problem: Any, operator: str, fast: str) -> None:
    case = problem(operator, FULL)
    leaves = {name: leaf.clone().requires_grad_() for name, leaf in case.leaves.items()}
    with ops.backend(fast):
        (first,) = torch.autograd.grad(case.out(leaves).square().sum(), leaves["source 0"], create_graph=True)
        with pytest.raises(RuntimeError, match=r"autograd|derivative"):
            first.square().sum().backward()


@pytest.mark.parametrize("plain", [name for name in FAST_BACKENDS if name == "torch_scatter"])
def test_a_second_derivative_equals_the_reference(problem: Any, operator: str, plain: str) -> None:
    case = problem(operator, FULL)
    found = []
    for name in ("reference", plain):
        leaves = {key: leaf.clone().requires_grad_() for key, leaf in case.leaves.items()}
        with ops.backend(name):
            (first,) = torch.autograd.grad(case.out(leaves).square().sum(), leaves["source 0"], create_graph=True)
            found.append(torch.autograd.grad(first.square().sum(), leaves["source 0"])[0])
    torch.testing.assert_close(found[1], found[0])


def test_columns_that_no_relation_reads_get_no_gradient(problem: Any, operator: str, backend: str) -> None:
    case = problem(operator, FULL)
    assert case.leaves["source 3"].shape == (1, 0)
    gradient = case.out_and_gradients(backend)["source 2"]
    assert gradient.shape[1] > case.blocks[3, 0, 1] + 6 and not gradient[:, case.heads * case.channels].any()


def test_nodes_that_no_edge_enters_get_zeros(problem: Any, operator: str, scope: str, backend: str) -> None:
    case = problem(operator, FULL, degree=0.5)
    with ops.backend(backend):
        out = case.out(scope=scope)
    alone = case.graph.rowptr.diff() == 0
    assert bool(alone.any()) and not out[alone].any() and bool((out[~alone] != 0).all())


def test_weights_sum_to_one_over_the_scope(
    problem: Any, operator: str, scope: str, backend: str, assert_agree: Any
) -> None:
    """Values of 1 add up to the number of softmaxes at a node: its relations, or one."""
    case = problem(operator, FULL, features=operator != "dot")
    leaves = {name: leaf.clone() for name, leaf in case.leaves.items()}
    for m, column in case.blocks[:, 0].tolist():
        leaves[f"source {m}"][:, column : column + case.heads * case.channels] = 1
    with ops.backend(backend):
        out = case.out(leaves, scope=scope)
    relations = [case.graph.relation[case.destination == i].unique().numel() for i in range(len(out))]
    sums = torch.tensor(relations) if scope == "relation" else torch.tensor(relations).clamp(max=1)
    assert_agree(out, sums.to(out.dtype).unsqueeze(1).expand(out.shape))


def test_edge_weights_multiply_after_the_softmax(
    problem: Any, operator: str, scope: str, backend: str, assert_agree: Any
) -> None:
    case = problem(operator, FULL, weight_columns=1)
    ones = torch.ones_like(case.leaves["edge_weight"])
    without = {name: leaf for name, leaf in case.leaves.items() if name != "edge_weight"}
    with ops.backend(backend):
        out = case.out(without, scope=scope)
        assert_agree(case.out({**without, "edge_weight": ones}, scope=scope), out)
        assert_agree(case.out({**without, "edge_weight": -3 * ones}, scope=scope), -3 * out)


def test_scopes_agree_where_there_is_one_relation(
    ragged: Any, problem_on_flat: Any, operator: str, assert_agree: Any
) -> None:
    schema = GraphSchema({"a": 1, "b": 1}, [("a", "x", "b")])
    case = problem_on_flat(operator, schema, ragged(schema, [{"a": 3, "b": 4}]).flat)
    assert_agree(case.out(scope="node"), case.out(scope="relation"))


def test_weights_are_right_where_logits_differ_by_hundreds(
    problem: Any, operator: str, scope: str, backend: str, assert_agree: Any
) -> None:
    for dtype in (torch.float64, torch.float32):
        case = problem(operator, FULL, degree=6.0, dtype=dtype)
        scaled = {name: leaf * 100 for name, leaf in case.leaves.items()}
        with ops.backend("reference"):
            expected = case.out(scaled, scope=scope)
        with ops.backend(backend):
            assert_agree(case.out(scaled, scope=scope), expected)


@pytest.mark.parametrize("number", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_nan_and_infinity_stay_visible(
    problem: Any, operator: str, scope: str, backend: str, number: float, dtype: torch.dtype
) -> None:
    """In values, logits, features, weights and incoming gradients; where the reference has them, and nowhere else."""
    # dot products weigh values and edge values apart: infinities of both signs may meet where one sum has one
    sizes = {"channels": 9, "weight_columns": 1, "degree": 3.0, "features": operator != "dot"}
    case, seen = problem(operator, FULL, dtype=dtype, **sizes), []
    for name, leaf in case.leaves.items():
        if not leaf.numel() or name == "source 3":
            continue
        spoiled = {key: value.clone() for key, value in case.leaves.items()}
        for place in (0, leaf.numel() // 2, leaf.numel() - 2):
            spoiled[name].view(-1)[place] = number
        results = []
        for where in ("reference", backend):
            results.append(type(case)(**{**vars(case), "leaves": spoiled}).out_and_gradients(where, scope=scope))
        seen.append(not all(bool(value.isfinite().all()) for value in results[0].values()))
        for key, expected in results[0].items():
            assert torch.equal(results[1][key].isnan(), expected.isnan()), (name, key)
            assert torch.equal(results[1][key].isinf(), expected.isinf()), (name, key)
    assert sum(seen) >= len(seen) - 2  # a logit of -inf may just be a weight of 0


def test_half_precision_is_computed_in_float32(problem: Any, operator: str, backend: str) -> None:
    """As under autocast: tables in bfloat16, attention vectors in float32."""
    case = problem(operator, FULL, weight_columns=1, dtype=torch.float32)
    leaves = {name: leaf.bfloat16() if " " in name else leaf for name, leaf in case.leaves.items()}
    with ops.backend(backend):
        out, alpha = case.out(leaves), case.alpha(leaves)
        expected = case.out({name: leaf.float() for name, leaf in leaves.items()})
    assert alpha.dtype == torch.float32
    assert torch.equal(out, expected.bfloat16())


@pytest.fixture(scope="module")
def large_graph() -> FlatGraph:
    """One graph of 50,000 nodes; degrees fall off as 1 / rank on both sides, and many nodes have no edge at all."""
    draw = torch.Generator().manual_seed(0)
    nodes, edges = 50_000, 200_000
    popular = 1 / torch.arange(1, nodes + 1)
    src, dst = (torch.multinomial(popular, edges, replacement=True, generator=draw) for _ in range(2))
    relation = torch.randint(3, (edges,), generator=draw)
    order = torch.argsort(dst * 3 + relation, stable=True)
    rowptr = torch.nn.functional.pad(torch.bincount(dst, minlength=nodes).cumsum(0), (1, 0))
    ends = (src[order].int(), relation[order].int())
    return FlatGraph((nodes,), 1, torch.tensor([0, nodes]), rowptr, *ends, (None,) * 3, (None,) * 3)


@pytest.fixture
def large(large_graph: FlatGraph, problem_on_flat: Any, operator: str) -> Any:
    schema = GraphSchema({"a": 1}, [("a", name, "a") for name in "xyz"])
    return problem_on_flat(operator, schema, large_graph, channels=4, dtype=torch.float32, weight_columns=1)


@pytest.mark.parametrize("fast", FAST_BACKENDS)
def test_one_large_graph_with_heavy_tails_equals_the_reference(large: Any, fast: str, assert_agree: Any) -> None:
    degrees = large.graph.rowptr.diff()
    assert int(degrees.max()) > 10_000 and int((degrees == 0).sum()) > 10_000
    expected = large.out_and_gradients("reference", scope="node")
    assert_same_results(large.out_and_gradients(fast, scope="node"), expected, assert_agree)


@pytest.mark.parametrize("fast", ["numba"])
def test_results_do_not_depend_on_the_number_of_threads(large: Any, fast: str) -> None:
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(large.out_and_gradients(fast, scope="relation", dropout=0.2, seed=3))
    assert all(torch.equal(results[1][name], value) for name, value in results[0].items())
