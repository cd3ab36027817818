"""`Augmented` and `Cleaned`, and what holds for every change and step."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mmgraph.features import (
    Augmented,
    Cleaned,
    Colour,
    Crop,
    DropWords,
    FitImage,
    Flip,
    LevelSound,
    Loudness,
    MaskSpectrum,
    Noise,
    Rotate,
    Scale,
    Shift,
    TidyText,
    TrimSilence,
)
from mmgraph.features.augment import check_range, generator

CHANGES: list[Any] = [
    *(Flip("image"), Crop("image"), Rotate("image"), Scale("image"), Colour("image")),
    *(Noise("audio"), Shift("audio"), Loudness("audio"), MaskSpectrum("audio"), DropWords("text", 0.3)),
]
STEPS: list[Any] = [TidyText("text"), TrimSilence("audio"), LevelSound("audio"), FitImage("image", 5)]
each = pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)


def samples(number: int = 3) -> list[dict[str, Any]]:
    random = np.random.default_rng(0)
    return [
        {
            "id": f"s{index}",
            "image": random.random((6, 8, 3)).astype(np.float32),
            "text": "one two three four five",
            "audio": (random.standard_normal(900).astype(np.float32) / 9, 8000),
            "answer": index,
        }
        for index in range(number)
    ]


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return all(map(equal, one, other))
    return bool(np.array_equal(one, other))


def test_originals_come_first_and_then_copies_with_names_of_their_own() -> None:
    data = samples()
    train = Augmented(data, CHANGES, copies=2, seed=1)
    assert [sample["id"] for sample in train] == ["s0", "s1", "s2", "s0~1", "s1~1", "s2~1", "s0~2", "s1~2", "s2~2"]
    assert [sample["answer"] for sample in train] == [0, 1, 2] * 3
    assert all(equal(train[index], data[index]) for index in range(3))
    assert [sample["id"] for sample in train[-2:]] == ["s1~2", "s2~2"]
    assert len(train) == 9


@each
def test_a_copy_depends_on_seed_and_id_and_not_on_the_order_or_the_others(change: Any) -> None:
    data = samples()
    train = Augmented(data, [change], copies=2, seed=1)
    backwards = [train[index] for index in reversed(range(9))][::-1]
    assert all(equal(one, other) for one, other in zip(train, backwards, strict=True))
    alone = Augmented(data[1:2], [change], copies=2, seed=1)
    assert equal(alone[1], train[4]) and equal(alone[2], train[7])


@each
def test_a_missing_input_changes_nothing_about_what_other_changes_draw(change: Any) -> None:
    whole, rest = samples(1), [{name: value for name, value in samples(1)[0].items() if name != change.key}]
    others = [other for other in CHANGES if other.key != change.key]
    for changes in ([change, *others], [*others, change]):
        one, other = (Augmented(data, changes, seed=3)[1] for data in (whole, rest))
        assert all(equal(one[key], other[key]) for key in other)


@each
def test_another_seed_changes_something_and_the_data_stay_as_they_are(change: Any) -> None:
    data = samples(8)
    one, other = (Augmented(data, [change], seed=seed) for seed in (1, 2))
    assert not all(equal(one[index], other[index]) for index in range(8, 16))
    assert all(equal(*pair) for pair in zip(data, samples(8), strict=True))


@each
def test_a_missing_input_stays_missing(change: Any) -> None:
    for sample in ({"id": "a"}, {"id": "a", "image": None, "audio": None, "text": None}):
        assert {**change(dict(sample), np.random.default_rng(0))} == sample


@each
def test_inputs_of_one_pixel_one_sample_and_no_word_stay_valid(change: Any) -> None:
    sample = {"id": "a", "image": np.ones((1, 1)), "text": "", "audio": (np.ones((1, 2), dtype=np.float32), 8000)}
    for seed in range(20):
        changed = change(dict(sample), np.random.default_rng(seed))
        assert np.isfinite(changed["image"]).all() and changed["image"].size
        assert np.isfinite(changed["audio"][0]).all() and len(changed["audio"][0]) == 1
        assert changed["text"] == ""


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_a_cleaned_sample_stays_as_it_is_when_it_is_cleaned_again(step: Any) -> None:
    once = Cleaned(samples(), [step])
    twice = Cleaned(once, [step])
    for one, other in zip(once, twice, strict=True):
        assert one["text"] == other["text"]
        assert np.allclose(one["audio"][0], other["audio"][0], atol=1e-6)
        assert np.allclose(one["image"], other["image"])
    for sample in ({"id": "a"}, {"id": "a", "image": None, "audio": None, "text": None}):
        assert step(dict(sample)) == sample


def test_cleaned_samples_are_as_many_and_in_order() -> None:
    cleaned = Cleaned(samples(), STEPS)
    assert (len(cleaned), [sample["id"] for sample in cleaned[1:]]) == (3, ["s1", "s2"])
    assert max(cleaned[-1]["image"].shape) == 5


@pytest.mark.parametrize("wrap", [lambda data: Augmented(data, []), lambda data: Cleaned(data, [])])
def test_beyond_the_end_there_is_nothing(wrap: Callable[[Any], Any]) -> None:
    data = wrap(samples())
    assert data[-1]["id"].startswith("s2")
    with pytest.raises(IndexError, match=r"sample \d of \d"):
        data[len(data)]


def test_chance_is_drawn_from_all_of_seed_name_and_copy() -> None:
    draws = {float(generator(*parts).random()) for parts in ((0, "a", 1), (0, "a", 2), (0, "b", 1), (1, "a", 1))}
    assert len(draws) == 4
    assert generator(0, "\ud800", 1).random() < 1


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="copies=0: give at least 1"):
        Augmented(samples(), [], copies=0)
    with pytest.raises(ValueError, match="sample 0 has no string under 'id'"):
        Augmented([{"text": "a"}], [])[1]
    with pytest.raises(ValueError, match=r"rate=2 is not in 0\.\.1"):
        check_range("rate", 2, 0, 1)
