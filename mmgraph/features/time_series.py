"""`TimeSeries`: readings of sensors over time."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from mmgraph.features.raw import Part, check_each, join, rows_of
from mmgraph.features.scaling import check_statistics, running_statistics
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet

STATISTICS = ("mean", "deviation", "least", "largest", "slope", "measured")
MAX_WINDOWS = 1 << 20


@dataclass(frozen=True)
class TimeSeries:
    """One node per window of time in which something was measured, with statistics of each column.

    A raw input is `(values [readings, columns], rate in Hz)`, or, where readings are not evenly spaced,
    `{"values": [readings, columns], "time": [readings]}` in seconds from the start, not falling. NaN is "not measured".
    Windows start at 0 and every `hop` seconds, whatever the readings; a window without any has no node, so gaps cost
    nothing::

        reading     x  x x   x               x x    x
        window    |--- 0 ---|--- 1 ---|--- 2 ---|--- 3 ---|     nodes 0, 2 and 3

    `x` [windows, 6 * columns] holds of each column, one column after the other: mean, standard deviation, least,
    largest, slope per second (0 for one reading), and the share of the window's readings that were measured; all 0
    where none was. After `fit` values have mean 0 and deviation 1 before that. Nodes carry `span` in seconds and
    `position`, the number of the window.

    Args:
        columns: values of a reading.
        window: seconds.
        hop: seconds from one window to the next, at most `window`; None: `window`, side by side.
        mean: of each column, learned by `fit`.
        std: standard deviation of each column, learned by `fit`.

    Raises:
        ValueError: on columns below 1, times that are not 0 < hop <= window, statistics that are not one per column;
            when called, on an input of another form, infinite values, times that are not finite, fall or are negative,
            a rate that is not positive, more than `MAX_WINDOWS` windows, or windows too short for times so late.

    Example:
        >>> steps = {"values": [[1.0], [3.0], [5.0]], "time": [0.0, 1.0, 9.0]}
        >>> nodes = TimeSeries(1, window=2.0)([steps])
        >>> nodes.x.tolist(), nodes.attribute("span").tolist()
        ([[2.0, 1.0, 1.0, 3.0, 2.0, 1.0], [5.0, 0.0, 5.0, 5.0, 0.0, 1.0]], [[0.0, 2.0], [8.0, 10.0]])
    """

    columns: int
    _: KW_ONLY
    window: float
    hop: float | None = None
    mean: Sequence[float] = field(default=(), repr=False)
    std: Sequence[float] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", tuple(self.mean))
        object.__setattr__(self, "std", tuple(self.std))
        if self.columns < 1:
            raise ValueError(f"columns={self.columns}: give at least 1")
        if not 0 < self._hop <= self.window < math.inf:
            raise ValueError(f"hop={self._hop}, window={self.window} s: take 0 < hop <= window")
        check_statistics(self.mean, self.std, self.columns)

    @property
    def channels(self) -> int:
        """Statistics of each column."""
        return len(STATISTICS) * self.columns

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`span`, `position`."""
        return {name: STANDARD_ATTRIBUTES[name] for name in ("span", "position")}

    def fit(self, raws: Iterable[Any]) -> Self:
        """The same with mean and deviation of each column over these series, of what was measured.

        Raises:
            ValueError: if nothing was measured in a column, or for an input as in a call.
        """
        values = np.concatenate([self._series(raw)[0] for raw in raws] or [np.zeros((0, self.columns), np.float32)])
        columns = [torch.from_numpy(column[~np.isnan(column)])[:, None] for column in values.T]
        learned = [running_statistics([column], 1, "TimeSeries") for column in columns]
        return replace(self, mean=tuple(m[0] for m, _ in learned), std=tuple(s[0] for _, s in learned))

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The windows of each series, none where it is None."""
        return join(check_each(raws, self._windows), len(raws), self.channels, self.attributes)

    @property
    def _hop(self) -> float:
        return self.window if self.hop is None else self.hop

    def _series(self, raw: Any) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Values, and the time of each reading."""
        even = isinstance(raw, tuple | list) and len(raw) == 2 and isinstance(raw[1], int | float | np.number)
        if not even and not (isinstance(raw, Mapping) and {"values", "time"} <= set(raw)):
            raise ValueError(f"TimeSeries takes (values, rate) or a mapping with 'values' and 'time', got {raw!r:.80}")
        table = rows_of(raw[0] if even else raw["values"], self.columns, "values", finite=False)
        if np.isinf(table).any():
            row = int(np.argwhere(np.isinf(table))[0, 0])
            raise ValueError(f"values is infinite in row {row}; what was not measured is NaN")
        if even and not 0 < raw[1] < math.inf:
            raise ValueError(f"rate={raw[1]} Hz: give a positive number")
        time = np.arange(len(table)) / float(raw[1]) if even else np.asarray(raw["time"])
        if time.shape != (len(table),) or time.dtype.kind not in "fiu":
            raise ValueError(f"time has shape {list(time.shape)} and {time.dtype}, values has {len(table)} rows")
        seconds = time.astype(np.float64)
        wrong = ~np.isfinite(seconds) | (seconds < 0) | (np.diff(seconds, prepend=seconds[:1]) < 0)
        if wrong.any():
            row = int(wrong.argmax())
            raise ValueError(f"time {row} is {time[row]}; times are seconds from the start, finite and in order")
        return table, seconds

    def _windows(self, raw: object) -> Part:
        values, time = self._series(raw)
        if self.mean:
            values = ((values - np.array(self.mean)) / np.array(self.std)).astype(np.float32)
        measured = ~np.isnan(values).all(1)
        values, time = values[measured], time[measured]
        numbers = self._numbers(time)
        first = np.searchsorted(time, numbers * self._hop, "left")
        stop = np.searchsorted(time, numbers * self._hop + self.window, "left")
        rows = [_statistics(values[a:b], time[a:b]) for a, b in zip(first, stop, strict=True)]
        x = np.stack(rows) if rows else np.zeros((0, self.channels))
        start = numbers * self._hop
        span = torch.from_numpy(np.stack([start, start + self.window], 1)).float()
        return torch.from_numpy(x).float(), {"span": span, "position": torch.from_numpy(numbers)}

    def _numbers(self, time: NDArray[np.float64]) -> NDArray[np.int64]:
        """The windows that hold a reading."""
        if len(time) and time[-1] * 2.0**-20 > self._hop:
            raise ValueError(f"times reach {time[-1]:g} s, too late for windows every {self._hop} s; start them at 0")
        last = np.floor(time / self._hop).astype(np.int64)
        overlapping = math.ceil(self.window / self._hop)
        found = np.unique(last)
        if len(found) * overlapping > MAX_WINDOWS:
            raise ValueError(f"more than {MAX_WINDOWS:,} windows of {self.window} s; take longer ones")
        candidates = np.unique((found[:, None] - np.arange(overlapping)).clip(min=0))
        # Rounding and the last part of a window decide which of the candidates hold a reading.
        start = candidates * self._hop
        held = np.searchsorted(time, start, "left") < np.searchsorted(time, start + self.window, "left")
        return candidates[held]


def _statistics(values: NDArray[np.float32], time: NDArray[np.float64]) -> NDArray[np.float64]:
    """`STATISTICS` of each column of one window, one column after the other."""
    known = ~np.isnan(values)
    number = known.sum(0)
    count = np.maximum(number, 1)
    clean = np.where(known, values, 0).astype(np.float64)
    mean = clean.sum(0) / count
    apart = np.where(known, clean - mean, 0)
    when = np.where(known, time[:, None] - (known * time[:, None]).sum(0) / count, 0)
    spread = np.square(when).sum(0)
    slope = (apart * when).sum(0) / np.where(spread > 0, spread, 1)
    least = np.where(number > 0, np.where(known, clean, np.inf).min(0), 0)
    largest = np.where(number > 0, np.where(known, clean, -np.inf).max(0), 0)
    deviation = np.sqrt(np.square(apart).sum(0) / count)
    return np.stack([mean, deviation, least, largest, slope, number / len(values)], 1).ravel()
