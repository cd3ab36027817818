"""Training curves."""

import matplotlib
import pytest
from matplotlib.figure import Figure

from mmgraph.training import History, RunRecord
from mmgraph.viz import draw_history

RECORD = RunRecord({}, "", {}, "", {}, {}, "", "")


def history(best: int = 2, scale: float = 1.0) -> History:
    rows = tuple(
        {"epoch": epoch, "train_loss": scale / epoch, "val_loss": 2 * scale / epoch, "val_accuracy": 0.1 * epoch}
        for epoch in (1, 2, 3)
    )
    return History(rows, best, RECORD)


def test_lines_are_the_rows():
    validation, training = draw_history(history()).lines
    assert list(validation.get_xdata()) == list(training.get_xdata()) == [1, 2, 3]
    assert list(validation.get_ydata()) == pytest.approx([2, 1, 2 / 3])
    assert list(training.get_ydata()) == pytest.approx([1, 1 / 2, 1 / 3])
    assert validation.get_linestyle() == "-" and training.get_linestyle() != "-"


def test_the_kept_epoch_is_marked_and_named():
    validation = draw_history(history(best=3)).lines[0]
    assert validation.get_markevery() == [2] and validation.get_marker() == "o"
    assert validation.get_label() == "validation, epoch 3 kept"


def test_a_metric_that_was_not_measured_while_training_is_one_line():
    ax = draw_history(history(), metric="accuracy")
    assert len(ax.lines) == 1 and ax.get_ylabel() == "accuracy"


def test_runs_differ_in_colour_and_mark():
    ax = draw_history({"A": history(), "B": history(1, 2.0)})
    first, _, second, train = ax.lines
    assert first.get_color() != second.get_color() == train.get_color()
    assert first.get_marker() != second.get_marker()
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "A: validation, epoch 2 kept",
        "A: training",
        "B: validation, epoch 1 kept",
        "B: training",
    ]


def test_a_given_axes_is_used_and_settings_stay():
    ax, settings = Figure().subplots(), dict(matplotlib.rcParams)
    assert draw_history(history(), ax) is ax
    ax.figure.draw_without_rendering()
    assert dict(matplotlib.rcParams) == settings


def test_what_was_not_measured_is_refused():
    with pytest.raises(ValueError, match=r"run '' has measured no 'f1' .* it has \['loss', 'accuracy'\]"):
        draw_history(history(), metric="f1")
    with pytest.raises(ValueError, match=r"run 'A' has measured no 'loss' on validation graphs; it has \[\]"):
        draw_history({"A": History((), 0, RECORD)})
    with pytest.raises(ValueError, match="no run to draw"):
        draw_history({})
