import matplotlib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mmgraph.viz import draw_confusion


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30))
def test_cells_count_pairs_and_shades_are_shares_of_their_row(pairs):
    truth, predicted = torch.tensor(pairs).T
    ax = draw_confusion(truth, predicted, classes=list("abcde"))
    shares = np.asarray(ax.images[0].get_array())
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    for y in range(5):
        total = sum(t == y for t, _ in pairs)
        for x in range(5):
            count = pairs.count((y, x))
            assert texts[x, y] == str(count)
            assert shares[y, x] == pytest.approx(count / total if total else 0)
        assert ax.get_yticklabels()[y].get_text() == f"{'abcde'[y]} ({total})"


def test_what_is_right_has_a_frame():
    ax = draw_confusion(torch.tensor([0, 1, 2]), torch.tensor([0, 2, 2]))
    frames = [patch.get_xy() for patch in ax.patches if isinstance(patch, Rectangle)]
    assert frames == [(i - 0.5, i - 0.5) for i in range(3)]


def test_names_are_numbers_where_none_are_given_and_long_ones_are_cut():
    ax = draw_confusion(torch.tensor([0, 2]), torch.tensor([0, 1]))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0 (1)", "1 (0)", "2 (1)"]
    ax = draw_confusion(torch.tensor([0]), torch.tensor([0]), classes=["$x$" * 30])
    assert ax.get_xticklabels()[0].get_text() == ("$x$" * 30)[:23] + "…"
    ax.figure.draw_without_rendering()


@pytest.mark.parametrize(("size", "texts", "labels"), [(20, 400, 20), (21, 0, 21), (100, 0, 34)])
def test_many_classes_stay_readable(size, texts, labels):
    classes = torch.arange(size)
    ax = draw_confusion(classes, classes)
    assert (len(ax.texts), len(ax.get_xticklabels())) == (texts, labels)
    ax.figure.draw_without_rendering()
    shown = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert not any(a.overlaps(b) for a, b in zip(shown[::2], shown[1::2], strict=False))


def test_a_given_axes_is_used_and_settings_stay():
    ax, before = Figure().subplots(), dict(matplotlib.rcParams)
    assert draw_confusion(torch.tensor([1]), torch.tensor([0]), ax) is ax
    assert dict(matplotlib.rcParams) == before


def test_what_are_no_classes_is_refused():
    one, two = torch.tensor([1]), torch.tensor([0, 1])
    with pytest.raises(ValueError, match=r"\(1,\) true and \(2,\) predicted: give one class per sample"):
        draw_confusion(one, two)
    with pytest.raises(ValueError, match="no sample to draw"):
        draw_confusion(one[:0], one[:0])
    with pytest.raises(ValueError, match=r"class 1 is not in 0\.\.0: leave such samples out, or name the class"):
        draw_confusion(one, one, classes=["a"])
    with pytest.raises(ValueError, match=r"class -1 is not in 0\.\.1"):
        draw_confusion(two - 1, two)
