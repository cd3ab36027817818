"""`TimeClass`; what every rule promises is asked in test_rules.py."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.relations import Difference, TimeClass, TimeOverlap, time_relations
from tests.relations.tiny import graph, pairs

SPANS = st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=2).map(sorted), min_size=1, max_size=6)


def test_what_has_ended_is_past_and_what_has_not_begun_is_future() -> None:
    word = graph(1, span=[[1.0, 2.0]])
    frames = graph(5, span=[[0.0, 0.5], [0.5, 1.0], [0.5, 1.5], [1.9, 3.0], [2.0, 3.0]])
    found = [pairs(TimeClass(when)(frames, word)) for when in ("past", "now", "future")]
    assert found == [[(0, 0), (1, 0)], [(2, 0), (3, 0)], [(4, 0)]]


def test_reach_is_the_gap_that_is_bridged() -> None:
    word, frames = graph(1, span=[[1.0, 2.0]]), graph(2, span=[[0.0, 0.5], [0.0, 1.0]])
    assert pairs(TimeClass("past", reach=0.4)(frames, word)) == [(1, 0)]
    assert pairs(TimeClass("past", reach=0.5)(frames, word)) == [(0, 0), (1, 0)]


@settings(max_examples=15)
@given(SPANS, SPANS)
def test_every_pair_is_in_one_class_and_turned_round_in_the_opposite_one(theirs: list[Any], own: list[Any]) -> None:
    src, dst = (graph(len(span), span=torch.tensor(span).float().tolist()) for span in (theirs, own))
    past, now, future = (pairs(rule(src, dst)) for rule in time_relations("a", "b").values())
    assert sorted(past + now + future) == [(j, i) for j in range(len(theirs)) for i in range(len(own))]
    assert sorted(past) == sorted((j, i) for i, j in pairs(TimeClass("future")(dst, src)))
    assert sorted(now) == sorted((j, i) for i, j in pairs(TimeClass("now")(dst, src)))


@settings(max_examples=15)
@given(SPANS)
def test_now_is_overlap_for_spans_that_last(spans: list[Any]) -> None:
    nodes = graph(len(spans), span=[[float(a), b + 1.0] for a, b in spans])
    assert pairs(Difference(TimeClass("now"), TimeOverlap(loops=True))(nodes, nodes)) == []
    assert TimeClass("now")(nodes, nodes).num_edges == TimeOverlap(loops=True)(nodes, nodes).num_edges


def test_reach_says_nothing_about_now() -> None:
    assert [rule.reach for rule in time_relations("a", reach=0.5).values()] == [0.5, math.inf, 0.5]


@pytest.mark.unchecked
def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(ValueError, match="when='soon' is not one of past, now, future"):
        TimeClass("soon")  # type: ignore[arg-type]


@pytest.mark.parametrize("reach", [-0.1, math.nan])
def test_a_reach_that_is_no_time_is_refused(reach: float) -> None:
    with pytest.raises(ValueError, match=f"reach={reach} is a number of seconds"):
        TimeClass("past", reach=reach)


def test_a_missing_span_is_an_error_that_names_the_rule() -> None:
    with pytest.raises(ValueError, match=r"TimeClass\(when='now'.*needs the attribute 'span'"):
        TimeClass("now")(graph(1), graph(1))
