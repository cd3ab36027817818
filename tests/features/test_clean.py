"""Steps of cleaning; what holds for every step is asked in test_augment_samples.py."""

from typing import Any

import numpy as np
import pytest

from mmgraph.features import FitImage, LevelSound, TidyText, TrimSilence


def tone(level: float, seconds: float) -> np.ndarray:
    return level * np.sin(2 * np.pi * 500 * np.arange(round(seconds * 8000)) / 8000)


def test_a_text_is_composed_and_has_single_spaces() -> None:
    text = "\ufeff\tCafe\u0301\x00 \r\n au\u00a0lait  "
    assert TidyText("text")({"text": text})["text"] == "\ufeff Caf\u00e9 au lait"


def test_silence_at_the_ends_goes_and_in_between_stays() -> None:
    parts = [tone(1e-4, 0.5), tone(0.5, 0.2), tone(0, 0.3), tone(0.1, 0.2), tone(0, 0.4)]
    sound = (np.concatenate(parts), 8000)
    assert len(TrimSilence("audio", margin=0)({"audio": sound})["audio"][0]) == 5600
    assert len(TrimSilence("audio", margin=0.05)({"audio": sound})["audio"][0]) == 6400
    assert len(TrimSilence("audio", margin=9)({"audio": sound})["audio"][0]) == len(sound[0])
    stereo = (np.stack([sound[0], sound[0]], 1), 8000)
    assert TrimSilence("audio", margin=0)({"audio": stereo})["audio"][0].shape == (5600, 2)


def test_a_silent_sound_stays_as_it_is() -> None:
    sound = (np.zeros(100, dtype=np.float32), 8000)
    assert TrimSilence("audio")({"audio": sound})["audio"] is sound
    assert not LevelSound("audio")({"audio": sound})["audio"][0].any()


def test_loudness_is_one_for_all_unless_it_would_be_cut_off() -> None:
    for level in (0.001, 0.3):
        found = LevelSound("audio", -20)({"audio": (tone(level, 0.5) + 0.1, 8000)})["audio"][0]
        assert 10 * np.log10(2 * np.square(found).mean()) == pytest.approx(-20, abs=0.01)
        assert abs(found.mean()) < 1e-6
    click = np.zeros(8000)
    click[100] = 0.5
    assert np.abs(LevelSound("audio", 0)({"audio": (click, 8000)})["audio"][0]).max() == pytest.approx(1)


def test_a_large_image_is_scaled_down_by_area_and_a_small_one_stays() -> None:
    image = np.kron(np.array([[0.0, 1.0], [0.5, 0.25]]), np.ones((4, 4)))
    assert FitImage("image", 2)({"image": image})["image"].tolist() == [[0, 1], [0.5, 0.25]]
    assert FitImage("image", 8)({"image": image})["image"] is image
    assert FitImage("image", 4)({"image": np.zeros((8, 2, 3))})["image"].shape == (4, 1, 3)


@pytest.mark.parametrize(
    ("make", "wrong", "message"),
    [
        (TrimSilence, {"depth": -1.0}, r"depth=-1\.0 is not in 0"),
        (TrimSilence, {"margin": -1.0}, r"margin=-1\.0 is not in 0"),
        (LevelSound, {"decibels": 3.0}, r"decibels=3\.0 is not in -120\.\.0"),
        (FitImage, {"longest": 0}, "longest=0: give at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: Any, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make("key", **wrong)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="TidyText takes str, got bytes"):
        TidyText("text")({"text": b"a"})
