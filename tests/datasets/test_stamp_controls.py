"""What can be told without understanding: room tone and lengths."""

import numpy as np
import pytest

from mmgraph.datasets import StampConsistency, Stamps, length_control, length_retrieval, room_tone_control
from mmgraph.datasets.stamp_controls import BANDS, Control, LengthRetrieval, room_tone


def test_room_tone_is_the_noise_between_words_whatever_is_said():
    draw = np.random.default_rng(0)
    quiet, loud = draw.normal(0, 0.001, 40_000), draw.normal(0, 0.01, 40_000)
    speech = np.zeros(40_000)
    speech[8000:30_000] = 0.5 * np.sin(np.arange(22_000) * 0.3)
    other = np.zeros(40_000)
    other[10_000:20_000] = draw.normal(0, 0.3, 10_000)
    tones = [room_tone(noise + said, 16_000) for noise in (quiet, loud) for said in (speech, other)]
    assert tones[0].shape == (BANDS,) and tones[0].dtype == np.float32
    np.testing.assert_allclose(tones[0][3:], tones[1][3:], atol=5)
    assert (tones[2] - tones[0])[3:].mean() == pytest.approx(20, abs=3)  # ten times as loud: 20 dB


def test_a_recording_shorter_than_a_window_is_refused():
    with pytest.raises(ValueError, match=r"100 samples at 8000 Hz are shorter than 0\.032 s"):
        room_tone(np.zeros(100), 8000)


def test_controls_are_about_all_samples_and_say_what_guessing_gives(small_stamps):
    control = room_tone_control("folder", "es", small_stamps)
    assert control.samples == 32 and control.majority == 0.5 and 0 <= control.accuracy <= 1
    assert str(Control(0.5, 0.25, 8)) == "accuracy 0.500, majority 0.250, 8 samples"


def test_length_finds_the_sound_where_lengths_are_all_there_is(small_stamps):
    train, test = (Stamps(split, task="all", text="es", root=small_stamps) for split in ("train", "test"))
    found = length_retrieval(train, test)
    assert found.candidates == len(test) and found.auc > 0.7 and found.recall_at_10 == 1
    assert str(LengthRetrieval(0.1, 0.5, 0.8, 9)) == "R@1 0.100, R@10 0.500, pair AUC 0.800, 9 candidates"
    with pytest.raises(ValueError, match="text='en', speech='es': retrieval is within one language"):
        length_retrieval(train, Stamps("test", root=small_stamps))


def test_length_of_matched_swaps_says_little(small_stamps):
    control = length_control(StampConsistency(Stamps("train", task="all", text="es", root=small_stamps)))
    assert control.majority == 0.25 and control.accuracy < 0.5
