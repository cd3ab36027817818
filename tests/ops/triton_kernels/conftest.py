"""Where Triton's kernels run in tests: on the GPU if there is one, else in the interpreter on the CPU."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from mmgraph import ops
from mmgraph.graph import FlatGraph

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(scope="session")
def device() -> torch.device:
    return DEVICE


@pytest.fixture(scope="session")
def results_of() -> Callable[..., dict[str, Tensor]]:
    """What a `Problem` gives on a back-end, and all gradients, see `_results_of`."""
    return _results_of


def _results_of(
    case: Any, backend: str, device: torch.device = DEVICE, dtype: torch.dtype | None = None, **options: Any
) -> dict[str, Tensor]:
    """The output, and the gradient of every leaf for one random gradient of the output, brought back to the CPU."""
    graph = case.graph.map(lambda tensor: tensor.to(device))
    leaves = {name: leaf.to(device, dtype, copy=True).requires_grad_() for name, leaf in case.leaves.items()}
    row = None if case.edge_row is None else case.edge_row.to(device)
    moved = type(case)(**{**vars(case), "graph": graph, "leaves": leaves, "edge_row": row})
    with ops.backend(backend):
        out = moved.out(**options)
        upstream = torch.randn(out.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        out.backward(upstream.to(device, out.dtype))
    grads = {name: torch.zeros_like(v) if v.grad is None else v.grad for name, v in leaves.items()}
    return {name: value.detach().cpu() for name, value in {"out": out, **grads}.items()}


@pytest.fixture(scope="session")
def relation_results_of(sums_of: Callable[..., list[Tensor]]) -> Callable[..., list[Tensor]]:
    """The same for sums and largest values per relation, see `_relation_results_of`."""
    return partial(_relation_results_of, sums_of)


def _relation_results_of(
    sums_of: Callable[..., list[Tensor]],
    kind: str,
    x: list[Tensor],
    graph: FlatGraph,
    ends: ops.Ends,
    weight: Tensor,
    backend: str,
    device: torch.device = DEVICE,
) -> list[Tensor]:
    """Results, then gradients of features and weights for one random gradient of the results, on the CPU."""
    leaves = [value.to(device, copy=True).requires_grad_() for value in (*x, weight)]
    graph = graph.map(lambda tensor: tensor.to(device))
    with ops.backend(backend):
        out = sums_of(kind, leaves[:-1], graph, ends, leaves[-1])
        draw = torch.Generator().manual_seed(1)
        upstream = [torch.randn(part.shape, generator=draw, dtype=torch.float64).to(part) for part in out]
        torch.stack([(part * grad).sum() for part, grad in zip(out, upstream, strict=True)]).sum().backward()
    grads = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]
    return [value.detach().cpu() for value in (*out, *grads)]


@pytest.fixture(scope="session")
def assert_same_results(assert_agree: Callable[..., None]) -> Callable[[dict[str, Tensor], dict[str, Tensor]], None]:
    """Asserts outputs within the tolerance of their largest value, gradients within that of the largest gradient."""

    def check(actual: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
        assert_agree(actual["out"], expected["out"])
        grads = [grad for name, grad in expected.items() if name != "out" and grad.numel()]
        largest = max((float(grad.abs().max()) for grad in grads), default=0.0)
        for name, gradient in expected.items():
            if name != "out":
                assert_agree(actual[name], gradient, scale=largest)

    return check
