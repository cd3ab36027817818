"""`draw_history`: training curves."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mmgraph.training import History
from mmgraph.viz.style import MARKERS, MUTED, PAIR_COLORS, legend, new_axes, quiet


def draw_history(runs: History | Mapping[str, History], ax: Axes | None = None, *, metric: str = "loss") -> Axes:
    """A metric by epoch: on validation graphs as a line, while training as a dashed one where it was measured.

    The mark is the epoch whose weights were kept, and says so in the legend.

    Does not show: test results, that the training loss is a mean over an epoch in which the weights moved (so it lies
    above what the weights at the end of the epoch would give), and spread between seeds, unless they are given as runs.

    Args:
        runs: what `fit` returned, or several of them by name; after six, colours repeat.
        ax: where to draw; a new figure if not given.
        metric: without "train_" and "val_".

    Raises:
        ValueError: if there is no run, or one has not measured the metric.

    Example:
        >>> from mmgraph.training import RunRecord
        >>> rows = ({"epoch": 1, "train_loss": 0.9, "val_loss": 0.8}, {"epoch": 2, "train_loss": 0.5, "val_loss": 0.6})
        >>> ax = draw_history(History(rows, 2, RunRecord({}, "", {}, "", {}, {}, "", "")))
        >>> [line.get_label() for line in ax.lines]
        ['validation, epoch 2 kept', 'training']
    """
    named = {"": runs} if isinstance(runs, History) else dict(runs)
    if not named:
        raise ValueError("no run to draw: give at least one History")
    ax = new_axes(6.5, 3.6) if ax is None else ax
    for number, (name, run) in enumerate(named.items()):
        _draw(ax, name, run, metric, number)
    ax.set_xlabel("epoch", size=9, color=MUTED)
    ax.set_ylabel(metric.replace("_", " "), size=9, color=MUTED, parse_math=False)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(axis="y", color="#E6E9EC", linewidth=0.6)
    quiet(ax)
    legend(ax)
    return ax


def _draw(ax: Axes, name: str, run: History, metric: str, number: int) -> None:
    key = f"val_{metric}"
    if not run.rows or key not in run.rows[0]:
        known = [column.removeprefix("val_") for row in run.rows[:1] for column in row if column.startswith("val_")]
        raise ValueError(f"run {name!r} has measured no {metric!r} on validation graphs; it has {known}")
    color, marker = PAIR_COLORS[number % len(PAIR_COLORS)], MARKERS[number % len(MARKERS)]
    epochs = [row["epoch"] for row in run.rows]
    label = f"{name + ': ' if name else ''}validation, epoch {run.best_epoch} kept"
    mark: dict[str, Any] = {"marker": marker, "markevery": [run.best_epoch - 1], "markersize": 7}
    values = [row[key] for row in run.rows]
    ax.plot(epochs, values, color=color, linewidth=1.6, markeredgecolor="white", label=label, **mark)
    if f"train_{metric}" in run.rows[0]:
        train = [row[f"train_{metric}"] for row in run.rows]
        label = f"{name + ': ' if name else ''}training"
        ax.plot(epochs, train, color=color, linewidth=1.1, linestyle=(0, (4, 2)), alpha=0.8, label=label)
