"""`Cached`; what every front end promises is asked in test_front_ends.py."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import torch
from PIL import Image

from mmgraph.features import Boxes, Cached, Patches, Video, Words
from mmgraph.graph import Field, NodeSet

CALLS: list[int] = []


@dataclass(frozen=True)
class Counting:
    """Nodes with one number each; notes how many inputs it was asked to work on."""

    factor: float = 1.0

    channels = 1

    @property
    def attributes(self) -> Mapping[str, Field]:
        return {"text": Field("text"), "seen": Field("bool")}

    def fit(self, raws: Iterable[Any]) -> Self:
        return replace(self, factor=float(sum(map(len, raws))))

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        CALLS.append(sum(raw is not None for raw in raws))
        parts = [torch.tensor(raw or [], dtype=torch.float32)[:, None] * self.factor for raw in raws]
        return NodeSet.of(
            parts,
            text=[[f"{value:g}" for value in part.flatten().tolist()] for part in parts],
            seen=[part.flatten() > 0 for part in parts],
        )


@pytest.fixture(autouse=True)
def _forget() -> None:
    CALLS.clear()


def test_only_what_is_new_is_computed_and_the_nodes_are_the_same(tmp_path: Path) -> None:
    front_end = Cached(Counting(), tmp_path)
    raws = [[1.0, 2.0], None, [3.0], []]
    first = front_end(raws)
    second = front_end([[4.0], *raws])
    assert CALLS == [3, 1]
    assert second.x.flatten().tolist() == [4, 1, 2, 3]
    assert second.counts.tolist() == [1, 2, 0, 1, 0]
    assert second.attributes["text"].tolist() == ["4", "1", "2", "3"]
    assert second.attribute("seen").tolist() == [True] * 4
    assert first.attributes["text"].tolist() == ["1", "2", "3"]


def test_another_setting_or_statistic_reads_nothing_stale(tmp_path: Path) -> None:
    Cached(Counting(1.0), tmp_path)([[1.0]])
    assert Cached(Counting(2.0), tmp_path)([[1.0]]).x.tolist() == [[2]]
    fitted = Cached(Counting(), tmp_path).fit([[1.0, 1.0, 1.0]])
    assert fitted([[1.0]]).x.tolist() == [[3]]
    assert CALLS == [1, 1, 1]


def test_a_changed_input_reads_nothing_stale(tmp_path: Path) -> None:
    front_end = Cached(Patches(1), tmp_path)
    image = np.zeros((1, 2), dtype=np.float32)
    assert front_end([image]).x.flatten().tolist() == [0, 0]
    image[0, 1] = 1
    assert front_end([image]).x.flatten().tolist() == [0, 1]
    assert front_end([image.T.copy()]).attribute("box")[1].tolist() == [0, 0.5, 1, 1]


def test_fit_passes_through_a_front_end_with_categories(tmp_path: Path) -> None:
    fitted = Cached(Words(), tmp_path).fit(["left right"])
    assert fitted.attributes["token"].num_classes == 3
    assert fitted(["right ?"]).attribute("token").tolist() == [2, 0]
    assert fitted(["right ?"]).attribute("token").tolist() == [2, 0]


def test_the_wrong_input_keeps_its_position_in_the_message(tmp_path: Path) -> None:
    front_end = Cached(Patches(1), tmp_path)
    good = np.zeros((2, 2))
    front_end([good])
    with pytest.raises(ValueError, match=r"(?s)takes floats in 0..1.*in input 2 of 3"):
        front_end([good, None, good + 7])
    with pytest.raises(ValueError, match=r"(?s)the content of a object is not known.*in input 1 of 2"):
        front_end([good, object()])


@pytest.mark.parametrize("colours", [1, 3])
def test_frames_of_a_video_are_read_with_the_colours_of_what_is_cached(tmp_path: Path, colours: Any) -> None:
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save(tmp_path / "0.png")
    video, plain = [([tmp_path / "0.png"], 1.0)], Patches(2, colours=colours)
    assert torch.equal(Video(Cached(plain, tmp_path / "kept"))(video).x, Video(plain)(video).x)
    assert Cached(Counting(), tmp_path).colours == 3


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    front_end = Cached(Counting(), tmp_path)
    front_end([[1.0]])
    (file,) = tmp_path.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(ValueError, match=rf"{file.name} is damaged .*; delete it"):
        front_end([[1.0]])


def test_a_file_may_be_read_by_whom_other_files_may_be_read(tmp_path: Path) -> None:
    Cached(Patches(1), tmp_path)([np.zeros((2, 2))])
    (file,) = tmp_path.rglob("*.safetensors")
    (tmp_path / "plain").touch()
    assert file.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    front_end = Cached(Boxes(1, colours=1), tmp_path)
    raw = {"image": np.zeros((2, 2)), "box": [[0, 0, 1, 1]]}
    monkeypatch.setattr("mmgraph.features.cached.os.replace", fail)
    with pytest.raises(KeyboardInterrupt):
        front_end([raw])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    monkeypatch.undo()
    assert front_end([raw]).num_nodes == front_end([raw]).num_nodes == 1
