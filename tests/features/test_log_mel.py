"""`LogMel`; what every front end promises is asked in test_front_ends.py."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from mmgraph.features import LogMel
from mmgraph.features import log_mel as log_mel_module
from mmgraph.features.mel import mel_bands

Raw = tuple[Any, int]


def noise(seconds: float, seed: int = 0, rate: int = 8000) -> Raw:
    samples = np.random.default_rng(seed).standard_normal(round(seconds * rate)) / 10
    return samples.astype(np.float32), rate


def slow_log_mel(front_end: LogMel, samples: Any) -> torch.Tensor:
    """Hop by hop, with a plain Fourier transform: log energies [hops, mels] of whole frames."""
    hop, length, size = 80, 200, 256
    hops = -(-len(samples) // (hop * front_end.stack)) * front_end.stack
    bands = mel_bands(8000, size, front_end.mels, 20.0, 4000.0).numpy()
    hann = np.pad(np.sin(np.pi * np.arange(length) / length) ** 2, (28, 28))
    padded = np.pad(samples.astype(np.float64), (88, size + hop * front_end.stack))
    rows = []
    for index in range(hops):
        spectrum = np.abs(np.fft.rfft(padded[index * hop : index * hop + size] * hann)) ** 2 / (hann**2).sum()
        rows.append(np.log(spectrum @ bands * 2 / size + front_end.floor))
    return torch.tensor(np.array(rows)).float()


@pytest.mark.parametrize("samples", [1, 79, 320, 321, 4000])
def test_features_equal_a_fourier_transform_hop_by_hop(samples: int) -> None:
    front_end, sound = LogMel(mels=30), noise(samples / 8000)
    nodes = front_end([noise(0.1, 1), sound, noise(0.1, 2)]).select(torch.tensor([1]))[0]
    assert torch.allclose(nodes.x, slow_log_mel(front_end, sound[0]).view(-1, 120), atol=2e-3)


def test_a_tone_is_loudest_in_its_band() -> None:
    front_end = LogMel(mels=20, stack=1)
    for band, frequency in enumerate((700 * (10 ** (np.linspace(31.75, 2146.06, 22) / 2595) - 1))[1:-1]):
        tone = np.sin(2 * np.pi * frequency * np.arange(1600) / 8000).astype(np.float32)
        assert front_end([(tone, 8000)]).x[5:15].argmax(1).unique().tolist() == [band]


@pytest.mark.parametrize("window", [0.025, 0.064])
def test_energies_add_up_to_the_mean_square_whatever_the_window(window: float) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(4000) / 8000).astype(np.float32)
    total = LogMel(mels=20, stack=1, window=window)([(tone, 8000)]).x[10:40].exp().sum(1)
    assert torch.allclose(total, torch.full((30,), 0.5), rtol=0.02)


def test_spans_lie_side_by_side_and_end_with_the_sound() -> None:
    nodes = LogMel(stack=5)([noise(0.12), None, noise(0.05), noise(0.001)])
    span = nodes.attribute("span")
    assert nodes.counts.tolist() == [3, 0, 1, 1]
    assert torch.allclose(span, torch.tensor([[0, 0.05], [0.05, 0.1], [0.1, 0.12], [0, 0.05], [0, 0.001]]))
    assert torch.equal(span[1:3, 0], span[0:2, 1])
    assert nodes.attribute("position").tolist() == [0, 1, 2, 0, 0]


def test_a_spoken_digit_has_about_a_dozen_frames() -> None:
    assert LogMel()([noise(0.45)]).counts.tolist() == [12]
    assert LogMel().channels == 160


def test_a_sound_at_another_rate_gives_nearly_the_same_frames() -> None:
    def sweep(rate: int) -> Raw:
        t = np.arange(rate // 2) / rate
        return np.sin(2 * np.pi * (200 + 1200 * t) * t).astype(np.float32), rate

    front_end = LogMel(mels=20, floor=1e-3)
    nodes = front_end([sweep(8000), sweep(16000), sweep(44100)])
    frames = nodes.x.view(3, -1, 80)
    assert (frames[1:] - frames[0]).abs().max() < 0.2
    assert torch.equal(nodes.attribute("span").view(3, -1, 2)[1], nodes.attribute("span").view(3, -1, 2)[0])


def test_after_fit_each_band_has_mean_0_and_deviation_1_over_the_training_sounds() -> None:
    sounds = [noise(0.1 + seed / 50, seed) for seed in range(10)]
    fitted = LogMel(stack=3).fit(iter(sounds))
    values = fitted(sounds).x.view(-1, 40)
    assert torch.allclose(values.mean(0), torch.zeros(40), atol=1e-4)
    assert torch.allclose(values.std(0, correction=0), torch.ones(40), atol=1e-4)
    assert fitted.fit(sounds) == fitted


def test_silence_teaches_no_deviation_and_stays_finite() -> None:
    silence = (np.zeros(800, dtype=np.float32), 8000)
    nodes = LogMel().fit([silence])([silence])
    assert nodes.x.abs().max() < 1e-3


def test_a_long_sound_is_transformed_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    front_end, sounds = LogMel(), [noise(1.0), noise(0.5, 1)]
    whole = front_end(sounds)
    monkeypatch.setattr(log_mel_module, "MAX_HOPS", 7)
    assert torch.allclose(front_end(sounds).x, whole.x, atol=1e-4)


def test_no_sound_teaches_nothing() -> None:
    with pytest.raises(ValueError, match="no sound to learn from"):
        LogMel().fit([])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rate": 0}, "rate=0: give at least 1"),
        ({"mels": 0}, "mels=0: give at least 1"),
        ({"stack": 0}, "stack=0: give at least 1"),
        ({"hop": 0.03}, r"hop=0\.03, window=0\.025 s: take one sample <= hop <= window"),
        ({"hop": 0.0}, r"hop=0\.0"),
        ({"hop": 1e-5}, r"hop=1e-05"),
        ({"window": float("inf")}, "window=inf"),
        ({"low": 500.0, "high": 400.0}, r"low=500\.0, high=400\.0 Hz: take 0 <= low < high <= rate / 2 = 4000"),
        ({"high": 4001.0}, r"high=4001\.0"),
        ({"low": -1.0}, r"low=-1\.0"),
        ({"floor": 0.0}, r"floor=0\.0: give a small positive number"),
        ({"mels": 120}, "mels=120 are too many"),
        ({"mean": (0.0,)}, "mean has 1 values: give 40 finite ones"),
        ({"mean": (0.0,) * 40, "std": (0.0,) * 40}, "std has 40 values: give 40 finite ones, std above 0"),
        ({"mean": (float("nan"),) * 40, "std": (1.0,) * 40}, "mean has 40 values: give 40 finite ones"),
        ({"mean": (0.0,) * 40}, "40 values of mean and 0 of std"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(LogMel(), **wrong)
