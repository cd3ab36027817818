"""`Window`; what every rule promises is asked in test_rules.py."""

import pytest
import torch

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations import Window


def frames(*counts: int) -> NodeSet:
    return NodeSet.of([torch.zeros(count, 1) for count in counts])


def pairs(edges: EdgeList) -> list[tuple[int, int]]:
    return list(zip(edges.src.tolist(), edges.dst.tolist(), strict=True))


def test_a_node_hears_the_past_and_the_future_and_itself() -> None:
    nodes = frames(4)
    assert pairs(Window(1, 0)(nodes, nodes)) == [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3)]
    assert pairs(Window(0, 2, loops=False)(nodes, nodes)) == [(1, 0), (2, 0), (2, 1), (3, 1), (3, 2)]


def test_windows_end_with_their_graph() -> None:
    nodes = frames(2, 0, 1)
    edges = Window(5, 5, loops=False)(nodes, nodes)
    assert pairs(edges) == [(1, 0), (0, 1)]
    assert edges.ptr.tolist() == [0, 2, 2, 2]


def test_across_modalities_nodes_of_the_same_position_meet_though_some_are_missing() -> None:
    words = NodeSet.of([torch.zeros(3, 1)], position=[torch.tensor([0, 1, 3])])
    faces = NodeSet.of([torch.zeros(2, 1)], position=[torch.tensor([3, 1])])
    assert pairs(Window(0, 0)(words, faces)) == [(2, 0), (1, 1)]
    assert pairs(Window(2, 0)(words, faces)) == [(1, 0), (2, 0), (0, 1), (1, 1)]


def test_across_modalities_a_missing_position_is_an_error_that_names_the_rule() -> None:
    with pytest.raises(ValueError, match=r"Window\(past=1, future=1.*\) needs the attribute 'position'.*no attributes"):
        Window(1, 1)(frames(1), frames(1))


@pytest.mark.parametrize(("past", "future", "name"), [(-1, 0, "past"), (0, -2, "future")])
def test_a_negative_window_is_refused(past: int, future: int, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}=-. counts places"):
        Window(past, future)


def test_a_window_that_connects_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="connects nothing"):
        Window(0, 0, loops=False)
