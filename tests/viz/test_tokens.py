from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from mmgraph.viz import draw_tokens
from mmgraph.viz.tokens import font_size, text_width, wrap_tokens


@settings(max_examples=20)
@given(
    st.lists(st.text(st.characters(codec="latin-1"), max_size=30), max_size=40),
    st.floats(1.0, 8.0),
    st.sampled_from([6.5, 9.0, 11.0]),
)
def test_boxes_fit_the_strip_in_reading_order_and_do_not_overlap(texts, width, size):
    boxes = wrap_tokens(texts, width, size)
    assert len(boxes) == len(texts)
    for box in boxes:
        assert box.left >= 0 and box.right <= width + 1e-6
        assert text_width(box.text, size) <= box.width
    for a, b in pairwise(boxes):
        if a.row == b.row:
            assert b.left > a.right and a.top == b.top
        else:
            assert b.row == a.row + 1 and b.left == 0 and b.top > a.bottom


def test_white_space_and_empty_tokens_are_visible():
    assert [box.text for box in wrap_tokens(["a\n b", "", "\t", "\x1b["], 5, 9)] == ["a b", "·", "·", "�["]


def test_a_token_that_is_too_wide_is_cut():
    (box,) = wrap_tokens(["https://example.org/" + "x" * 200], 2.0, 9)
    assert box.text.startswith("https://") and box.text.endswith("…")


def test_dollar_signs_are_no_formulas():
    assert text_width("$x$", 9) > text_width("x", 9)
    ax = draw_tokens(["$5", "$x^2$", "a_b"])
    ax.figure.draw_without_rendering()
    assert [text.get_text() for text in ax.texts] == ["$5", "$x^2$", "a_b"]
    assert not any(text.get_parse_math() for text in ax.texts)


def test_texts_stand_within_their_boxes():
    ax = draw_tokens(["which", "gypsum", "Éjq", "?"])
    ax.figure.draw_without_rendering()
    for text, patch in zip(ax.texts, ax.patches, strict=True):
        inner, outer = text.get_window_extent(), patch.get_window_extent()
        assert outer.x0 <= inner.x0 and inner.x1 <= outer.x1
        assert outer.y0 - 1 <= inner.y0 and inner.y1 <= outer.y1 + 1


def test_the_tint_is_stronger_where_there_is_more_flow():
    ax = draw_tokens(["a", "b", "c"], flow=torch.tensor([0.0, 0.1, 0.3]))
    blues = [patch.get_facecolor()[2] for patch in ax.patches]
    assert blues[0] == 1 and blues[0] > blues[1] > blues[2]
    assert all(patch.get_facecolor()[3] == 1 for patch in ax.patches)  # links that pass behind stay hidden


def test_coordinates_are_inches_in_a_given_axes():
    ax = Figure(figsize=(8, 4)).add_axes((0.1, 0.1, 0.5, 0.25))
    assert draw_tokens(["a"], ax=ax) is ax
    assert ax.get_xlim() == pytest.approx((0, 4)) and ax.get_ylim() == pytest.approx((1, 0))


def test_more_tokens_are_set_smaller():
    sizes = [font_size(n) for n in (1, 50, 150, 1000)]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] >= 6


def test_no_token_is_drawn_as_nothing():
    assert not draw_tokens([]).texts
