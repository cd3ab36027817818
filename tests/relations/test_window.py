"""`Window`; what every rule promises is asked in test_rules.py."""

import sys

import pytest
import torch

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations import Complete, Window, window_relations


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


def test_a_negative_number_leaves_out_what_is_nearest() -> None:
    nodes = frames(4)
    assert pairs(Window(2, -1)(nodes, nodes)) == [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)]
    assert pairs(Window(-2, 3)(nodes, nodes)) == [(2, 0), (3, 0), (3, 1)]
    assert pairs(Window(2, -2)(nodes, nodes)) == [(0, 2), (1, 3)]


@pytest.mark.parametrize("across", [False, True])
def test_past_now_and_future_are_a_partition(across: bool) -> None:
    position = [torch.arange(5), torch.arange(2)]
    dst = NodeSet.of([torch.zeros(5, 1), torch.zeros(2, 1)], position=position)
    src = NodeSet.of([torch.zeros(5, 1), torch.zeros(2, 1)], position=position) if across else dst
    relations = window_relations("word", "face" if across else None, past=9, future=9)
    assert [name for _, name, _ in relations] == ["past", "now", "future"]
    found = sorted(pair for rule in relations.values() for pair in pairs(rule(src, dst)))
    assert found == sorted(pairs(Complete(loops=True)(src, dst)))


@pytest.mark.parametrize("far", [sys.maxsize, 10**30])
@pytest.mark.parametrize("across", [False, True])
def test_a_window_beyond_every_number_holds_everything_before_and_after(far: int, across: bool) -> None:
    position = [torch.tensor([0, 1, 2_000_000_000_000])]
    dst = NodeSet.of([torch.zeros(3, 1)], position=position)
    src = NodeSet.of([torch.zeros(3, 1)], position=position) if across else dst
    assert pairs(Window(far, far)(src, dst)) == pairs(Complete(loops=True)(src, dst))
    assert pairs(Window(far, -1)(src, dst)) == [(0, 1), (0, 2), (1, 2)]
    assert pairs(Window(-1, far)(src, dst)) == [(1, 0), (2, 0), (2, 1)]


@pytest.mark.parametrize(("past", "future"), [(-1, 0), (0, -2)])
def test_an_empty_window_is_refused(past: int, future: int) -> None:
    with pytest.raises(ValueError, match=rf"Window\({past}, {future}\) connects nothing; past \+ future is 0 or more"):
        Window(past, future)


def test_a_window_that_connects_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="connects nothing"):
        Window(0, 0, loops=False)


def test_relations_of_no_past_or_future_are_refused() -> None:
    with pytest.raises(ValueError, match="past=0, future=1: both are 1 or more"):
        window_relations("audio", past=0, future=1)
