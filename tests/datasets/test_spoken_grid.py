"""SpokenGrid: its samples agree with their ground truth, do not depend on order or size, and share no source."""

import pickle
import time
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.datasets import SpokenGrid
from mmgraph.datasets.handwriting import handwritten_digits, split_pictures
from mmgraph.datasets.instructions import OPERATIONS, PLACES, QUESTIONS

STEPS = {"left": (0, -1), "right": (0, 1), "above": (-1, 0), "below": (1, 0), "same": (0, 0)}

splits = st.sampled_from(["train", "val", "test"])
questions = st.sampled_from(QUESTIONS)
seeds = st.integers(0, 2**40)
indices = st.integers(0, 59)


def assert_same_sample(one: dict, other: dict) -> None:
    assert one.keys() == other.keys()
    for key in ("id", "text", "answer", "truth"):
        assert one[key] == other[key]
    np.testing.assert_array_equal(one["image"], other["image"])
    np.testing.assert_array_equal(one["audio"][0], other["audio"][0])


def crop(image: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    left, upper, right, lower = (round(edge * len(image)) for edge in box)
    return image[upper:lower, left:right]


@given(splits, questions, seeds, indices)
def test_a_sample_has_the_form_that_builders_take(split, question, seed, i):
    sample = SpokenGrid(split, 60, seed=seed, question=question)[i]
    samples, rate = sample["audio"]
    side = 16 if question == "place" else 24
    assert sample["image"].shape == (side, side) and sample["image"].dtype == np.float32
    assert sample["image"].min() >= 0 and sample["image"].max() <= 1
    assert samples.ndim == 1 and samples.dtype == np.float32 and np.abs(samples).max() <= 1 and rate == 8000
    assert type(sample["answer"]) is int and 0 <= sample["answer"] <= 9
    assert isinstance(sample["text"], str) and isinstance(sample["id"], str)


@given(splits, questions, seeds, indices)
def test_the_cell_that_counts_shows_the_digit_that_was_seen(split, question, seed, i):
    grid = SpokenGrid(split, 60, seed=seed, question=question)
    sample, (pictures, labels) = grid[i], handwritten_digits()
    truth, cell = sample["truth"], int(grid.cells[i])
    np.testing.assert_array_equal(crop(sample["image"], truth.box), pictures[grid.pictures[i, cell]])
    assert truth.place == PLACES[question][cell]
    assert truth.seen == truth.digits[cell] == labels[grid.pictures[i, cell]]
    assert truth.digits == tuple(labels[grid.pictures[i]])


@given(splits, questions, seeds, indices)
def test_the_voice_says_the_digit_that_was_heard(split, question, seed, i):
    grid = SpokenGrid(split, 60, seed=seed, question=question)
    truth, clip = grid[i]["truth"], grid.clips[i]
    assert truth.spoken == grid.spoken[i] == grid.recordings.digits[clip]
    assert truth.voice == grid.recordings.voices[clip]
    assert grid.recordings.splits[clip] == split


@given(splits, seeds, indices)
def test_the_answer_follows_from_the_truth(split, seed, i):
    sample = SpokenGrid(split, 60, seed=seed)[i]
    truth = sample["truth"]
    rules = {"picture": truth.seen, "sound": truth.spoken}
    rules |= {"larger": max(truth.seen, truth.spoken), "smaller": min(truth.seen, truth.spoken)}
    assert sample["answer"] == rules[truth.operation]
    assert truth.anchor is None


@given(splits, seeds, indices)
def test_the_neighbour_answers_from_its_cell(split, seed, i):
    sample = SpokenGrid(split, 60, seed=seed, question="neighbour")[i]
    truth = sample["truth"]
    assert len(set(truth.digits)) == 9
    row, column = divmod(truth.digits.index(truth.spoken), 3)
    down, right = STEPS[truth.operation]
    assert truth.anchor == pytest.approx((column / 3, row / 3, (column + 1) / 3, (row + 1) / 3))
    row, column = row + down, column + right
    assert 0 <= row < 3 and 0 <= column < 3
    assert truth.box == pytest.approx((column / 3, row / 3, (column + 1) / 3, (row + 1) / 3))
    assert sample["answer"] == truth.seen == truth.digits[3 * row + column]


@pytest.mark.parametrize("question", QUESTIONS)
def test_columns_equal_the_samples(question):
    grid = SpokenGrid("train", 200, question=question)
    samples = list(grid)
    assert grid.answers.tolist() == [sample["answer"] for sample in samples]
    assert grid.spoken.tolist() == [sample["truth"].spoken for sample in samples]
    operations = [OPERATIONS[question][number] for number in grid.operations]
    assert operations == [sample["truth"].operation for sample in samples]
    assert len({sample["id"] for sample in samples}) == 200


@given(seeds, indices)
def test_the_image_matters_exactly_where_another_digit_gives_another_answer(seed, i):
    truth = SpokenGrid("train", 60, seed=seed)[i]["truth"]

    def answer(seen: int) -> int:
        rules = {"picture": seen, "sound": truth.spoken}
        return (rules | {"larger": max(seen, truth.spoken), "smaller": min(seen, truth.spoken)})[truth.operation]

    assert truth.image_matters == (len({answer(seen) for seen in range(10)}) > 1)


def test_the_image_matters_for_every_neighbour_but_not_for_the_control_question():
    for sample in SpokenGrid("val", 200, question="neighbour"):
        assert sample["truth"].image_matters == (sample["truth"].operation != "same")


def test_nine_settles_larger_and_zero_settles_smaller():
    truth = SpokenGrid("train", 1)[0]["truth"]
    assert not replace(truth, operation="larger", spoken=9).image_matters
    assert not replace(truth, operation="smaller", spoken=0).image_matters
    assert replace(truth, operation="larger", spoken=0).image_matters
    assert replace(truth, operation="smaller", spoken=9).image_matters


@given(splits, questions, seeds, indices, st.integers(60, 400))
def test_a_sample_depends_neither_on_the_size_nor_on_what_was_read_before(split, question, seed, i, size):
    one = SpokenGrid(split, 60, seed=seed, question=question)
    other = SpokenGrid(split, size, seed=seed, question=question)
    list(other[i : i + 3])
    assert_same_sample(one[i], other[i])


@given(questions, seeds)
def test_other_seeds_and_splits_give_other_samples(question, seed):
    def columns(split: str, seed: int) -> np.ndarray:
        return SpokenGrid(split, 60, seed=seed, question=question).digits

    one = columns("train", seed)
    assert (columns("train", seed) == one).all()
    assert (columns("train", seed + 1) != one).any() and (columns("val", seed) != one).any()


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_picture_and_no_voice_is_in_two_splits(question):
    pictures, voices = [], []
    for split in ("train", "val", "test"):
        grid = SpokenGrid(split, 20_000, question=question)
        pictures.append(set(grid.pictures.ravel().tolist()))
        voices.append({grid.recordings.voices[clip] for clip in grid.clips})
        assert pictures[-1] == set(split_pictures()[split].tolist())  # all are used, too
        assert len(voices[-1]) == {"train": 67, "val": 10, "test": 15}[split]
    assert sum(map(len, pictures)) == len(set.union(*pictures)) == 1797
    assert sum(map(len, voices)) == len(set.union(*voices))


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_drawn_is_uniform(question):
    grid = SpokenGrid("train", 100_000, question=question)
    columns = [grid.spoken, grid.operations, *grid.digits.T]
    if question == "place":
        columns.append(grid.cells)
    for column in columns:
        share = np.bincount(column) / len(column)
        np.testing.assert_allclose(share, 1 / len(share), atol=0.006)


def test_speech_changes_nothing_but_sound_and_voice(tmp_path):
    for name in ("ada_0", "ada_1", "bob_0"):
        for digit in range(10):
            soundfile.write(tmp_path / f"{digit}_{name}.wav", np.full(20 + digit, 0.25), 8000)
    synthetic, recorded = SpokenGrid("train", 20, seed=4), SpokenGrid("train", 20, seed=4, speech=str(tmp_path))
    for one, other in zip(synthetic, recorded, strict=True):
        assert other["truth"] == replace(one["truth"], voice="ada")
        np.testing.assert_array_equal(other["image"], one["image"])
        assert (other["id"], other["text"], other["answer"]) == (one["id"], one["text"], one["answer"])
        assert len(other["audio"][0]) == 20 + one["truth"].spoken
    assert {s["truth"].voice for s in SpokenGrid("test", 5, speech=tmp_path)} == {"bob"}
    assert {s["truth"].voice for s in SpokenGrid("test", 5, speech=tmp_path, test_speaker="bob")} == {"bob"}


def test_indices_behave_as_those_of_a_list():
    grid = SpokenGrid("val", 7)
    assert len(grid) == 7 and len(list(grid)) == 7
    assert_same_sample(grid[-1], grid[6])
    assert_same_sample(grid[np.int64(2)], grid[2])
    assert [sample["id"] for sample in grid[1:6:2]] == [grid[i]["id"] for i in (1, 3, 5)]
    assert grid[7:] == []
    for i in (7, -8):
        with pytest.raises(IndexError, match=f"sample {i} of 7"):
            grid[i]


def test_a_data_set_is_frozen_compares_by_its_arguments_and_survives_another_process():
    grid = SpokenGrid("test", 5, seed=2, question="neighbour")
    assert grid == SpokenGrid("test", 5, seed=2, question="neighbour") != SpokenGrid("test", 5, seed=3)
    assert_same_sample(pickle.loads(pickle.dumps(grid))[3], grid[3])
    with pytest.raises(FrozenInstanceError, match="size"):
        grid.size = 6
    with pytest.raises(ValueError, match="read-only"):
        grid.answers[0] = 1


def test_changing_a_sample_does_not_change_the_data_set():
    grid = SpokenGrid("train", 1)
    before = grid[0]["image"].sum(), grid[0]["audio"][0].copy()
    sample = grid[0]
    sample["image"][:] = 0
    sample["audio"][0][:] = 0
    assert grid[0]["image"].sum() == before[0]
    np.testing.assert_array_equal(grid[0]["audio"][0], before[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "dev"}, r"split='dev' must be one of \('train', 'val', 'test'\)"),
        ({"size": 0}, "size=0 must be at least 1"),
        ({"size": -3}, "size=-3 must be at least 1"),
        ({"seed": -1}, "seed=-1 must not be negative"),
        ({"question": "colour"}, r"question='colour' must be one of \('place', 'neighbour'\)"),
        ({"test_speaker": "theo"}, "test_speaker='theo' needs speech=folder"),
        ({"speech": "nowhere"}, "'nowhere' is not a folder"),
    ],
)
def test_a_wrong_argument_is_an_error_with_its_value(arguments, message):
    with pytest.raises(ValueError, match=message):
        SpokenGrid(**({"split": "train", "size": 3} | arguments))


@pytest.mark.unchecked
def test_twenty_thousand_samples_are_composed_and_read_quickly():
    SpokenGrid("train", 1)  # reads the files
    start = time.process_time()
    grid = SpokenGrid("train", 20_000)
    composed = time.process_time()
    assert sum(1 for _ in grid) == 20_000
    assert composed - start < 1
    assert time.process_time() - composed < 10
