"""`SoundWindows`; what every front end promises is asked in test_front_ends.py."""

from typing import Any

import numpy as np
import pytest
import torch

from mmgraph.features import SoundWindows


def test_windows_hold_the_samples_and_the_last_one_silence() -> None:
    samples = np.arange(10, dtype=np.float32) / 10
    nodes = SoundWindows(10, window=0.4, hop=0.2)([(samples, 10)])
    assert (nodes.x * 10).round().int().tolist() == [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7], [6, 7, 8, 9]]
    nodes = SoundWindows(10, window=0.4)([(samples, 10)])
    assert (nodes.x * 10).round().int().tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 0]]
    assert torch.allclose(nodes.attribute("span"), torch.tensor([[0, 0.4], [0.4, 0.8], [0.8, 1.0]]))
    assert nodes.attribute("position").tolist() == [0, 1, 2]


@pytest.mark.parametrize(("samples", "windows"), [(1, 1), (4, 1), (5, 2), (6, 2), (7, 3)])
def test_the_last_window_is_the_first_that_reaches_the_end(samples: int, windows: int) -> None:
    nodes = SoundWindows(10, window=0.4, hop=0.2)([(np.ones(samples, dtype=np.float32), 10)])
    assert nodes.num_nodes == windows


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rate": 0}, "rate=0: give at least 1"),
        ({"window": 0.0}, r"hop=0\.0, window=0\.0 s: take one sample <= hop <= window"),
        ({"hop": 0.2}, r"hop=0\.2, window=0\.1"),
        ({"hop": 1e-6}, "hop=1e-06"),
        ({"window": float("inf"), "hop": 0.1}, "window=inf"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SoundWindows(**wrong)
