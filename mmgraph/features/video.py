"""`Video`: the frames of a video as regions with place and time."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from mmgraph.features.raw import FrontEnd, Part, check_each, join
from mmgraph.features.read import read_image, read_sound
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet

IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
SOUNDS = (".aiff", ".flac", ".mp3", ".oga", ".ogg", ".wav")
MAX_FRAMES = 1 << 16
MAX_SECONDS = 1e8  # three years; beyond, float32 seconds lie far apart
LOCAL = ("neighbours",)
"""Attributes that count nodes within an image; in a video they count within the sample."""


@dataclass(frozen=True)
class Video:
    """The regions of frames that are taken from a video at a steady rate.

    A raw input is `(frames, rate)`: an array or list of images in order of time, and how many there are per second.
    An image is an array as `regions` takes it, or the `Path` of an image file, which is read only if it is taken. The
    sound of a video is a modality of its own, with spans in the same seconds; `read_video` reads both.

    Frames taken from a video of 5 per second under `Video(Patches(8), rate=2)`::

        frames     0   1   2   3   4   5   6   7      seconds   0.0      0.5      1.0      1.5
        taken      0       2           5       7                |-- 0 --|-- 2 --|-- 5 --|-- 7 --|

    The frame is taken that is showing when the interval begins; a video with fewer frames per second than `rate` gives
    each of its frames once. Nodes carry what `regions` gives them, `span` in
    seconds, and `position`, the number of the interval; `neighbours` then counts within the sample.

    Args:
        regions: front end of the images, such as `Patches` or `Superpixels`.
        rate: frames taken per second.

    Raises:
        ValueError: on a rate that is not positive; when called, on an input of another form, no frames, more than
            `MAX_FRAMES` to take, and as `regions` or `read_image` do, naming the frame.

    Example:
        >>> from mmgraph.features import Patches
        >>> frames = np.zeros((8, 4, 4), dtype=np.float32)
        >>> nodes = Video(Patches((4, 2)), rate=2)([(frames, 5)])
        >>> nodes.attribute("position").tolist(), nodes.attribute("span")[-1].tolist()
        ([0, 0, 1, 1, 2, 2, 3, 3], [1.5, 1.600000023841858])
    """

    regions: FrontEnd
    _: KW_ONLY
    rate: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.rate < math.inf:
            raise ValueError(f"rate={self.rate}: give a positive number of frames per second")

    @property
    def channels(self) -> int:
        """Those of a region."""
        return self.regions.channels

    @property
    def attributes(self) -> Mapping[str, Field]:
        """Those of a region, `span`, `position`."""
        return {**self.regions.attributes, **{name: STANDARD_ATTRIBUTES[name] for name in ("span", "position")}}

    def fit(self, raws: Iterable[Any]) -> Self:
        """The same with `regions` fitted to the frames that are taken.

        Raises:
            ValueError: as a call.
        """
        return replace(self, regions=self.regions.fit(image for raw in raws for image in self._taken(raw)[0]))

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The regions of the frames of each video, none where it is None."""
        return join(check_each(raws, self._nodes), len(raws), self.channels, self.attributes)

    def _nodes(self, raw: object) -> Part:
        images, numbers, span = self._taken(raw)
        nodes = self.regions(images)
        attributes: dict[str, Any] = dict(nodes.attributes)
        for name in LOCAL:
            if name in attributes:
                first = nodes.ptr[nodes.graph][:, None].to(attributes[name].dtype)
                attributes[name] = torch.where(attributes[name] < 0, attributes[name], attributes[name] + first)
        return nodes.x, attributes | {"span": span[nodes.graph], "position": numbers[nodes.graph]}

    def _taken(self, raw: object) -> tuple[list[Any], Tensor, Tensor]:
        """Images that are taken, the number of their interval, and its span."""
        frames, rate = _checked(raw)
        length = len(frames) / rate
        number = math.ceil(length * min(self.rate, rate) - 1e-9)
        if number > MAX_FRAMES:
            raise ValueError(f"{number:,} frames to take are more than {MAX_FRAMES:,}; take fewer, or cut it")
        numbers = np.arange(max(number, 1))
        step = 1 / min(self.rate, rate)
        index = np.minimum(np.floor(numbers * step * rate + 1e-9), len(frames) - 1).astype(np.int64)
        images = [self._image(frames[i], i) for i in index.tolist()]
        span = np.minimum(np.stack([numbers * step, (numbers + 1) * step], 1), length)
        return images, torch.from_numpy(numbers), torch.from_numpy(span).float()

    def _image(self, frame: Any, index: int) -> Any:
        if isinstance(frame, str):
            raise ValueError(f"frame {index} is the string {frame!r}; a file is a Path")
        if not isinstance(frame, Path):
            return frame
        if not frame.exists():
            raise ValueError(f"frame {index}: {frame} is not there")
        return read_image(frame, colours=getattr(self.regions, "colours", 3))


def read_video(folder: Path | str, *, rate: float, max_seconds: float = 3600.0) -> dict[str, Any]:
    """The frames and the sound of a video that was taken apart into files: `{"video": ..., "audio": ...}`.

    `video` is `(paths, rate)` of all image files in the folder, in the order of the numbers in their names (frame2
    before frame10); `audio` is the one sound file in it, read by `read_sound`, or None. Tools such as ffmpeg take a
    video apart: `ffmpeg -i film.mp4 -vf fps=5 frames/%05d.jpg frames/sound.wav`.

    Args:
        folder: with the files.
        rate: images per second.
        max_seconds: longest sound.

    Raises:
        ValueError: if there is no image, or more than one sound, or the sound cannot be read.
        FileNotFoundError: if there is no such folder.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     for name in ("1.png", "10.png", "2.png"):
        ...         (Path(folder) / name).touch()
        ...     [path.name for path in read_video(folder, rate=5)["video"][0]]
        ['1.png', '2.png', '10.png']
    """
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    files = sorted(Path(folder).iterdir(), key=lambda path: _natural(path.name))
    images = [path for path in files if path.suffix.lower() in IMAGES]
    sounds = [path for path in files if path.suffix.lower() in SOUNDS]
    if not images or len(sounds) > 1:
        raise ValueError(f"{folder}: {len(images)} images and {len(sounds)} sounds; there are frames and one sound")
    sound = read_sound(sounds[0], max_seconds=max_seconds) if sounds else None
    return {"video": (images, rate), "audio": sound}


def _checked(raw: Any) -> tuple[Sequence[Any] | np.ndarray, float]:
    if not isinstance(raw, tuple | list) or len(raw) != 2:
        raise ValueError(f"a video is (frames, frames per second), got {type(raw).__name__}")
    frames, rate = raw
    if not isinstance(frames, Sequence | np.ndarray) or isinstance(frames, str | bytes):
        raise ValueError(f"frames are an array or a list of images, got {type(frames).__name__}")
    if not isinstance(rate, int | float | np.number) or isinstance(rate, bool) or not 0 < rate < math.inf:
        raise ValueError(f"a video is (frames, frames per second), got rate={rate!r}")
    if isinstance(frames, np.ndarray) and frames.ndim not in (3, 4):
        raise ValueError(f"frames are [number, height, width] or with colours, got shape {list(frames.shape)}")
    if not len(frames):
        raise ValueError("a video without frames; a missing video is None")
    if len(frames) / rate > MAX_SECONDS:
        raise ValueError(f"{len(frames)} frames at {rate} per second last {len(frames) / rate:g} s; was it seconds?")
    return frames, float(rate)


def _natural(name: str) -> list[tuple[int, str]]:
    """Numbers in a name compare as numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
