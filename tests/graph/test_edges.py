import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.graph import EdgeList

EDGES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 3)), max_size=12)


@given(EDGES)
def test_sorting_is_stable_by_graph_and_destination(edges: list[tuple[int, int, int]]) -> None:
    graph, src, dst = torch.tensor(edges, dtype=torch.int64).reshape(-1, 3).unbind(1)
    number = torch.arange(len(edges), dtype=torch.float32)[:, None]
    result = EdgeList.sort(graph, src, dst, number, num_graphs=4)
    expected = sorted(range(len(edges)), key=lambda i: (edges[i][0], edges[i][2]))
    assert result.features is not None
    assert result.features[:, 0].tolist() == expected
    assert result.src.tolist() == [edges[i][1] for i in expected]
    assert result.dst.tolist() == [edges[i][2] for i in expected]
    assert result.graph.tolist() == [edges[i][0] for i in expected]
    assert result.ptr.tolist() == [sum(graph < g for graph, _, _ in edges) for g in range(5)]
    assert (result.src.dtype, result.dst.dtype, result.ptr.dtype) == (torch.int32, torch.int32, torch.int64)


def test_parallel_edges_are_kept() -> None:
    edges = EdgeList.sort(torch.zeros(3).long(), torch.tensor([1, 1, 1]), torch.tensor([0, 0, 0]), num_graphs=1)
    assert edges.num_edges == 3


@pytest.mark.parametrize("channels", [0, 2])
def test_empty_has_features_only_where_there_are_channels(channels: int) -> None:
    edges = EdgeList.empty(2, channels, torch.float64)
    assert edges.ptr.tolist() == [0, 0, 0]
    assert edges.graph.tolist() == []
    assert (None if edges.features is None else edges.features.shape) == ((0, 2) if channels else None)


@pytest.mark.parametrize("end", ["src", "dst"])
@pytest.mark.parametrize("node", [-1, 2**31, 2**40])
def test_a_node_that_int32_cannot_hold_is_refused_and_not_wrapped(end: str, node: int) -> None:
    ends = {"src": torch.tensor([0, 0]), "dst": torch.tensor([0, 0])} | {end: torch.tensor([0, node])}
    with pytest.raises(ValueError, match=f"edge 1 has {end} {node}, which is not in 0..2147483647"):
        EdgeList.sort(torch.tensor([0, 0]), **ends, num_graphs=1)


def test_the_largest_node_is_kept() -> None:
    edges = EdgeList.sort(torch.tensor([0]), torch.tensor([2**31 - 1]), torch.tensor([2**31 - 1]), num_graphs=1)
    assert edges.dst.tolist() == [2**31 - 1]


@pytest.mark.parametrize("graph", [-1, 3])
def test_a_graph_out_of_range_is_refused(graph: int) -> None:
    with pytest.raises(ValueError, match=f"edge 0 has graph {graph}, which is not in 0..2"):
        EdgeList.sort(torch.tensor([graph]), torch.tensor([0]), torch.tensor([0]), num_graphs=3)


@pytest.mark.unchecked
def test_ends_of_other_lengths_or_kinds_are_refused() -> None:
    one, two = torch.tensor([0]), torch.tensor([0, 0])
    with pytest.raises(ValueError, match=r"one node per edge, got graph \[2\] and src \[1\]"):
        EdgeList.sort(two, one, two, num_graphs=1)
    with pytest.raises(ValueError, match=r"one node per edge, got graph \[2\] and dst \[1, 2\]"):
        EdgeList.sort(two, two, two[None], num_graphs=1)
    with pytest.raises(ValueError, match=r"src holds whole numbers, got torch\.float32"):
        EdgeList.sort(two, two.float(), two, num_graphs=1)
    with pytest.raises(ValueError, match=r"dst holds whole numbers, got torch\.bool"):
        EdgeList.sort(two, two, two.bool(), num_graphs=1)
    with pytest.raises(ValueError, match="1 rows of edge features for 2 edges"):
        EdgeList.sort(two, two, two, torch.zeros(1, 1), num_graphs=1)


def test_pickling_keeps_the_edges() -> None:
    edges = EdgeList.sort(torch.tensor([0]), torch.tensor([1]), torch.tensor([2]), torch.ones(1, 1), num_graphs=1)
    back = pickle.loads(pickle.dumps(edges))
    assert back.features.equal(edges.features)
    assert back.dst.equal(edges.dst)
