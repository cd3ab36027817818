"""The speech that the package ships."""

import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mmgraph.datasets import shipped_digits
from mmgraph.datasets import speech as speech_module

SHIPPED = Path(speech_module.__file__).with_name("spoken_digits.flac")


def test_the_shipped_speech_is_one_file_of_at_most_4_megabytes():
    assert SHIPPED.stat().st_size <= 4e6


def test_every_voice_says_ten_digits_and_is_in_one_split():
    speech = shipped_digits()
    digits, splits = defaultdict(list), defaultdict(set)
    for digit, voice, split in zip(speech.digits.tolist(), speech.voices, speech.splits, strict=True):
        digits[voice].append(digit)
        splits[voice].add(split)
    assert all(said == list(range(10)) for said in digits.values())
    assert all(len(found) == 1 for found in splits.values())
    number = {split: sum(found == {split} for found in splits.values()) for split in ("train", "val", "test")}
    assert number["train"] >= 65 and number["val"] >= 10 and number["test"] >= 15


def test_no_variant_of_a_voice_is_in_two_splits():
    speech = shipped_digits()
    splits = defaultdict(set)
    for voice, split in zip(speech.voices, speech.splits, strict=True):
        variant = voice.partition("/")[0].lower()
        splits[re.sub(r"(robot)?\d*$", "", variant)].add(split)
    assert all(len(found) == 1 for found in splits.values())


def test_clips_are_short_loud_and_within_range():
    speech = shipped_digits()
    for number in range(len(speech)):
        clip = speech.clip(number)
        assert clip.dtype == np.float32 and 0.1 <= len(clip) / 8000 <= 1
        assert 0.85 <= np.abs(clip).max() <= 1


def test_a_simple_listener_trained_on_training_voices_understands_unseen_ones():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    speech = shipped_digits()
    features = np.stack([cepstra(speech.clip(number)) for number in range(len(speech))])
    train, held_out = speech.in_split("train"), np.concatenate([speech.in_split("val"), speech.in_split("test")])
    listener = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    listener.fit(features[train], speech.digits[train])
    assert listener.score(features[held_out], speech.digits[held_out]) > 0.9


def cepstra(clip: np.ndarray) -> np.ndarray:
    """Smoothed log spectra of 12 equal parts of a clip, as 12 cosine coefficients each."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(clip, 128), 256)[::80] * np.hanning(256)
    power = np.log(np.abs(np.fft.rfft(frames)) ** 2 + 1e-6)
    cosines = np.cos(np.pi * np.outer(np.arange(power.shape[1]) + 0.5, np.arange(12)) / power.shape[1])
    return np.stack([part.mean(axis=0) for part in np.array_split(power @ cosines, 12)]).ravel()


def test_a_clip_is_a_fresh_array_and_the_shared_samples_cannot_be_changed():
    speech = shipped_digits()
    speech.clip(0)[:] = 0
    assert np.abs(speech.clip(0)).max() > 0
    assert speech is shipped_digits()
    with pytest.raises(ValueError, match="read-only"):
        speech.samples[0] = 1


def test_a_file_cut_short_is_named(tmp_path):
    cut = tmp_path / "cut.flac"
    cut.write_bytes(SHIPPED.read_bytes()[:1_000_000])
    with pytest.raises(ValueError, match=r"cut\.flac"):
        speech_module._read_with_index(cut)


def test_a_file_without_sound_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.flac is not readable as FLAC"):
        speech_module._read_with_index(tmp_path / "none.flac")
    (tmp_path / "text.flac").write_text("no sound")
    with pytest.raises(ValueError, match=r"text\.flac is not readable as FLAC"):
        speech_module._read_with_index(tmp_path / "text.flac")


@pytest.mark.parametrize("comment", ["", "[]", "{}", '{"voices": [{"voice": "ada"}]}', '{"voices": 3}'])
def test_a_file_without_an_index_is_named(tmp_path, comment):
    path = tmp_path / "plain.flac"
    write_indexed(path, comment, 100)
    with pytest.raises(ValueError, match=r"plain\.flac has no index of voices"):
        speech_module._read_with_index(path)


def test_an_index_of_another_length_is_an_error(tmp_path):
    path = tmp_path / "short.flac"
    index = {"voices": [{"voice": "ada", "split": "train", "lengths": [10] * 10}]}
    write_indexed(path, json.dumps(index), 99)
    with pytest.raises(ValueError, match=r"short\.flac holds 99 of 100 samples"):
        speech_module._read_with_index(path)


def write_indexed(path: Path, comment: str, length: int) -> None:
    with soundfile.SoundFile(path, "w", 8000, 1, subtype="PCM_16", format="FLAC") as file:
        if comment:
            file.comment = comment
        file.write(np.zeros(length, dtype=np.int16))


# --- as a data set ---


def test_clips_are_samples():
    speech = shipped_digits()
    sample = speech[13]
    assert sample["digit"] == speech.digits[13] and sample["audio"][1] == 8000
    assert sample["truth"] == {"voice": speech.voices[13], "split": speech.splits[13]}
    np.testing.assert_array_equal(sample["audio"][0], speech.clip(13))
    assert [one["id"] for one in speech[-2:]] == list(speech.ids[-2:])
    with pytest.raises(IndexError):
        speech[920]


def test_a_split_has_its_clips_with_the_same_ids():
    speech = shipped_digits()
    assert len(set(speech.ids)) == 920
    parts = [speech.of_split(split) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [670, 100, 150]
    assert sorted(name for part in parts for name in part.ids) == sorted(speech.ids)
    whole = dict(zip(speech.ids, range(920), strict=True))
    for part in parts:
        for sample in part[::37]:
            np.testing.assert_array_equal(sample["audio"][0], speech.clip(whole[sample["id"]]))
            assert sample["truth"] == speech[whole[sample["id"]]]["truth"]
