import numpy as np
import pytest

from mmgraph.viz.layout import Layout, Rect
from mmgraph.viz.routes import region_ends, route, shares_of, time_ends, word_ends

PLACE = Rect(1.0, 2.0, 4.0, 2.0)


def test_links_of_a_region_end_at_its_right_border_and_begin_at_the_edge_of_the_image():
    (end,) = region_ends([[0.25, 0.0, 0.5, 0.5]], PLACE)
    assert end.at(0.0) == (3.0, 3.0) and end.at(1.0) == (3.0, 4.0)
    assert end.begin(0.5) == (5.0, 3.5)
    assert end.outline == Rect(2.0, 3.0, 1.0, 1.0)


def test_links_of_a_frame_end_at_its_upper_edge():
    ends = time_ends([[0.0, 0.5], [0.5, 2.0]], PLACE, 2.0, 4.5)
    assert [(end.low, end.high) for end in ends] == [((1, 4.5), (2, 4.5)), ((2, 4.5), (5, 4.5))]


def test_links_of_a_token_pass_the_rows_below_between_the_words():
    rows = [
        [Rect(0, 2, 1, 0.3), Rect(1.2, 2, 1, 0.3), Rect(2.4, 2, 1, 0.3)],
        [Rect(0, 1, 0.8, 0.3), Rect(1.0, 1, 1.1, 0.3)],
    ]
    first, second, third, *last = word_ends(rows)
    assert first.lanes == ((pytest.approx(0.9), 1.3, 1),)
    assert second.lanes[0][0] == pytest.approx(2.16)  # 1.7 lies under a word: beside the row is nearest
    assert third.lanes[0][0] == pytest.approx(2.9)  # straight down: the row below has ended
    assert all(end.lanes == () for end in last)
    assert first.low == (0, 2) and first.high == (1, 2)


def test_a_route_is_a_chain_of_cubic_curves_between_its_ends():
    layout = Layout(11, 6, {}, (2.0, 4.0), (4.0, 5.0))
    ends = {
        "regions": region_ends([[0, 0, 0.5, 0.2], [0, 0.4, 1, 0.6], [0, 0.9, 1, 1]], Rect(0.5, 1, 3.5, 4)),
        "words": word_ends([[Rect(5, 4.5, 1, 0.3)], [Rect(5, 4.0, 3, 0.3)]]),
        "time": time_ends([[0, 1]], Rect(5, 1, 5, 1), 1.0, 2.0),
    }
    everything = [end for group in ends.values() for end in group]
    for start in everything:
        for stop in everything:
            points = route(start, stop, (0.3, 0.6), layout)
            assert len(points) % 3 == 1
            assert tuple(points[0]) == start.begin(0.3) and tuple(points[-1]) == stop.begin(0.6)
            assert np.isfinite(points).all()


def test_ends_on_one_border_lie_side_by_side():
    assert shares_of(0) == []
    for count in (1, 2, 7, 100):
        shares = shares_of(count)
        assert len(set(shares)) == count and shares == sorted(shares)
        assert min(shares) > 0.19 and max(shares) < 0.81
        assert sum(shares) / count == pytest.approx(0.5)
