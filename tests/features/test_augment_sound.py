"""Changes of sounds; what holds for every change is asked in test_augment_samples.py."""

from typing import Any

import numpy as np
import pytest

from mmgraph.features import LogMel, Loudness, MaskSpectrum, Noise, Shift

RANDOM = np.random.default_rng


def white(seconds: float = 0.5, channels: int | None = None) -> tuple[Any, int]:
    shape = (round(seconds * 8000),) if channels is None else (round(seconds * 8000), channels)
    return RANDOM(9).standard_normal(shape).astype(np.float32) / 9, 8000


def changed(change: Any, sound: Any, seed: int = 0) -> Any:
    return change({"audio": sound}, RANDOM(seed))["audio"][0]


def test_noise_is_as_loud_as_asked_for_and_silence_stays_silent() -> None:
    sound = white()
    for decibels in (0.0, 20.0):
        noise = changed(Noise("audio", decibels, decibels), sound) - sound[0]
        ratio = 10 * np.log10(np.square(sound[0]).mean() / np.square(noise).mean())
        assert ratio == pytest.approx(decibels, abs=0.01)
    assert not changed(Noise("audio"), (np.zeros(100, dtype=np.float32), 8000)).any()


def test_a_shifted_sound_is_the_same_elsewhere() -> None:
    sound = white()
    moves = set()
    for seed in range(20):
        moved = changed(Shift("audio", 0.1), sound, seed)
        by = next(k for k in range(-800, 801) if np.array_equal(np.roll(sound[0], k)[1000:-1000], moved[1000:-1000]))
        assert not (moved[:by] if by > 0 else moved[len(moved) + by :]).any()
        moves.add(np.sign(by))
    assert moves == {-1, 1}


def test_a_short_sound_is_shifted_by_half_of_it_at_most() -> None:
    for seed in range(20):
        assert np.count_nonzero(changed(Shift("audio", 10), (np.ones(8, dtype=np.float32), 8000), seed)) >= 4


def test_loudness_is_one_factor() -> None:
    sound = white()
    factors = [changed(Loudness("audio", 6), sound, seed)[0] / sound[0][0] for seed in range(50)]
    assert 0.5 < min(factors) < 0.8
    assert 1.2 < max(factors) < 2


@pytest.mark.parametrize("channels", [None, 2])
def test_a_masked_band_is_gone_and_the_rest_stays(channels: int | None) -> None:
    sound = white(1.0, channels)
    plain = LogMel(mels=20, stack=1)([sound]).x[10:-10].mean(0)
    quieter = []
    for seed in range(8):
        masked = changed(MaskSpectrum("audio", hertz=1500, stretches=0), sound, seed)
        assert masked.shape == sound[0].shape
        change = LogMel(mels=20, stack=1)([(masked, 8000)]).x[10:-10].mean(0) - plain
        quieter.append(int((change < -2).sum()))
        assert int((change.abs() < 0.3).sum()) >= 8
    assert max(quieter) >= 3


def test_a_masked_stretch_is_silent_and_the_rest_stays() -> None:
    sound = white()
    for seed in range(10):
        masked = changed(MaskSpectrum("audio", bands=0, stretches=1, seconds=0.1), sound, seed)
        silent = np.flatnonzero(masked == 0)
        assert len(silent) <= 800
        assert (np.diff(silent) == 1).all()
        assert np.array_equal(np.delete(masked, silent), np.delete(sound[0], silent))


def test_a_spectrum_without_a_mask_is_the_same_sound() -> None:
    sound = white()
    assert np.allclose(changed(MaskSpectrum("audio", bands=1, hertz=0, stretches=0), sound), sound[0], atol=0.05)
    assert np.array_equal(changed(MaskSpectrum("audio", bands=0, stretches=0), sound), sound[0])


@pytest.mark.parametrize(
    ("make", "wrong", "message"),
    [
        (Noise, {"low": 50.0}, r"low=50\.0, high=40\.0: take -60 <= low <= high"),
        (Shift, {"seconds": -1.0}, r"seconds=-1\.0 is not in 0\.\."),
        (Loudness, {"decibels": 70.0}, r"decibels=70\.0 is not in 0\.\.60"),
        (MaskSpectrum, {"bands": -1}, "bands=-1 is not in 0"),
        (MaskSpectrum, {"seconds": float("nan")}, "seconds=nan is not in 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: Any, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make("audio", **wrong)


@pytest.mark.parametrize("change", [Noise("audio"), Shift("audio"), Loudness("audio"), MaskSpectrum("audio")])
def test_what_is_no_sound_is_refused(change: Any) -> None:
    with pytest.raises(ValueError, match=r"a sound is \(samples, rate in Hz\)"):
        change({"audio": np.zeros(3)}, RANDOM(0))
