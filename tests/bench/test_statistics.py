"""Means, intervals and differences, against what can be worked out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from mmgraph.bench import difference, interval, resample, smallest_p


def shares(right: list[list[int]], times: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Share of right answers per seed, on the whole test set and on resamples."""
    rows = np.array(right, dtype=float)
    resampled = [resample(lambda drawn, row=row: row[drawn].mean(), row.size, times=times) for row in rows]
    return rows.mean(1), np.stack(resampled)


def test_two_models_are_measured_on_the_same_resamples() -> None:
    drawn: list[list[list[int]]] = [[], []]
    for seen in drawn:
        resample(lambda rows: float(seen.append(rows.tolist()) or 0), 7, times=5)  # noqa: B023
    assert drawn[0] == drawn[1] and len({tuple(rows) for rows in drawn[0]}) == 5
    assert all(len(rows) == 7 and set(rows) <= set(range(7)) for rows in drawn[0])


def test_resamples_differ_with_their_seed() -> None:
    one, other = (resample(lambda rows: float(rows.sum()), 50, times=5, seed=seed) for seed in (0, 1))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(("rows", "times"), [(0, 10), (10, 0)])
def test_resampling_nothing_is_refused(rows: int, times: int) -> None:
    with pytest.raises(ValueError, match="nothing to resample"):
        resample(lambda drawn: 0.0, rows, times=times)


@given(st.lists(st.lists(st.integers(0, 1), min_size=6, max_size=6), min_size=1, max_size=4))
def test_the_mean_is_the_mean_and_lies_between_ordered_bounds_of_the_metric(right: list[list[int]]) -> None:
    values, resampled = shares(right, times=50)
    found = interval(values, resampled)
    assert found.mean == pytest.approx(np.mean(right))
    assert found.low <= found.high


def test_runs_that_agree_on_every_test_graph_have_no_width() -> None:
    found = interval(*shares([[1, 1, 1], [1, 1, 1]]))
    assert (found.mean, found.low, found.high) == (1, 1, 1)


def test_with_one_seed_the_bounds_are_percentiles_over_test_graphs() -> None:
    resampled = np.arange(101)[None] / 100
    found = interval(np.array([0.5]), resampled)
    assert (found.low, found.high) == pytest.approx((0.025, 0.975))


def test_one_seed_has_the_width_of_the_binomial_distribution() -> None:
    right = [[1] * 900 + [0] * 100]
    found = interval(*shares(right, times=2000))
    assert found.high - found.low == pytest.approx(2 * 1.96 * (0.9 * 0.1 / 1000) ** 0.5, rel=0.1)


def test_seeds_add_the_variance_of_a_mean_of_seeds() -> None:
    """Where test graphs make no difference: the unbiased s^2 / n, not the (n - 1) / n of it that resampling gives."""
    values = np.array([0.8, 0.85, 0.86, 0.91, 0.93, 0.95])
    found = interval(values, np.repeat(values[:, None], 20_000, 1))
    width = 2 * 1.96 * values.std(ddof=1) / len(values) ** 0.5
    assert found.high - found.low == pytest.approx(width, rel=0.05)


def test_the_interval_is_the_same_every_time() -> None:
    runs = shares([[1, 0, 1, 1, 0], [1, 1, 1, 0, 0]])
    assert interval(*runs) == interval(*runs)


def test_a_difference_is_paired_by_test_graphs() -> None:
    """Two models that are right on the same graphs differ nowhere, though each for itself is uncertain."""
    run = shares([[1, 0, 1, 1, 0, 0, 1, 0]])
    assert interval(*run).high - interval(*run).low > 0.3
    found = difference(*run, *run)
    assert (found.mean, found.low, found.high) == (0, 0, 0)


def test_a_difference_is_not_paired_by_seeds() -> None:
    """The same two seeds on both sides: any of them could have met any other."""
    values = np.array([0.4, 0.8])
    resampled = np.repeat(values[:, None], 1000, 1)
    found = difference(values, resampled, values, resampled)
    assert found.mean == 0 and found.low < -0.3 and found.high > 0.3


def test_a_difference_changes_its_sign_with_the_sides() -> None:
    better, worse = shares([[1, 1, 1, 0], [1, 1, 1, 1]]), shares([[1, 0, 0, 0]])
    assert difference(*better, *worse).mean == pytest.approx(0.625)
    assert difference(*worse, *better).mean == pytest.approx(-0.625)


@pytest.mark.unchecked
@pytest.mark.parametrize("shape", [(1, 4), (3, 4), (2, 0)])
def test_runs_and_resamples_that_do_not_belong_together_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"2 runs and resamples of shape"):
        interval(np.zeros(2), np.zeros(shape))


def test_no_run_is_refused() -> None:
    with pytest.raises(ValueError, match="0 runs"):
        interval(np.zeros(0), np.zeros((0, 4)))


@pytest.mark.unchecked
def test_a_difference_of_other_resamples_is_refused() -> None:
    with pytest.raises(ValueError, match="4 resamples, the baseline's 5"):
        difference(np.zeros(1), np.zeros((1, 4)), np.zeros(1), np.zeros((1, 5)))


@pytest.mark.parametrize(("ours", "theirs"), [(1, 1), (2, 3), (3, 3), (5, 4), (6, 6)])
def test_the_smallest_p_is_that_of_runs_without_overlap(ours: int, theirs: int) -> None:
    apart = mannwhitneyu(np.arange(ours), 100.0 + np.arange(theirs), method="exact")
    assert smallest_p(ours, theirs) == pytest.approx(apart.pvalue)
