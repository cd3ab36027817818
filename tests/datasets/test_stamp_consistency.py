"""Swapped pictures, texts and sounds."""

import numpy as np
import pytest

from mmgraph.datasets import StampConsistency, Stamps
from mmgraph.datasets.stamp_consistency import SWAPPED, spoken_seconds, text_lengths


@pytest.fixture(scope="module")
def stamps(small_stamps):
    return Stamps("train", task="all", text="es", root=small_stamps)


def test_each_stamp_comes_as_it_is_and_with_each_modality_of_another_one(stamps):
    data = StampConsistency(stamps)
    assert len(data) == 4 * len(stamps)
    plain = stamps[2]
    for kind, sample in enumerate(data[8:12]):
        other = int(data.others[8 + kind])
        assert sample["id"] == f"{plain['id']}#{SWAPPED[kind]}" and sample["label"] == kind
        assert sample["truth"] == {"swapped": SWAPPED[kind], "other": stamps.stamps[other].name}
        same = {
            "image": np.array_equal(sample["image"], plain["image"]),
            "text": sample["text"] == plain["text"],
            "speech": np.array_equal(sample["audio"][0], plain["audio"][0]),
        }
        assert same == {name: name != SWAPPED[kind] for name in same}
    assert data[-1]["label"] == 3


def test_other_stamps_are_of_another_group_and_texts_and_sounds_of_about_the_same_length(stamps):
    data = StampConsistency(stamps)
    others = data.others.reshape(-1, 4)
    np.testing.assert_array_equal(others[:, 0], np.arange(len(stamps)))
    texts, seconds = text_lengths(stamps), spoken_seconds(stamps)
    for i, (_, image, text, speech) in enumerate(others.tolist()):
        assert len({int(stamps.groups[j]) for j in (i, image)}) == 2
        for other, values in [(text, texts), (speech, seconds)]:
            assert stamps.groups[other] != stamps.groups[i]
            allowed = np.sort(np.abs(values - values[i])[stamps.groups != stamps.groups[i]])
            assert abs(values[other] - values[i]) <= allowed[4]


def test_the_seed_draws_the_others(stamps):
    one, same, different = (StampConsistency(stamps, seed=seed).others for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != different).any()


def test_text_and_speech_have_to_be_of_one_language(small_stamps):
    with pytest.raises(ValueError, match="text='en', speech='es', seed=0: one language"):
        StampConsistency(Stamps("train", root=small_stamps))


def test_one_group_cannot_be_swapped(stamps):
    class OneGroup(Stamps):
        def __post_init__(self) -> None:
            super().__post_init__()
            object.__setattr__(self, "groups", np.zeros_like(self.groups))

    with pytest.raises(ValueError, match="split='train' has one group only"):
        StampConsistency(OneGroup("train", task="all", text="es", root=stamps.root))
