"""MMSA's pickles: a small file of the same layout, and files that are not."""

import pickle

import numpy as np
import pytest

from mmgraph.datasets import MMSA


def part(videos, count=2, steps=4):
    """Two utterances of each video; sound counts up, so that what is cut can be told."""
    ids = [f"{video}$_${clip}" for video in videos for clip in range(count)]
    size = len(ids)
    mask = np.array([[1] * 3 + [0] * (steps - 3)] * size)
    return {
        "id": ids,
        "raw_text": [f"text of {name}" for name in ids],
        "text": np.ones((size, steps, 5), dtype=np.float32),
        "text_bert": np.stack([mask * 100, mask, mask * 0], axis=1).astype(np.float32),
        "audio": np.arange(size * 6 * 2, dtype=np.float64).reshape(size, 6, 2),
        "audio_lengths": [i % 6 for i in range(size)],
        "vision": np.ones((size, 5, 3)),
        "vision_lengths": np.full(size, 5),
        "regression_labels": np.linspace(-3, 3, size),
        "regression_labels_T": np.zeros(size),
        "classification_labels": np.arange(size) % 3.0,
        "annotations": ["Neutral"] * size,
    }


def write(folder, **changes):
    """A file with train and test; `changes` are of columns of train."""
    train = part(["v1", "v2"]) | changes
    content = {"train": {k: v for k, v in train.items() if v is not None}, "valid": part(["v3"]), "test": part(["v2"])}
    (folder / "unaligned.pkl").write_bytes(pickle.dumps(content, protocol=4))
    return folder / "unaligned.pkl"


def test_utterances_become_samples_without_padding(tmp_path):
    data = MMSA(write(tmp_path), "train")
    assert len(data) == 4 and data.ids == ("v1$_$0", "v1$_$1", "v2$_$0", "v2$_$1")
    sample = data[3]
    assert sample["text"] == "text of v2$_$1" and sample["label"] == 3.0 and sample["class"] == 0
    assert sample["truth"] == {"video": "v2", "clip": "1"}
    assert sample["audio"].tolist() == [[36, 37], [38, 39], [40, 41]] and sample["audio"].dtype == np.float32
    assert sample["vision"].shape == (5, 3) and sample["text_features"].shape == (3, 5)
    assert data[0]["audio"] is None
    assert [one["id"] for one in data[-2:]] == ["v2$_$0", "v2$_$1"]
    assert "label_text" in sample and "label_audio" not in sample


def test_validation_is_called_valid_and_shared_videos_are_listed(tmp_path):
    path = write(tmp_path)
    assert MMSA(path, "val").ids == ("v3$_$0", "v3$_$1")
    assert MMSA(path, "train").shared_videos == MMSA(path, "test").shared_videos == ("v2",)
    assert MMSA(path, "val").shared_videos == ()


def test_a_split_that_is_a_copy_of_another_one_shares_all_its_videos(tmp_path):
    path = write(tmp_path)
    content = pickle.loads(path.read_bytes())
    content["valid"] = content["test"]
    path.write_bytes(pickle.dumps(content))
    assert set(MMSA(path, "val").shared_videos) == {name.partition("$_$")[0] for name in MMSA(path, "test").ids}
    assert set(MMSA(path, "test").shared_videos) >= set(MMSA(path, "val").shared_videos)


def test_aligned_modalities_are_cut_to_the_tokens(tmp_path):
    aligned = {"audio": np.ones((4, 4, 2)), "vision": np.ones((4, 4, 3)), "audio_lengths": None, "vision_lengths": None}
    sample = MMSA(write(tmp_path, **aligned), "train")[0]
    assert [len(sample[key]) for key in ("audio", "vision", "text_features")] == [3, 3, 3]


def test_without_lengths_nothing_is_cut(tmp_path):
    path = write(tmp_path, text_bert=None, audio_lengths=None, vision_lengths=None)
    assert MMSA(path, "train")[0]["audio"].shape == (6, 2)


def test_minus_infinity_in_sound_is_zero_and_elsewhere_an_error(tmp_path):
    sound = np.full((4, 6, 2), -np.inf)
    assert (MMSA(write(tmp_path, audio=sound), "train")[3]["audio"] == 0).all()
    with pytest.raises(ValueError, match=r"vision has -inf in row 0, column 0") as caught:
        MMSA(write(tmp_path, vision=np.full((4, 5, 3), -np.inf)), "train")[2]
    assert "in sample 'v2$_$0' of" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": None}, "a split has 'id' and some of"),
        ({"audio": None, "vision": None, "text": None}, "a split has 'id' and some of"),
        ({"id": ["a", "b", "c", "a"]}, "train: id 'a' of sample 3 is that of sample 0 too"),
        ({"id": ["a", "b"]}, "every column has an entry per sample"),
        ({"audio": np.ones((3, 6, 2))}, "every column has an entry per sample"),
        ({"audio": np.ones((4, 6))}, "audio is an array of numbers with 3 axes"),
        ({"raw_text": [1, None, "a", "b"]}, "raw_text has a NoneType"),
        ({"audio_lengths": [1, 2, 3, 7]}, r"sample 'v2\$_\$1' has 7 steps of audio: 6 are there"),
        ({"vision_lengths": [1, -2, 3, 3]}, r"sample 'v1\$_\$1' has -2 steps of vision"),
        ({"regression_labels": [0, np.nan, 0, 0]}, "regression_labels of sample 1 is not finite"),
        ({"classification_labels": [0, 0.5, 0, 0]}, "classification_labels are whole numbers, got 0.5"),
        ({"regression_labels": ["a", "b", "c", "d"]}, "regression_labels is an array of numbers"),
    ],
)
def test_a_file_of_another_layout_is_named(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message) as caught:
        MMSA(write(tmp_path, **changes), "train")
    assert caught.value.__notes__ == [f"in {tmp_path / 'unaligned.pkl'}"]


def test_a_malicious_file_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"unaligned\.pkl: the pickle names 'builtins\.exec'"):
        MMSA(write(tmp_path, annotations=exec), "train")
