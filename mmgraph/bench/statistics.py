"""Means, intervals and differences of a few runs on one test set."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

LEVEL = 0.95
"""What every interval of this module is meant to cover."""


@dataclass(frozen=True)
class Interval:
    """An estimate with the bounds of its 95 % interval.

    Attributes:
        mean: the estimate.
        low: lower bound.
        high: upper bound.

    Example:
        >>> f"{Interval(0.9, 0.875, 0.92):.3f}"
        '0.900 [0.875, 0.920]'
    """

    mean: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        return f"{self.mean:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


def resample(
    measure: Callable[[Int[np.ndarray, " rows"]], float], num_rows: int, *, times: int = 1000, seed: int = 0
) -> Float[np.ndarray, " resamples"]:
    """What is measured on bootstrap resamples of the test set: `num_rows` rows drawn with replacement, `times` times.

    The rows depend on `num_rows` and `seed` only. So resample b of two models are the same test graphs, and their
    difference there is a paired one.

    Args:
        measure: from the numbers of the drawn rows to a metric.
        num_rows: rows of the test set.
        times: resamples.
        seed: of the drawing.

    Raises:
        ValueError: if there is no row or no resample.

    Example:
        >>> right = np.array([1.0, 1.0, 0.0, 1.0])
        >>> resample(lambda rows: right[rows].mean(), 4, times=3).shape
        (3,)
    """
    if num_rows < 1 or times < 1:
        raise ValueError(f"nothing to resample: {num_rows=}, {times=}; give at least 1 of each")
    generator = np.random.default_rng(seed)
    return np.array([measure(generator.integers(num_rows, size=num_rows)) for _ in range(times)])


def interval(
    values: Float[np.ndarray, " seeds"], resampled: Float[np.ndarray, "seeds resamples"], *, seed: int = 0
) -> Interval:
    r"""Mean of a model's runs, with an interval over test graphs and seeds.

    The bootstrap has two levels. With \(m_{sb}\) the metric of the run with seed s on resample b of the test graphs,
    \(\bar m_b\) its mean over the n seeds, and \(s^*\) n seeds drawn with replacement, each resample gives

    .. math:: \bar m_b + \sqrt{n / (n - 1)} \, \Big( \frac1n \sum_{s \in s^*} m_{sb} - \bar m_b \Big)

    and the bounds are the 2.5 and 97.5 percentiles. The root undoes that the bootstrap's variance of a mean of n values
    is (n - 1) / n of what it should be (Hesterberg 2015, arXiv 1411.5279). With one seed only the test graphs vary.

    The interval answers: what would the mean be with other test graphs and other seeds? It takes training and
    validation data as given. It is meant to hold the truth in 95 % of cases. Simulated with 3 seeds, 1,000 test graphs
    and an accuracy of .9 it does in 98 % where seeds differ by a standard deviation of .005, but only in 88 % where
    they differ by .02 (5 seeds: 96 %): percentiles know no t distribution. So look at the smallest and largest seed.

    Args:
        values: the metric of each run on the whole test set.
        resampled: the same on every resample, see `resample`.
        seed: of the drawing of seeds.

    Raises:
        ValueError: if there is no run, or the two do not belong together.

    Example:
        >>> right = np.array([[1.0, 1.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]])  # two seeds, four test graphs
        >>> resampled = np.stack([resample(lambda rows: row[rows].mean(), 4) for row in right])
        >>> interval(right.mean(1), resampled).mean
        0.875
    """
    _check(values, resampled)
    bounds = np.percentile(_spread(resampled, np.random.default_rng(seed)), _PERCENTILES)
    return Interval(float(np.mean(values)), float(bounds[0]), float(bounds[1]))


def difference(
    values: Float[np.ndarray, " seeds"],
    resampled: Float[np.ndarray, "seeds resamples"],
    baseline: Float[np.ndarray, " other_seeds"],
    baseline_resampled: Float[np.ndarray, "other_seeds resamples"],
    *,
    seed: int = 0,
) -> Interval:
    """Mean of a model's runs minus that of a baseline, with an interval.

    Paired by test graphs: both are measured on the same resamples. Not paired by seeds: seed 0 of one model has nothing
    in common with seed 0 of another, so seeds are drawn for each on its own. See `interval` for the rest.

    Raises:
        ValueError: as `interval`; if the numbers of resamples differ.

    Example:
        >>> ours, theirs = np.array([1.0, 1.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0, 1.0])
        >>> one, other = (resample(lambda rows: right[rows].mean(), 4)[None] for right in (ours, theirs))
        >>> difference(np.array([0.75]), one, np.array([0.5]), other)
        Interval(mean=0.25, low=0.0, high=0.75)
    """
    _check(values, resampled)
    _check(baseline, baseline_resampled)
    if resampled.shape[1] != baseline_resampled.shape[1]:
        raise ValueError(
            f"the runs have {resampled.shape[1]} resamples, the baseline's {baseline_resampled.shape[1]}: "
            "both are to be measured on the same ones"
        )
    generator = np.random.default_rng(seed)
    draws = _spread(resampled, generator) - _spread(baseline_resampled, generator)
    bounds = np.percentile(draws, _PERCENTILES)
    return Interval(float(np.mean(values) - np.mean(baseline)), float(bounds[0]), float(bounds[1]))


def smallest_p(num_seeds: int, num_other_seeds: int) -> float:
    """The smallest two-sided p-value that a rank test (Mann-Whitney, exact) between two models' runs can give at all.

    Example:
        >>> smallest_p(3, 3), round(smallest_p(5, 5), 4)
        (0.1, 0.0079)
    """
    return min(1.0, 2 / math.comb(num_seeds + num_other_seeds, num_seeds))


_PERCENTILES = (50 * (1 - LEVEL), 50 * (1 + LEVEL))


def _spread(
    resampled: Float[np.ndarray, "seeds resamples"], generator: np.random.Generator
) -> Float[np.ndarray, " resamples"]:
    """The mean over drawn seeds, per resample."""
    seeds, times = resampled.shape
    mean = resampled.mean(0)
    if seeds == 1:
        return mean
    drawn = generator.integers(seeds, size=(seeds, times))
    deviation = np.take_along_axis(resampled, drawn, 0).mean(0) - mean
    return mean + math.sqrt(seeds / (seeds - 1)) * deviation


def _check(values: Float[np.ndarray, " seeds"], resampled: Float[np.ndarray, "seeds resamples"]) -> None:
    if not len(values) or resampled.ndim != 2 or len(resampled) != len(values) or not resampled.shape[1]:
        raise ValueError(
            f"{len(values)} runs and resamples of shape {resampled.shape}: give a row of resamples for each run"
        )
