"""Computational sequences: small HDF5 files of the same layout, and files that are not."""

import builtins

import h5py
import numpy as np
import pytest

from mmgraph.datasets import CSD, csd
from mmgraph.datasets.csd import read_csd


def write(path, videos, root="COVAREP"):
    """`videos`: features and intervals of each."""
    with h5py.File(path, "w") as file:
        file.create_group(f"{root}/data")
        file[f"{root}/metadata/md5"] = '["x"]'
        for video, (features, intervals) in videos.items():
            file[f"{root}/data/{video}/features"] = features
            file[f"{root}/data/{video}/intervals"] = np.asarray(intervals, dtype=np.float64)
    return path


STEPS = [[0, 1], [1, 2], [2, 3], [3, 4]]


@pytest.fixture
def files(tmp_path):
    audio = {v: (np.arange(8.0).reshape(4, 2), STEPS) for v in ("v2", "v1", "v3")}
    words = {v: (np.array([[b"good"], [b"day"]]), [[0.0, 1.5], [1.5, 4.0]]) for v in ("v1", "v2")}
    labels = {"v1": (np.array([[0.5], [-1.0]]), [[0, 2], [2, 4]]), "v2": (np.array([[3.0]]), [[1, 4]])}
    return {
        "audio": write(tmp_path / "covarep.csd", audio),
        "words": write(tmp_path / "words.csd", words, "words"),
        "labels": write(tmp_path / "labels.csd", labels, "All Labels"),
    }


def test_videos_that_are_in_every_file_become_samples(files):
    data = CSD({"audio": files["audio"], "text": files["words"]})
    assert data.ids == ("v1", "v2") and data.left_out == ("v3",) and len(data) == 2
    sample = data[0]
    assert sample["audio"]["features"].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert sample["audio"]["span"].dtype == np.float32 and sample["audio"]["span"][3].tolist() == [3, 4]
    assert sample["text"][1] == {"text": "day", "start": 1.5, "end": 4.0}
    assert [one["id"] for one in data[::-1]] == ["v2", "v1"]


def test_labelled_segments_become_samples_with_times_of_their_own(files):
    data = CSD({"audio": files["audio"], "text": files["words"]}, labels=files["labels"])
    assert data.ids == ("v1[0]", "v1[1]", "v2[0]")
    sample = data[1]
    assert sample["label"] == -1.0 and sample["truth"] == {"video": "v1", "start": 2.0, "end": 4.0}
    assert sample["audio"]["features"].tolist() == [[4, 5], [6, 7]]
    assert sample["audio"]["span"].tolist() == [[0, 1], [1, 2]]
    assert [word["text"] for word in sample["text"]] == ["day"] and sample["text"][0]["start"] == 0.0


def test_a_split_is_a_list_of_videos(files):
    assert CSD({"audio": files["audio"]}, videos=["v3", "v1"]).ids == ("v3", "v1")
    with pytest.raises(ValueError, match=r"video 'v3' is not in .*words\.csd"):
        CSD({"audio": files["audio"], "text": files["words"]}, videos=["v3"])
    with pytest.raises(ValueError, match="twice"):
        CSD({"audio": files["audio"]}, videos=["v1", "v1"])


def test_values_that_are_not_finite_are_kept_and_a_video_without_rows_is_missing(tmp_path):
    path = write(tmp_path / "a.csd", {"v": ([[-np.inf]], [[0, 1]]), "w": (np.zeros((0, 1)), np.zeros((0, 2)))})
    assert CSD({"audio": path})[0]["audio"]["features"][0, 0] == -np.inf
    assert CSD({"audio": path})[1]["audio"] is None


@pytest.mark.parametrize(
    ("features", "intervals", "message"),
    [
        ([[1.0]], [[0, 1], [1, 2]], r"features \[rows, channels\] and intervals \[rows, 2\] are wanted"),
        ([[[1.0]]], [[0, 1]], "are wanted"),
        ([[1.0], [1.0]], [[0, 1], [2, 1]], r"interval 1 is \[2\.0, 1\.0\]"),
        ([[1.0]], [[0, np.nan]], r"interval 0 is \[0\.0, nan\]"),
        ([[1 + 2j]], [[0, 1]], "features has complex128 values"),
    ],
)
def test_a_video_that_cannot_be_used_is_named(tmp_path, features, intervals, message):
    path = write(tmp_path / "a.csd", {"v": (features, intervals)})
    with pytest.raises(ValueError, match=rf"a\.csd: video 'v': .*{message}"):
        CSD({"audio": path})[0]


def test_labels_have_to_be_there_and_finite(tmp_path, files):
    odd = write(tmp_path / "odd.csd", {"v1": ([[np.nan]], [[0, 1]])})
    with pytest.raises(ValueError, match=r"odd\.csd: label 0 of video 'v1' is \[nan\]"):
        CSD({"audio": files["audio"]}, labels=odd)[0]
    none = write(tmp_path / "none.csd", {"v1": (np.zeros((0, 1)), np.zeros((0, 2)))})
    with pytest.raises(ValueError, match="has no label for these videos"):
        CSD({"audio": files["audio"]}, labels=none)


def test_files_of_other_layouts_are_named(tmp_path, files):
    with h5py.File(tmp_path / "two.csd", "w") as file:
        file.create_group("a/data"), file.create_group("b/data")
    with h5py.File(tmp_path / "flat.csd", "w") as file:
        file["a"] = [1.0]
    for name, message in [("two.csd", "one group is at the top"), ("flat.csd", "there is no 'data'")]:
        with pytest.raises(ValueError, match=rf"{name}: {message}"):
            CSD({"audio": tmp_path / name})
    with pytest.raises(ValueError, match="no video is in every one"):
        CSD({"audio": write(tmp_path / "empty.csd", {})})
    with pytest.raises(ValueError, match="files is empty"):
        CSD({})
    with pytest.raises(ValueError, match=r"covarep\.csd: video 'v9': there is no 'v9'"):
        read_csd(files["audio"], "v9")


def test_a_name_that_is_no_text_is_refused(tmp_path):
    path = write(tmp_path / "a.csd", {"vvvv": ([[1.0]], [[0, 1]])})
    path.write_bytes(path.read_bytes().replace(b"vvvv", b"v\xffvv"))
    with pytest.raises(ValueError, match=r"a\.csd: the video b?'v.*' has a name that is no UTF-8"):
        CSD({"audio": path})


def test_links_to_elsewhere_are_not_followed(tmp_path, files):
    path = tmp_path / "links.csd"
    with h5py.File(path, "w") as file:
        file["a/data/v/intervals"] = [[0.0, 1.0]]
        file["a/data/v/features"] = h5py.ExternalLink(files["audio"].name, "COVAREP/data/v1/features")
    with pytest.raises(ValueError, match="'features' is a link to somewhere else, which is not followed"):
        CSD({"audio": path})[0]
    layout = h5py.VirtualLayout(shape=(1, 1), dtype="f8")
    layout[:] = h5py.VirtualSource(str(files["audio"]), "COVAREP/data/v1/features", shape=(4, 2))[:1, :1]
    with h5py.File(path, "w") as file:
        file["a/data/v/intervals"] = [[0.0, 1.0]]
        file["a/data/v"].create_virtual_dataset("features", layout)
    with pytest.raises(ValueError, match="features is no array of this file"):
        CSD({"audio": path})[0]


def test_a_video_with_too_many_values_is_refused_before_it_is_read(files, monkeypatch):
    monkeypatch.setattr(csd, "MAX_VALUES", 7)
    with pytest.raises(ValueError, match="features has 8 values: up to 7 are read"):
        CSD({"audio": files["audio"]})[0]


def test_without_h5py_it_says_how_to_get_it(files, monkeypatch):
    real = builtins.__import__
    monkeypatch.setattr(
        builtins, "__import__", lambda name, *rest: real("not there" if name == "h5py" else name, *rest)
    )
    with pytest.raises(ValueError, match=r'needs h5py: pip install "mmgraph\[csd\]"'):
        CSD({"audio": files["audio"]})
