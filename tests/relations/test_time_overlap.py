"""`TimeOverlap`; what every rule promises is asked in test_rules.py."""

import pytest
import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import TimeOverlap


def spans(*pairs: tuple[float, float]) -> NodeSet:
    return NodeSet.of([torch.zeros(len(pairs), 1)], span=[torch.tensor(pairs)])


FRAMES = spans((0.0, 1.0), (1.0, 2.0), (2.0, 3.0))


def test_spans_that_only_touch_do_not_overlap() -> None:
    edges = TimeOverlap()(FRAMES, spans((1.0, 2.0)))
    assert edges.src.tolist() == [1]


def test_the_overlap_must_be_more_than_the_least() -> None:
    word = spans((0.5, 2.25))
    assert TimeOverlap(0.25)(FRAMES, word).src.tolist() == [0, 1]
    assert TimeOverlap(0.5)(FRAMES, word).src.tolist() == [1]


def test_a_negative_least_overlap_bridges_a_gap() -> None:
    assert TimeOverlap(-0.6)(FRAMES, spans((3.5, 4.0))).src.tolist() == [2]


def test_unsorted_and_nested_spans_are_found() -> None:
    sources = spans((5.0, 6.0), (0.0, 10.0), (2.0, 3.0))
    assert TimeOverlap()(sources, spans((2.5, 5.5))).src.tolist() == [0, 1, 2]
    assert TimeOverlap()(sources, spans((7.0, 8.0))).src.tolist() == [1]


def test_edge_features_are_seconds_from_destination_to_source() -> None:
    rule = TimeOverlap(features=("time_difference", "overlap"))
    edges = rule(FRAMES, spans((1.0, 2.5)))
    assert rule.feature_names == ("time_difference", "overlap")
    assert edges.features is not None
    assert edges.features.tolist() == [[-0.25, 1.0], [0.75, 0.5]]


def test_a_long_sequence_needs_no_square_of_its_length() -> None:
    start = torch.arange(200_000) * 0.01
    frames = NodeSet.of([torch.zeros(200_000, 1)], span=[torch.stack([start, start + 0.015], 1)])
    assert TimeOverlap()(frames, frames).num_edges == 2 * 199_999  # all pairs would be 40,000 million


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_least_overlap_is_finite(value: float) -> None:
    with pytest.raises(ValueError, match=r"min_overlap=.* finite"):
        TimeOverlap(value)


def test_an_unknown_feature_is_refused() -> None:
    with pytest.raises(ValueError, match="'distance'; TimeOverlap can give time_difference and overlap"):
        TimeOverlap(features=("distance",))


def test_a_missing_span_is_an_error_that_names_the_rule() -> None:
    words = NodeSet.of([torch.zeros(1, 1)], position=[torch.zeros(1, dtype=torch.int64)])
    for ends in ((words, FRAMES), (FRAMES, words)):
        with pytest.raises(ValueError, match=r"TimeOverlap\(.*\) needs the attribute 'span'.*they have position"):
            TimeOverlap()(*ends)
