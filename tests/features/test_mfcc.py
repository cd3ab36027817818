"""`MFCC`; what every front end promises is asked in test_front_ends.py."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.fft import dct

from mmgraph.features import MFCC, LogMel

Raw = tuple[Any, int]


def noise(seconds: float, seed: int = 0) -> Raw:
    return np.random.default_rng(seed).standard_normal(round(seconds * 8000)).astype(np.float32) / 10, 8000


def test_coefficients_are_the_cosine_transform_of_log_mel_energies() -> None:
    sounds = [noise(0.2), noise(0.13, 1)]
    found = MFCC(coefficients=7, deltas=False, stack=1, mels=20)(sounds).x
    energies = LogMel(mels=20, stack=1)(sounds).x
    assert torch.allclose(found, torch.from_numpy(dct(energies.numpy(), norm="ortho")[:, :7]), atol=1e-4)


def test_slopes_are_fitted_through_five_hops_and_end_with_the_sound() -> None:
    nodes = MFCC(coefficients=3, stack=2)([noise(0.1), noise(0.05, 1)])
    hops = nodes.x.view(-1, 6)
    for start, stop in (nodes.ptr * 2).unfold(0, 2, 1).tolist():
        values = hops[start:stop, :3]
        for hop in range(stop - start):
            around = torch.stack([values[min(max(hop + d, 0), stop - start - 1)] for d in range(-2, 3)]).numpy()
            slope = np.polyfit(np.arange(-2, 3), around, 1)[0]
            assert np.allclose(hops[start + hop, 3:], slope, atol=1e-4)


def test_after_fit_every_column_has_mean_0_and_deviation_1() -> None:
    sounds = [noise(0.1 + seed / 50, seed) for seed in range(8)]
    fitted = MFCC(stack=3, coefficients=5).fit(iter(sounds))
    values = fitted(sounds).x.view(-1, 10)
    assert torch.allclose(values.mean(0), torch.zeros(10), atol=1e-4)
    assert torch.allclose(values.std(0, correction=0), torch.ones(10), atol=1e-4)
    assert fitted.fit(sounds) == fitted


def test_frames_are_those_of_log_mel() -> None:
    sounds = [noise(0.11), None, noise(0.001)]
    mine, theirs = MFCC()(sounds), LogMel()(sounds)
    assert torch.equal(mine.ptr, theirs.ptr)
    assert torch.equal(mine.attribute("span"), theirs.attribute("span"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"coefficients": 0}, "coefficients=0: give 1 to mels=40"),
        ({"coefficients": 41}, "coefficients=41: give 1 to mels=40"),
        ({"mels": 120}, "mels=120 are too many"),
        ({"mean": (0.0,), "std": (1.0,)}, "mean has 1 values: give 26"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MFCC(**wrong)


def test_no_sound_teaches_nothing() -> None:
    with pytest.raises(ValueError, match="MFCC found nothing to learn from"):
        MFCC().fit([])
