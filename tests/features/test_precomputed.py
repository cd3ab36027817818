"""`Features`; what every front end promises is asked in test_front_ends.py."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmgraph.features import Features, read_features

NAN = float("nan")


def test_rows_come_with_what_was_asked_for() -> None:
    raw = {
        "features": torch.eye(2),
        "span": [[0, 1], [1, 3]],
        "box": [[0, 0, 1, 1], [0.5, 0, 1, 0.5]],
        "text": np.array(["one", "two"]),
        "note": "ignored",
    }
    nodes = Features(2, span=True, box=True, text=True)([raw])
    assert nodes.x.tolist() == [[1, 0], [0, 1]]
    assert nodes.attribute("span").tolist() == [[0, 1], [1, 3]]
    assert nodes.attribute("box")[1].tolist() == [0.5, 0, 1, 0.5]
    assert nodes.attributes["text"].tolist() == ["one", "two"]
    assert nodes.attribute("position").tolist() == [0, 1]


def test_a_bare_table_and_an_empty_one_will_do() -> None:
    assert Features(2)([[[1, 2]], [], {"features": np.zeros((0, 2))}]).counts.tolist() == [1, 0, 0]


def test_a_rate_gives_spans() -> None:
    assert Features(1, rate=4)([[[0], [0]]]).attribute("span").tolist() == [[0, 0.25], [0.25, 0.5]]


def test_what_is_unknown_is_refused_zero_or_left_out() -> None:
    raw = {"features": [[1, 2], [NAN, 4], [5, -np.inf]], "text": ["a", "b", "c"]}
    with pytest.raises(ValueError, match="features has nan in row 1, column 0"):
        Features(2, text=True)([raw])
    assert Features(2, text=True, unknown="zero")([raw]).x.tolist() == [[1, 2], [0, 4], [5, 0]]
    dropped = Features(2, text=True, unknown="drop")([raw])
    assert dropped.x.tolist() == [[1, 2]]
    assert dropped.attributes["text"].tolist() == ["a"]


def test_after_fit_unknown_values_are_the_mean() -> None:
    fitted = Features(1, standardise=True, unknown="zero").fit([[[1.0], [NAN]], [[3.0]]])
    assert (fitted.mean, fitted.std) == ((2,), (1,))
    assert fitted([[[5.0], [NAN]]]).x.tolist() == [[3], [0]]


def test_with_zero_every_known_value_counts_and_not_only_full_rows() -> None:
    tables = [[[1.0, NAN], [3.0, 10.0]], {"features": [[NAN, 20.0], [5.0, -np.inf]]}]
    fitted = Features(2, standardise=True, unknown="zero").fit(tables)
    assert (fitted.mean, fitted.std) == ((3, 15), ((8 / 3) ** 0.5, 5))
    assert fitted(tables).x[:, 1].tolist() == [0, -1, 1, 0]
    dropped = Features(2, standardise=True, unknown="drop").fit(tables)
    assert (dropped.mean, dropped.std) == ((3, 10), (1, 1))
    with pytest.raises(ValueError, match="Features found nothing to learn from in column 1"):
        Features(2, standardise=True, unknown="zero").fit([[[1.0, NAN]]])


def test_without_standardise_there_is_nothing_to_learn() -> None:
    assert Features(1).fit([[[7.0]]]) == Features(1)
    with pytest.raises(ValueError, match="Features found nothing to learn from"):
        Features(1, standardise=True).fit([])


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([[1, 2]], "takes a mapping with 'span', got list"),
        ({"features": [[1, 2]], "span": [[0, 1]]}, r"takes a mapping with 'box', got keys"),
        ({"features": [[1, 2]], "span": [[2, 1]], "box": [[0, 0, 1, 1]]}, r"span 0 is \[2.0, 1.0\]: it ends before"),
        ({"features": [[1, 2]], "span": [[0, 1]], "box": [[0, 0, 1, 2]]}, r"box 0 is .*: give x1 <= x2, y1 <= y2 in 0"),
        ({"features": [[1, 2]], "span": [[0, 1]] * 2, "box": [[0, 0, 1, 1]]}, "span has 2 rows, features has 1"),
    ],
)
def test_an_input_of_another_form_is_refused(raw: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Features(2, span=True, box=True)([raw])


@pytest.mark.parametrize("text", ["ab", [1, 2], 7])
def test_texts_are_a_list_of_strings(text: Any) -> None:
    with pytest.raises(ValueError, match="text is a list of strings, got"):
        Features(1, text=True)([{"features": [[1], [2]], "text": text}])


@pytest.mark.unchecked
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"channels": 0}, "channels=0: give at least 1"),
        ({"rate": 0.0}, r"rate=0\.0, span=False: give a positive rate"),
        ({"rate": 2.0, "span": True}, r"rate=2\.0, span=True: .* not both"),
        ({"unknown": "mean"}, "unknown='mean' is not 'error', 'zero' or 'drop'"),
        ({"mean": (1.0,), "std": (1.0,)}, "mean has 1 values: give 2"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Features(**{"channels": 2, **wrong})


def test_files_of_arrays_are_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((2, 3)))
    assert read_features(tmp_path / "a.npy")["features"].shape == (2, 3)
    np.savez_compressed(tmp_path / "a.npz", features=np.ones((2, 3)), span=np.zeros((2, 2)))
    assert Features(3, span=True)([read_features(tmp_path / "a.npz")]).num_nodes == 2


def test_a_file_that_is_damaged_or_holds_objects_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", features=np.ones((200, 3)))
    data = (tmp_path / "a.npz").read_bytes()
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    contents = {"empty.npz": b"", "cut.npz": data[:-30], "half.npz": data[: len(data) // 2], "text.npy": b"hello"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    for name in (*contents, "objects.npy"):
        with pytest.raises(ValueError, match=rf"{name}: not an \.npy or \.npz file that can be read"):
            read_features(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        read_features(tmp_path / "nothing.npz")
