"""`draw_missing` and `draw_robustness`: what is left of a metric without some modalities, or under disturbances."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mmgraph.viz.style import INK, LINE, MARKERS, MUTED, PAIR_COLORS, legend, new_axes, quiet

ROW = 0.075  # height of a modality's row below the axes, of the axes' height


def draw_missing(
    scores: Mapping[str, Mapping[tuple[str, ...], Sequence[float]]],
    modalities: Sequence[str],
    ax: Axes | None = None,
    *,
    metric: str,
    chance: float | None = None,
) -> Axes:
    """A metric by which modalities are there: below each column, a filled dot for each modality that is present.

    A large mark is the mean over seeds, the small ones beside it are the seeds. Columns stand in the order of how many
    modalities are there, most first.

    Does not show: intervals over test samples, and whether a model was trained with missing modalities or meets them
    for the first time: say so in its name.

    Args:
        scores: per model and set of present modalities, the metric of each seed.
        modalities: all of them, in the order of the rows.
        ax: where to draw; a new figure if not given. It needs room below.
        metric: its name.
        chance: what guessing gives, drawn as a dashed line.

    Raises:
        ValueError: if there is no score, or a modality is unknown.

    Example:
        >>> full, image = ("image", "text"), ("image",)
        >>> ax = draw_missing({"GraphFusion": {image: [0.5, 0.6], full: [0.9, 0.8]}}, full, metric="accuracy")
        >>> [round(float(y), 2) for y in ax.lines[-1].get_ydata()]  # both modalities first
        [0.85, 0.55]
    """
    _check(scores)
    for found in (name for by_set in scores.values() for present in by_set for name in present):
        if found not in modalities:
            raise ValueError(f"a score is of modality {found!r}; there are {list(modalities)}")
    columns = _columns(scores, modalities)
    if ax is None:
        ax = new_axes(max(4.5, 0.75 * len(columns) + 2.6), 3.2 + 0.22 * len(modalities))
    for x in range(len(columns) - 1):
        ax.axvline(x + 0.5, color="#E6E9EC", linewidth=0.6, zorder=0)
    for number, (model, by_set) in enumerate(scores.items()):
        by_column = {frozenset(present): values for present, values in by_set.items()}
        known = [(x, by_column[column]) for x, column in enumerate(columns) if column in by_column]
        shift = 0.6 * ((number + 0.5) / len(scores) - 0.5)
        _dots(ax, model, [(x + shift, values) for x, values in known], number)
    if chance is not None:
        ax.axhline(chance, color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)), label="chance", zorder=1)
    ax.set(xlim=(-0.5, len(columns) - 0.5), xticks=[])
    _presence(ax, columns, modalities)
    _finish(ax, metric)
    return ax


def draw_robustness(
    scores: Mapping[str, Mapping[float, Sequence[float]]],
    ax: Axes | None = None,
    *,
    metric: str,
    disturbance: str,
    chance: float | None = None,
) -> Axes:
    """A metric by how strong a disturbance is: the mean over seeds as a line, least to largest seed as a band.

    Does not show: intervals over test samples, other disturbances, and what a step of the strength means to a person.

    Args:
        scores: per model and strength, the metric of each seed; strength 0 is the undisturbed data.
        ax: where to draw; a new figure if not given.
        metric: its name.
        disturbance: its name and unit.
        chance: what guessing gives, drawn as a dashed line.

    Raises:
        ValueError: if there is no score.

    Example:
        >>> noise = {0.0: [0.9, 0.8], 0.5: [0.6, 0.7]}
        >>> ax = draw_robustness({"GraphFusion": noise}, metric="accuracy", disturbance="noise")
        >>> [round(float(y), 2) for y in ax.lines[0].get_ydata()]
        [0.85, 0.65]
    """
    _check(scores)
    ax = new_axes(6.5, 3.6) if ax is None else ax
    for number, (model, by_strength) in enumerate(scores.items()):
        color, marker = PAIR_COLORS[number % len(PAIR_COLORS)], MARKERS[number % len(MARKERS)]
        strengths = sorted(by_strength)
        values = [np.asarray(by_strength[strength], dtype=np.float64) for strength in strengths]
        low, high = ([float(bound(value)) for value in values] for bound in (np.min, np.max))
        ax.fill_between(strengths, low, high, color=color, alpha=0.15, linewidth=0, zorder=2)
        means = [float(value.mean()) for value in values]
        look: dict[str, Any] = {"color": color, "marker": marker, "markeredgecolor": "white"}
        ax.plot(strengths, means, linewidth=1.6, markersize=6, label=model, zorder=3, **look)
    if chance is not None:
        ax.axhline(chance, color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)), label="chance", zorder=1)
    ax.set_xlabel(disturbance, size=9, color=MUTED, parse_math=False)
    _finish(ax, metric)
    return ax


def _check(scores: Mapping[str, Mapping[Any, Sequence[float]]]) -> None:
    if not any(scores.values()):
        raise ValueError("no score to draw: give at least one model with one value")
    for model, values in scores.items():
        for condition, seeds in values.items():
            if not len(seeds):
                raise ValueError(f"model {model!r} has no value for {condition!r}: give one per seed, or leave it out")


def _columns(
    scores: Mapping[str, Mapping[tuple[str, ...], Sequence[float]]], modalities: Sequence[str]
) -> list[frozenset[str]]:
    """The sets of present modalities: larger ones first, then in the order of the modalities."""
    found = {frozenset(present) for by_set in scores.values() for present in by_set}

    def place(column: frozenset[str]) -> tuple[int, list[bool]]:
        return -len(column), [name not in column for name in modalities]

    return sorted(found, key=place)


def _dots(ax: Axes, model: str, points: Sequence[tuple[float, Sequence[float]]], number: int) -> None:
    """The seeds, and their means."""
    color, marker = PAIR_COLORS[number % len(PAIR_COLORS)], MARKERS[number % len(MARKERS)]
    seeds = [(x + 0.06, value) for x, values in points for value in values if len(values) > 1]
    if seeds:
        x, y = zip(*seeds, strict=True)
        ax.plot(x, y, ".", color=color, markersize=3.5, alpha=0.7, label="_seeds", zorder=2)
    means = [float(np.mean(values)) for _, values in points]
    look: dict[str, Any] = {"color": color, "marker": marker, "markeredgecolor": "white"}
    ax.plot([x for x, _ in points], means, linestyle="", markersize=8, label=model, zorder=3, **look)


def _presence(ax: Axes, columns: Sequence[Collection[str]], modalities: Sequence[str]) -> None:
    """Below the axes a row per modality, with a dot per column: filled where the modality is there."""
    below = ax.get_xaxis_transform()
    for row, name in enumerate(modalities):
        y = -ROW * (row + 1)
        ax.text(-0.6, y, name, transform=below, ha="right", va="center", size=8.5, color=INK, parse_math=False)
        for there in (True, False):
            x = [i for i, column in enumerate(columns) if (name in column) == there]
            face, gid = (INK if there else "white"), f"{'present' if there else 'missing'} {name}"
            edge = INK if there else LINE
            ax.scatter(x, [y] * len(x), s=42, facecolor=face, edgecolor=edge, clip_on=False, transform=below, gid=gid)


def _finish(ax: Axes, metric: str) -> None:
    ax.set_ylabel(metric.replace("_", " "), size=9, color=MUTED, parse_math=False)
    ax.grid(axis="y", color="#E6E9EC", linewidth=0.6)
    ax.set_axisbelow(True)
    quiet(ax)
    legend(ax)
