"""`VoiceSegments`; what every front end promises is asked in test_front_ends.py."""

from typing import Any

import numpy as np
import pytest
import torch

from mmgraph.features import VoiceSegments


def beeps(*parts: tuple[float, float]) -> tuple[Any, int]:
    """Parts of a sound one after the other: (seconds, loudness of a tone)."""
    tone = [level * np.sin(2 * np.pi * 500 * np.arange(round(s * 8000)) / 8000) for s, level in parts]
    return np.concatenate(tone).astype(np.float32), 8000


def spans(front_end: VoiceSegments, sound: Any) -> list[list[float]]:
    return [[round(end, 2) for end in span] for span in front_end([sound]).attribute("span").tolist()]


def test_loud_parts_are_segments_and_short_pauses_are_not() -> None:
    sound = beeps((0.2, 0), (0.3, 0.5), (0.05, 0), (0.2, 0.5), (0.3, 0), (0.2, 0.1))
    assert spans(VoiceSegments(), sound) == [[0.2, 0.75], [1.05, 1.25]]
    assert spans(VoiceSegments(pause=0.03), sound) == [[0.2, 0.5], [0.55, 0.75], [1.05, 1.25]]
    assert spans(VoiceSegments(least=0.3), sound) == [[0.2, 0.75]]


def test_what_is_fainter_than_depth_is_a_pause() -> None:
    sound = beeps((0.3, 0.5), (0.3, 0.005), (0.3, 0.5))  # 40 dB below
    assert len(spans(VoiceSegments(depth=35), sound)) == 2
    assert len(spans(VoiceSegments(depth=50), sound)) == 1


@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_silence_has_no_segment(level: float) -> None:
    assert VoiceSegments()([beeps((0.5, level))]).num_nodes == 0


def test_loudness_does_not_move_the_segments() -> None:
    sound = beeps((0.2, 0), (0.3, 0.5), (0.2, 0))
    assert spans(VoiceSegments(), sound) == spans(VoiceSegments(), (sound[0] * 0.05, 8000))


def test_a_sound_that_is_loud_throughout_is_one_segment_to_its_end() -> None:
    assert spans(VoiceSegments(), beeps((0.333, 0.5))) == [[0, 0.33]]


def test_the_spectrum_of_a_segment_is_that_of_its_tone() -> None:
    x = VoiceSegments(mels=20)([beeps((0.3, 0.5))]).x[0]
    centres = 700 * (10 ** (np.linspace(31.75, 2146.06, 22) / 2595) - 1)[1:-1]
    assert abs(centres[int(x[:20].argmax())] - 500) < 100
    assert (x[20:] >= 0).all()


def test_after_fit_columns_have_mean_0_over_the_segments() -> None:
    sounds = [beeps((0.2, 0.5), (0.2, 0), (0.1 + k / 20, 0.3)) for k in range(4)]
    x = VoiceSegments(mels=20).fit(sounds)(sounds).x
    assert torch.allclose(x.mean(0), torch.zeros(40), atol=1e-4)


def test_silence_teaches_nothing() -> None:
    with pytest.raises(ValueError, match="VoiceSegments found nothing to learn from"):
        VoiceSegments().fit([beeps((0.1, 0))])


@pytest.mark.parametrize("name", ["depth", "floor", "pause", "least"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_settings_that_make_no_sense_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}={value}: give a finite number from 0"):
        VoiceSegments(**{name: value})  # type: ignore[arg-type]
