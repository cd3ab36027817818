"""Raw sound."""

from typing import Any

import numpy as np
import pytest

from mmgraph.features.sound import mono


def tone(frequency: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate).astype(np.float32)


def test_channels_become_their_mean() -> None:
    samples = np.array([[0.5, -0.5], [1.0, 0.0]], dtype=np.float32)
    assert mono((samples, 8000), 8000).tolist() == [0, 0.5]
    assert mono((samples[:, :1], 8000), 8000).tolist() == [0.5, 1.0]


@pytest.mark.parametrize("rate", [16000, 44100, 11025, 4000, 7919, 44101, 767_999])
def test_another_rate_is_converted_and_a_tone_stays_the_same(rate: int) -> None:
    found = mono((tone(440, rate), rate), 8000)
    assert len(found) == pytest.approx(4000, abs=1)
    assert np.abs(found[:3999] - tone(440, 8000)[:3999])[200:-200].max() < 0.02


def test_what_the_new_rate_cannot_hold_is_removed() -> None:
    assert np.abs(mono((tone(6000, 16000), 16000), 8000))[200:-200].max() < 0.02


def test_samples_become_float32_whatever_floats_they_were() -> None:
    for dtype in (np.float16, np.float32, np.float64):
        assert mono((np.ones(3, dtype=dtype), 8000.0), 8000).dtype == np.float32


@pytest.mark.parametrize("raw", [np.zeros(8), "a.wav", (np.zeros(8),), (np.zeros(8), 8000, 1)])
def test_a_sound_is_a_pair_of_samples_and_rate(raw: Any) -> None:
    with pytest.raises(ValueError, match=r"a sound is \(samples, rate in Hz\), got"):
        mono(raw, 8000)


@pytest.mark.parametrize("rate", [0, -8000, 8000.5, "8000", None, float("nan"), float("inf"), True, 10**9])
def test_a_rate_is_a_whole_number_of_hz(rate: Any) -> None:
    with pytest.raises(ValueError, match="a rate in whole Hz up to 768000, got rate="):
        mono((np.zeros(8), rate), 8000)


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, bool, np.complex64])
def test_samples_that_are_no_floats_are_refused(dtype: Any) -> None:
    with pytest.raises(ValueError, match=f"floats in -1..1, got {np.dtype(dtype)}"):
        mono((np.zeros(8, dtype=dtype), 8000), 8000)


@pytest.mark.parametrize("shape", [(), (8, 0), (2, 8000), (1, 8, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"samples are \[n\] or \[n, channels\], got shape"):
        mono((np.zeros(shape), 8000), 8000)


@pytest.mark.parametrize("shape", [(0,), (0, 2)])
def test_a_sound_without_samples_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a sound without samples; a missing sound is None"):
        mono((np.zeros(shape), 8000), 8000)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_refused_with_their_place(value: float) -> None:
    samples = np.zeros((4000, 2))
    samples[2000, 1] = value
    with pytest.raises(ValueError, match=rf"samples are finite, got .*{value}.* at sample 2000 \(0\.250 s\)"):
        mono((samples, 8000), 8000)


def test_samples_far_beyond_their_range_are_refused() -> None:
    assert mono((np.full(4, 2.0**31), 8000), 8000).max() == 2.0**31
    with pytest.raises(ValueError, match=r"samples are in -1\.\.1, got 1e\+30; divide them by their range"):
        mono((np.full(4, 1e30), 8000), 8000)


def test_a_sound_that_is_longer_than_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="100000 samples at 1 Hz last 100000 s; cut the sound first"):
        mono((np.zeros(100_000), 1), 8000)
