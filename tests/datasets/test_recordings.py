"""Folders of recordings, what happens to broken files, and the recordings of people where they are at hand."""

import os
import re
import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mmgraph.datasets import SpokenGrid, find_recordings, recorded_digits


def write_speakers(folder: Path, takes: dict[str, int], digits: range = range(10)) -> Path:
    """A folder of recordings whose every clip is a constant that tells digit, speaker and take apart."""
    for number, (speaker, count) in enumerate(takes.items()):
        for digit in digits:
            for take in range(count):
                level = (1 + digit + 10 * take + 100 * number) / 1024
                soundfile.write(folder / f"{digit}_{speaker}_{take}.wav", np.full(40 + digit, level), 8000)
    return folder


def test_the_last_speaker_is_the_test_and_takes_of_the_others_are_divided(tmp_path):
    speech = recorded_digits(write_speakers(tmp_path, {"cy": 2, "ada": 20, "bob": 3}))
    found = defaultdict(set)
    for number, (voice, split) in enumerate(zip(speech.voices, speech.splits, strict=True)):
        level = round(float(speech.clip(number)[0]) * 1024) - 1  # digit + 10 take + 100 place of the speaker
        assert level % 10 == speech.digits[number]
        found[voice, split].add(level // 10 % 10 + 10 * (level // 100) - 10 * ["cy", "ada", "bob"].index(voice))
    assert found["cy", "test"] == {0, 1}
    assert found["ada", "val"] == {0, 1} and found["ada", "train"] == set(range(2, 20))
    assert found["bob", "val"] == {0} and found["bob", "train"] == {1, 2}
    assert len(found) == 5


def test_any_speaker_can_be_left_out(tmp_path):
    speech = recorded_digits(write_speakers(tmp_path, {"ada": 2, "bob": 2, "cy_smith": 2}), test_speaker="ada")
    assert {voice for voice, split in zip(speech.voices, speech.splits, strict=True) if split == "test"} == {"ada"}
    assert set(speech.voices) == {"ada", "bob", "cy_smith"}


def test_channels_are_averaged_and_16_bit_recordings_are_kept_exactly(tmp_path):
    write_speakers(tmp_path, {"ada": 2, "bob": 2})
    mono = np.random.default_rng(0).integers(-(2**15), 2**15, 500).astype(np.int16)
    soundfile.write(tmp_path / "0_ada_0.wav", mono, 8000)
    soundfile.write(tmp_path / "1_ada_0.wav", np.stack([mono, mono // 2 * 2 - mono], axis=1), 8000)
    speech = recorded_digits(tmp_path)
    np.testing.assert_array_equal(speech.clip(0), mono / np.float32(2**15))
    first = int(np.flatnonzero(speech.digits == 1)[0])
    np.testing.assert_allclose(speech.clip(first), mono // 2 / 2**15, atol=1 / 2**15)


@pytest.mark.parametrize("rate", [4000, 16000, 22050, 44100, 48000])
def test_another_rate_is_resampled_without_aliases(tmp_path, rate):
    write_speakers(tmp_path, {"ada": 2, "bob": 2})
    time = np.arange(rate) / rate
    soundfile.write(tmp_path / "0_ada_0.wav", 0.5 * np.sin(2 * np.pi * 440 * time), rate)
    if rate > 10_000:
        soundfile.write(tmp_path / "1_ada_0.wav", 0.5 * np.sin(2 * np.pi * 4500 * time), rate)
    speech = recorded_digits(tmp_path)
    clip = speech.clip(0)
    assert len(clip) == 8000
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    np.testing.assert_allclose(clip[200:-200], expected[200:-200], atol=2e-3)
    if rate > 10_000:
        too_high = speech.clip(int(np.flatnonzero(speech.digits == 1)[0]))
        assert np.abs(too_high[200:-200]).max() < 1e-3


def test_other_files_are_left_alone_and_a_changed_file_is_read_again(tmp_path):
    write_speakers(tmp_path, {"ada": 2, "bob": 2})
    (tmp_path / "README.md").write_text("who spoke")
    (tmp_path / "old.wav").mkdir()
    before = recorded_digits(tmp_path)
    assert recorded_digits(tmp_path).samples is before.samples
    soundfile.write(tmp_path / "0_ada_0.wav", np.full(77, 0.5), 8000)
    assert len(recorded_digits(tmp_path).clip(0)) == 77


def test_a_wav_of_unknown_length_as_a_stream_writes_it_is_read(tmp_path):
    path = write_speakers(tmp_path, {"ada": 2, "bob": 2}) / "0_ada_0.wav"
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff\xff\xff\xff" + content[8:])
    assert len(recorded_digits(tmp_path).clip(0)) == 40


def test_a_folder_that_does_not_exist_or_holds_nothing_is_named(tmp_path):
    with pytest.raises(ValueError, match="nowhere' is not a folder"):
        recorded_digits(tmp_path / "nowhere")
    (tmp_path / "README.md").write_text("no sound")
    with pytest.raises(ValueError, match=f"{re.escape(str(tmp_path))}' holds no .wav file"):
        recorded_digits(tmp_path)


@pytest.mark.parametrize("name", ["seven_ada_0.wav", "7_ada.wav", "77_ada_0.wav", "7__0.wav", "7_ada_x.wav"])
def test_a_file_with_another_kind_of_name_is_named(tmp_path, name):
    write_speakers(tmp_path, {"ada": 2, "bob": 2})
    soundfile.write(tmp_path / name, np.zeros(10), 8000)
    with pytest.raises(ValueError, match=f"{name}' is not named"):
        recorded_digits(tmp_path)


def test_a_truncated_recording_is_named(tmp_path):
    path = write_speakers(tmp_path, {"ada": 2, "bob": 2}) / "3_ada_1.wav"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"3_ada_1\.wav' is truncated: 110 of 130 bytes"):
        recorded_digits(tmp_path)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all, but long enough to look at"])
def test_an_unreadable_recording_is_named(tmp_path, content):
    (write_speakers(tmp_path, {"ada": 2, "bob": 2}) / "3_ada_1.wav").write_bytes(content)
    with pytest.raises(ValueError, match=r"3_ada_1\.wav' is not readable"):
        recorded_digits(tmp_path)


@pytest.mark.parametrize("samples", [[], [0.5, float("nan")], [float("inf")]])
def test_an_empty_or_infinite_recording_is_named(tmp_path, samples):
    write_speakers(tmp_path, {"ada": 2, "bob": 2})
    soundfile.write(tmp_path / "3_ada_1.wav", np.array(samples, dtype=np.float32), 8000, subtype="FLOAT")
    with pytest.raises(ValueError, match=rf"3_ada_1\.wav' has {len(samples)} samples, finite numbers needed"):
        recorded_digits(tmp_path)


def test_leaving_one_out_needs_two_speakers_two_takes_and_a_known_name(tmp_path):
    write_speakers(tmp_path, {"ada": 2})
    with pytest.raises(ValueError, match="the speaker 'ada' only"):
        recorded_digits(tmp_path)
    write_speakers(tmp_path, {"bob": 1})
    with pytest.raises(ValueError, match=r"test_speaker='eve' is not in .*: choose one of \['ada', 'bob'\]"):
        recorded_digits(tmp_path, test_speaker="eve")
    with pytest.raises(ValueError, match=r"speaker 'bob' in .* has one take"):
        recorded_digits(tmp_path, test_speaker="ada")


def test_a_split_without_a_digit_is_an_error(tmp_path):
    speech = recorded_digits(write_speakers(tmp_path, {"ada": 2, "bob": 2}, range(1, 9)))
    with pytest.raises(ValueError, match=r"no recording of the digits \[0, 9\] in split='val'"):
        speech.in_split("val")


# --- where recordings are found ---


@pytest.mark.parametrize("below", ["", "recordings", "fsdd/recordings"])
def test_recordings_are_found_through_the_environment(tmp_path, monkeypatch, below):
    folder = tmp_path / below
    folder.mkdir(parents=True, exist_ok=True)
    write_speakers(folder, {"ada": 1}, range(1))
    monkeypatch.setenv("MMGRAPH_DATA", str(tmp_path))
    assert find_recordings() == folder


def test_a_relative_folder_counts_from_the_working_directory(tmp_path, monkeypatch):
    write_speakers(tmp_path, {"ada": 1}, range(1))
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setenv("MMGRAPH_DATA", tmp_path.name)
    found = find_recordings()
    assert found is not None and os.path.samefile(found, tmp_path)


def test_nothing_is_found_where_nothing_is(tmp_path, monkeypatch):
    monkeypatch.setenv("MMGRAPH_DATA", str(tmp_path))
    assert find_recordings() is None
    monkeypatch.delenv("MMGRAPH_DATA")
    assert find_recordings() is None


# --- people ---


@pytest.mark.parametrize("speaker", ["jackson", "nicolas", "theo", "yweweler"])
def test_a_person_who_is_left_out_is_never_heard_before_the_test(recordings, speaker):
    speech = recorded_digits(recordings, test_speaker=speaker)
    voices = defaultdict(set)
    for voice, split in zip(speech.voices, speech.splits, strict=True):
        voices[split].add(voice)
    assert voices["test"] == {speaker}
    assert voices["train"] == voices["val"] == {"jackson", "nicolas", "theo", "yweweler"} - {speaker}
    assert [len(speech.in_split(split)) for split in ("train", "val", "test")] == [1350, 150, 500]


def test_recordings_of_people_are_used_as_they_are(recordings):
    speech = recorded_digits(recordings)
    paths = sorted(recordings.glob("*.wav"))
    for number in range(0, len(speech), 97):
        samples, rate = soundfile.read(paths[number], dtype="float32")
        assert rate == 8000
        np.testing.assert_array_equal(speech.clip(number), samples)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_samples_with_real_speech_say_the_digit_of_their_file(recordings, split):
    grid = SpokenGrid(split, 300, speech=recordings, test_speaker="theo")
    assert (grid.recordings.digits[grid.clips] == grid.spoken).all()
    assert {sample["truth"].voice for sample in grid} <= ({"theo"} if split == "test" else set(grid.recordings.voices))
    assert ("theo" in {sample["truth"].voice for sample in grid}) == (split == "test")


def test_a_recording_of_a_person_that_was_cut_short_is_named(recordings, tmp_path):
    for name in ("7_theo_0.wav", "7_theo_1.wav", "7_jackson_0.wav", "7_jackson_1.wav"):
        shutil.copyfile(recordings / name, tmp_path / name)
    whole = (tmp_path / "7_theo_1.wav").read_bytes()
    (tmp_path / "7_theo_1.wav").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"7_theo_1\.wav' is truncated"):
        recorded_digits(tmp_path)
