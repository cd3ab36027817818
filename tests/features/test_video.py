"""`Video`; what every front end promises is asked in test_front_ends.py."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from mmgraph.features import LogMel, Patches, Superpixels, Video, read_video
from mmgraph.features import video as video_module
from mmgraph.graph import Field
from mmgraph.relations import GraphBuilder, TimeOverlap


def numbered(count: int) -> np.ndarray:
    """Frames of one grey that tells their number."""
    return np.broadcast_to((np.arange(count) / 16).astype(np.float32)[:, None, None], (count, 2, 2))


def taken(rate: float, count: int, fps: float) -> list[int]:
    return (Video(Patches(2), rate=rate)([(numbered(count), fps)]).x[:, 0] * 16).round().int().tolist()


def test_the_frame_is_taken_that_shows_when_an_interval_begins() -> None:
    assert taken(2, 8, 5) == [0, 2, 5, 7]
    assert taken(1, 8, 4) == [0, 4]
    assert taken(2.5, 10, 10) == [0, 4, 8]


def test_fewer_frames_than_asked_for_are_taken_once_each() -> None:
    assert taken(30, 3, 5) == [0, 1, 2]
    assert taken(1, 1, 30) == [0]


def test_spans_and_positions_are_those_of_the_intervals() -> None:
    nodes = Video(Patches((2, 1)), rate=2)([(numbered(6), 5)])
    assert nodes.attribute("position").tolist() == [0, 0, 1, 1, 2, 2]
    assert torch.allclose(nodes.attribute("span")[::2], torch.tensor([[0, 0.5], [0.5, 1], [1, 1.2]]))
    assert nodes.attribute("box")[3].tolist() == [0.5, 0, 1, 1]


def test_neighbours_count_within_the_sample() -> None:
    image = np.zeros((4, 16), dtype=np.float32)
    image[:, 8:] = 1
    front_end = Superpixels(2, colours=1)
    one, two = front_end([image]), Video(front_end, rate=1)([([image, image], 1)])
    assert one.attribute("neighbours")[0, 0] == 1
    assert two.attribute("neighbours")[0].tolist() == [1, -1, -1, -1, -1]
    assert two.attribute("neighbours")[2].tolist() == [3, -1, -1, -1, -1]


def test_a_missing_frame_has_no_regions() -> None:
    nodes = Video(Patches(2), rate=1)([([np.zeros((2, 2)), None, np.ones((2, 2))], 1)])
    assert nodes.attribute("position").tolist() == [0, 2]


def test_a_folder_of_frames_and_its_sound_become_one_graph(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        Image.new("RGB", (4, 4), (number * 20, 0, 0)).save(tmp_path / f"frame{number}.png")
    soundfile.write(tmp_path / "sound.wav", np.random.default_rng(0).standard_normal(12000) / 9, 8000)
    raw = read_video(tmp_path, rate=2)
    assert [path.name for path in raw["video"][0]] == ["frame1.png", "frame2.png", "frame10.png"]
    builder = GraphBuilder(
        nodes={"video": Video(Patches(4, colours=3), rate=2), "audio": LogMel(stack=25)},
        relations={("audio", "during", "video"): TimeOverlap()},
        targets={"label": Field("int64")},
    )
    graph = builder([{"id": "a", "label": 1, **raw}])
    assert graph.nodes["video"].x[:, 0].mul(255).round().int().tolist() == [20, 40, 200]
    assert graph.relation(("audio", "during", "video")).dst.bincount().tolist() == [2, 2, 2]


def test_a_folder_without_sound_has_none(tmp_path: Path) -> None:
    Image.new("L", (2, 2)).save(tmp_path / "1.png")
    assert read_video(tmp_path, rate=1)["audio"] is None


def test_a_folder_without_frames_or_with_two_sounds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        read_video(tmp_path / "nothing", rate=1)
    for name in ("a.wav", "b.mp3"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match="0 images and 2 sounds; there are frames and one sound"):
        read_video(tmp_path, rate=1)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (numbered(2), r"a video is \(frames, frames per second\), got ndarray"),
        (("film.mp4", 5), "frames are an array or a list of images, got str"),
        ((numbered(2), 0), r"a video is \(frames, frames per second\), got rate=0"),
        ((numbered(2), None), "got rate=None"),
        ((np.zeros((2, 2)), 5), r"frames are \[number, height, width\] or with colours, got shape \[2, 2\]"),
        ((numbered(2), 1e-9), r"2 frames at 1e-09 per second last 2e\+09 s; was it seconds"),
        (([], 5), "a video without frames; a missing video is None"),
        ((["1.png"], 5), r"frame 0 is the string '1\.png'; a file is a Path"),
        (([np.zeros((2, 2)), np.full((2, 2), 7.0)], 1), "(?s)takes floats in 0..1.*in input 1 of 2"),
        (([np.zeros((2, 2)), Path("nothing.png")], 1), r"frame 1: nothing\.png is not there"),
    ],
)
def test_an_input_of_another_form_is_refused(raw: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Video(Patches(2))([raw])


def test_more_frames_than_make_sense_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_module, "MAX_FRAMES", 3)
    with pytest.raises(ValueError, match="4 frames to take are more than 3"):
        Video(Patches(2))([(numbered(4), 1)])


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_is_positive(rate: float) -> None:
    with pytest.raises(ValueError, match="give a positive number of frames per second"):
        Video(Patches(2), rate=rate)
