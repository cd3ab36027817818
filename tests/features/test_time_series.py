"""`TimeSeries`; what every front end promises is asked in test_front_ends.py."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.features import TimeSeries

NAN = float("nan")


@given(st.integers(0, 10**6), st.sampled_from([1.0, 0.5, 0.3]))
def test_statistics_of_each_window_are_those_of_its_readings(seed: int, hop: float) -> None:
    random = np.random.default_rng(seed)
    time = np.sort(random.integers(0, 60, 15) / 8)
    values = random.standard_normal((15, 2)).astype(np.float32)
    values[random.random((15, 2)) < 0.3] = NAN
    nodes = TimeSeries(2, window=1.0, hop=hop)([{"values": values, "time": time}])
    rows, numbers = [], []
    for number in range(40):
        inside = (time >= number * hop) & (time < number * hop + 1) & ~np.isnan(values).all(1)
        if not inside.any():
            continue
        numbers.append(number)
        row: list[float] = []
        for column in values[inside].astype(np.float64).T:
            known = ~np.isnan(column)
            v, t = column[known], time[inside][known]
            if not len(v):
                row += [0] * 6
                continue
            slope = np.polyfit(t - t.mean(), v, 1)[0] if len(set(t)) > 1 else 0
            row += [v.mean(), v.std(), v.min(), v.max(), slope, known.mean()]
        rows.append(row)
    assert nodes.attribute("position").tolist() == numbers
    assert np.allclose(nodes.x.numpy(), np.array(rows).reshape(-1, 12), atol=1e-4)


def test_a_rate_stands_for_even_times() -> None:
    values = np.arange(6, dtype=np.float32)[:, None]
    even = TimeSeries(1, window=1.0)([(values, 2)])
    timed = TimeSeries(1, window=1.0)([{"values": values, "time": np.arange(6) / 2}])
    assert torch.equal(even.x, timed.x)
    assert even.attribute("span").tolist() == [[0, 1], [1, 2], [2, 3]]


def test_a_gap_has_no_nodes_and_costs_no_time() -> None:
    raw = {"values": [[1.0], [NAN], [2.0]], "time": [0.0, 5.0, 900_000.0]}
    assert TimeSeries(1, window=1.0)([raw]).attribute("position").tolist() == [0, 900_000]


def test_fit_brings_what_was_measured_to_one_scale() -> None:
    fitted = TimeSeries(2, window=1.0).fit([([[1, 10], [3, NAN]], 1), ([[NAN, 30]], 1)])
    assert (fitted.mean, fitted.std) == ((2, 20), (1, 10))
    assert fitted([([[5, NAN]], 1)]).x.tolist() == [[3, 0, 3, 3, 0, 1, 0, 0, 0, 0, 0, 0]]


@pytest.mark.parametrize("raws", [[], [([[1, NAN]], 1)]])
def test_a_column_without_a_value_teaches_nothing(raws: list[Any]) -> None:
    with pytest.raises(ValueError, match="TimeSeries found nothing to learn from"):
        TimeSeries(2, window=1.0).fit(raws)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([[1.0]], r"TimeSeries takes \(values, rate\) or a mapping"),
        ({"values": [[1.0]]}, r"TimeSeries takes \(values, rate\) or a mapping"),
        (([[1.0]], -1), "rate=-1 Hz: give a positive number"),
        (([[1.0, 2.0]], 1), r"values has shape \[1, 2\], expected \[rows, 1\]"),
        (([[float("inf")]], 1), "values is infinite in row 0; what was not measured is NaN"),
        ({"values": [[1.0]], "time": [0.0, 1.0]}, r"time has shape \[2\] and float64, values has 1 rows"),
        ({"values": [[1.0]], "time": ["now"]}, "time has shape .* and <U3"),
        ({"values": [[1.0], [1.0]], "time": [1.0, 0.0]}, r"time 1 is 0\.0; times are seconds from the start"),
        ({"values": [[1.0]], "time": [-1.0]}, r"time 0 is -1\.0"),
        ({"values": [[1.0]], "time": [NAN]}, "time 0 is nan"),
        ({"values": [[1.0]], "time": [1.7e9]}, r"times reach 1\.7e\+09 s, too late for windows every 1\.0 s"),
        ({"values": [[-1e38], [3e38]], "time": [0.0, 1e-9]}, "input 0 of 1: feature 4 of node 0 is inf"),
    ],
)
def test_an_input_of_another_form_is_refused(raw: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TimeSeries(1, window=1.0)([raw])


def test_more_windows_than_make_sense_are_refused() -> None:
    raw = {"values": np.zeros((3, 1)), "time": [0.0, 1.0, 2.0]}
    with pytest.raises(ValueError, match=r"more than 1,048,576 windows of 10\.0 s; take longer ones"):
        TimeSeries(1, window=10.0, hop=1e-5)([raw])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"columns": 0}, "columns=0: give at least 1"),
        ({"window": 0.0}, r"hop=0\.0, window=0\.0 s: take 0 < hop <= window"),
        ({"hop": 2.0}, r"hop=2\.0, window=1\.0 s"),
        ({"window": float("inf")}, "window=inf"),
        ({"mean": (0.0,)}, "1 values of mean and 0 of std"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TimeSeries(**{"columns": 1, "window": 1.0, **wrong})
