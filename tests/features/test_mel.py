"""The mel scale."""

import pytest
import torch

from mmgraph.features.mel import mel_bands


def test_bands_are_triangles_that_meet_at_their_centres() -> None:
    bands = mel_bands(8000, 4096, 10, 0.0, 4000.0)
    peaks = bands.argmax(0)
    inside = bands[peaks[0] + 1 : peaks[-1]]
    assert torch.allclose(inside.sum(1), torch.ones(len(inside)), atol=1e-5)  # one falls as the next one rises
    assert bool((peaks.diff() > 0).all())
    assert bool((bands.amax(0) > 0.97).all())


def test_a_band_is_where_the_formula_puts_it() -> None:
    # 4000 Hz are 2146.06 mel, so of 3 bands over 0..4000 Hz the second has its centre at 1073.03 mel = 1113.9 Hz.
    bands = mel_bands(8000, 8000, 3, 0.0, 4000.0)  # a bin per Hz
    assert int(bands[:, 1].argmax()) == pytest.approx(1114, abs=1)


def test_too_many_bands_for_the_spectrum_are_refused() -> None:
    with pytest.raises(ValueError, match=r"mels=100 are too many: the band .* Hz lies between two bins"):
        mel_bands(8000, 256, 100, 20.0, 4000.0)
