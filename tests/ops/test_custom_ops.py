"""The operators as torch.library custom operators: registered as torch wants them, traceable, differentiable."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from mmgraph import ops

COUNTS = [{"a": 2, "b": 2, "c": 1}, {"a": 1}]


def arguments(case: Any) -> tuple[Any, ...]:
    """As the operator calls its kernel, every tensor that can have a gradient asking for one."""
    leaves = {name: leaf.clone().requires_grad_() for name, leaf in case.leaves.items()}
    tables = [[leaves[f"{side} {m}"] for m in range(len(case.graph.num_nodes))] for side in ("source", "target")]
    edges = (case.graph.rowptr, case.graph.src, case.graph.relation)
    per_edge = (leaves.get("edge_logits"), leaves.get("edge_values"), case.edge_row, leaves.get("edge_weight"))
    numbers = (case.operator, case.heads, case.channels, case.key_channels, 0.2, 0.7, True, 0.25, 7)
    return (*tables, case.blocks, *edges, leaves.get("att"), *per_edge, *numbers)


@pytest.mark.unchecked
@pytest.mark.parametrize("operator", ["gat", "gatv2", "dot"])
@pytest.mark.parametrize("everything", [True, False])
def test_torch_finds_nothing_wrong_with_the_registration(
    problem: Callable[..., Any], operator: str, everything: bool
) -> None:
    case = problem(operator, COUNTS, features=everything, weight_columns=int(everything), dtype=torch.float32)
    torch.library.opcheck(torch.ops.mmgraph.attention.default, arguments(case))


@pytest.mark.unchecked
@pytest.mark.parametrize("operator", ["gat", "gatv2", "dot"])
def test_a_compiled_call_equals_an_eager_one_and_follows_the_back_end(
    problem: Callable[..., Any], operator: str, assert_agree: Callable[..., None]
) -> None:
    """In one graph, without a break; a change of back-end compiles anew. torch-scatter's kernels cannot be traced."""
    case = problem(operator, COUNTS, weight_columns=1)
    torch._dynamo.reset()
    compiled = torch.compile(case.out, fullgraph=True, backend="eager")
    for name in ("reference", "numba"):
        with ops.backend(name):
            assert_agree(compiled(scope="node"), case.out(scope="node"))


@pytest.mark.parametrize("operator", ["gat", "gatv2", "dot"])
def test_inputs_that_are_not_contiguous_are_fine(
    problem: Callable[..., Any], operator: str, assert_agree: Callable[..., None]
) -> None:
    case = problem(operator, COUNTS, weight_columns=2)

    def strided(leaf: Tensor) -> Tensor:
        return torch.stack([leaf, leaf], -1)[..., 0]

    assert not strided(case.leaves["source 0"]).is_contiguous()
    assert_agree(case.out({name: strided(leaf) for name, leaf in case.leaves.items()}), case.out())


@pytest.mark.parametrize("operator", ["gat", "gatv2", "dot"])
def test_an_expanded_gradient_is_fine(
    problem: Callable[..., Any], operator: str, assert_agree: Callable[..., None]
) -> None:
    """`sum()` sends back one number, expanded."""
    case, grads = problem(operator, COUNTS), []
    for name in ("reference", "numba"):
        table = case.leaves["source 0"].clone().requires_grad_()
        with ops.backend(name):
            case.out({**case.leaves, "source 0": table}).sum().backward()
        grads.append(table.grad)
    assert_agree(grads[1], grads[0])
