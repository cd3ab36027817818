"""What is remembered of a graph's edges, and when it is worked out anew."""

import gc
import weakref
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mmgraph import ops
from mmgraph.graph import GraphBatch
from mmgraph.nn import GATConv, GCNConv, SAGEConv
from mmgraph.ops.once import once_per_graph


class Counting:
    """A sum that counts how often it is made."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, first: Tensor, second: Tensor, number: int) -> Tensor:
        self.calls += 1
        return first + second * number


def test_the_same_edges_are_worked_out_once() -> None:
    total = Counting()
    once = once_per_graph(total)
    first, second = torch.tensor([1, 2]), torch.tensor([3, 4])
    assert once(first, second, 1000) is once(first, second, 1000)
    assert total.calls == 1


def test_other_tensors_and_numbers_are_worked_out_anew() -> None:
    total = Counting()
    once = once_per_graph(total)
    first, second = torch.tensor([1, 2]), torch.tensor([3, 4])
    assert once(first, second, 1).tolist() == [4, 6]
    assert once(first, second, 2).tolist() == [7, 10]
    assert once(first, second.clone(), 2).tolist() == [7, 10]
    assert once(first.clone(), second, 2).tolist() == [7, 10]
    assert total.calls == 4


@pytest.mark.parametrize("changed", [0, 1])
def test_a_change_in_place_is_seen(changed: int) -> None:
    once, edges = once_per_graph(Counting()), (torch.tensor([1, 2]), torch.tensor([3, 4]))
    once(*edges, 1)
    edges[changed].add_(10)
    assert once(*edges, 1).tolist() == [14, 16]


def test_a_change_in_inference_mode_is_seen() -> None:
    once = once_per_graph(Counting())
    with torch.inference_mode():
        edges = torch.tensor([1, 2]), torch.tensor([3, 4])
        once(*edges, 1)
        edges[0].add_(10)
        assert once(*edges, 1).tolist() == [14, 16]


@pytest.mark.parametrize("make", [GATConv, GCNConv, SAGEConv])
def test_a_layer_can_train_on_what_was_worked_out_in_inference_mode(make: Callable[..., nn.Module]) -> None:
    edges = torch.tensor([[0, 1, 2, 0], [0, 0, 1, 2]])
    batch = GraphBatch.single({"a": torch.randn(3, 4)}, {("a", "to", "a"): edges})
    graph, conv = batch.flat, make(batch.schema, 4, 4)
    with torch.inference_mode():
        expected = conv({"a": batch.nodes["a"].x}, graph)["a"]
    found = conv({"a": batch.nodes["a"].x.requires_grad_()}, graph)["a"]
    found.sum().backward()
    assert torch.equal(found, expected)


def test_nothing_is_kept_once_the_edges_are_gone() -> None:
    once = once_per_graph(lambda *edges: [torch.zeros(1), *edges])
    first, second = torch.tensor([1, 2]), torch.tensor([3, 4])
    result = weakref.ref(once(first, second)[0])
    assert result() is not None
    del first
    gc.collect()
    assert result() is None


@pytest.mark.parametrize("backend", ops.available_backends())
def test_a_layer_follows_edges_that_change_in_place(backend: str) -> None:
    """Forward and backward, against the same layer on a graph that was never seen before."""
    torch.manual_seed(0)
    edges = torch.tensor([[0, 1, 2, 0], [0, 0, 1, 2]])
    batch = GraphBatch.single({"a": torch.randn(3, 4)}, {("a", "to", "a"): edges})
    graph, conv = batch.flat, GATConv(batch.schema, 4, 4, heads=2)

    def step(flat: object) -> tuple[Tensor, Tensor | None]:
        x = batch.nodes["a"].x.clone().requires_grad_()
        out = conv({"a": x}, flat)["a"]
        out.square().sum().backward()
        return out.detach(), x.grad

    with ops.backend(backend):
        before = step(graph)
        graph.src.copy_(torch.tensor([1, 2, 0, 1], dtype=torch.int32).sort().values)
        found, expected = step(graph), step(graph.map(torch.clone))
    assert not torch.equal(before[0], found[0])
    for a, b in zip(found, expected, strict=True):
        assert torch.equal(a, b)
