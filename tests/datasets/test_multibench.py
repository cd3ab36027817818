"""MultiBench's pickles: a small file of the same layout, and files that are not."""

import pickle

import numpy as np
import pytest

from mmgraph.datasets import MultiBench


def write(folder, **changes):
    words = np.ones((3, 5, 4), dtype=np.float32)
    words[0, :2] = words[0, 4:] = words[2] = 0  # padding before and after; no word at all
    part = {
        "text": words,
        "audio": np.arange(3 * 5 * 2, dtype=np.float64).reshape(3, 5, 2),
        "vision": np.ones((3, 5, 6)),
        "labels": np.array([[[1.5]], [[-3.0]], [[0.0]]]),
        "id": np.array([["v", "0.0", "1.5"], ["v", "1.5", "2.0"], ["w", "0", "1"]], dtype=object),
    } | changes
    content = {"train": {key: value for key, value in part.items() if value is not None}}
    (folder / "mosi_raw.pkl").write_bytes(pickle.dumps(content))
    return folder / "mosi_raw.pkl"


def test_segments_become_samples_without_padding(tmp_path):
    data = MultiBench(write(tmp_path), "train")
    assert data.ids == ("v/0.0/1.5", "v/1.5/2.0", "w/0/1") and len(data) == 3
    assert data[0]["audio"].tolist() == [[4, 5], [6, 7]] and data[0]["text"].shape == (2, 4)
    assert [one["label"] for one in data[:]] == [1.5, -3.0, 0.0]
    assert data[2]["text"] is None and data[2]["audio"] is None and data[-2]["vision"].shape == (5, 6)


def test_several_labels_are_an_array_and_minus_infinity_is_zero(tmp_path):
    audio = np.full((3, 5, 2), -np.inf)
    data = MultiBench(write(tmp_path, labels=np.arange(6).reshape(3, 2), audio=audio, vision=None), "train")
    assert data[1]["label"].tolist() == [2.0, 3.0] and not data[1]["audio"].any() and "vision" not in data[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": None}, "a split has 'id', 'labels' and some of"),
        ({"vision": np.ones((3, 4, 6))}, r"modalities are aligned, step by step, got .*'vision': 4"),
        ({"vision": np.ones((2, 5, 6))}, "every column has an entry per sample"),
        ({"labels": np.array([1, np.inf, 0])}, "labels are finite numbers"),
        ({"labels": ["a", "b", "c"]}, "labels are finite numbers"),
        ({"id": ["a", "b", "a"]}, "id 'a' of sample 2 is that of sample 0 too"),
        ({"text": [["a"]]}, "text is an array of numbers with 3 axes"),
    ],
)
def test_a_file_of_another_layout_is_named(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message) as caught:
        MultiBench(write(tmp_path, **changes), "train")
    assert caught.value.__notes__ == [f"in {tmp_path / 'mosi_raw.pkl'}"]


def test_a_value_that_is_not_finite_is_named_with_its_sample(tmp_path):
    vision = np.ones((3, 5, 6))
    vision[1, 3, 2] = np.nan
    with pytest.raises(ValueError, match="vision has nan in row 3, column 2") as caught:
        MultiBench(write(tmp_path, vision=vision), "train")[1]
    assert "in sample 'v/1.5/2.0'" in caught.value.__notes__[0]
