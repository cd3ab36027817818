"""CMU-MultimodalSDK's computational sequences: features over time per video, as HDF5."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, SupportsIndex, overload

import numpy as np
from jaxtyping import Float32

MAX_VALUES = 1 << 28
"""Values that the features of one video may have."""
_Entry = tuple[np.ndarray, Float32[np.ndarray, "rows 2"]]


@dataclass(frozen=True)
class CSD(Sequence[dict[str, Any]]):
    """Videos with features over time from `.csd` files, one file per modality; or the labelled segments of them.

    **Data set card**

    - *Source*: computational sequences of the CMU-MultimodalSDK (CMU-MOSI, CMU-MOSEI, POM), which you have to get
      yourself. A file has one group with `data/<video>/features` [rows, channels] and `intervals` [rows, 2] in seconds,
      and `metadata`.
    - *Licence*: that of the data set in the files; the videos are YouTube's.
    - *Size*: videos that are in every file, or their labelled segments.
    - *Splits*: none in the files: give the video ids of a split as `videos`, the standard ones come with the SDK.
    - *Known confounds*: segments of one video share speaker, room and topic, so split by video. Files of one data set
      have different videos; `left_out` lists those that are not in all of them.

    A sample is a dict: `id`, and per modality a mapping with `features` (float32 [rows, channels]) and `span` (float32
    [rows, 2], seconds), for `mmgraph.features.Features(..., span=True)`; of a file of words a list of mappings with
    `text`, `start` and `end`, for `Utterances` (None where there is none). With `labels` there is a sample per labelled
    segment, `video[3]` for the fourth: the rows whose middle is within, times from its start, and `label`, a number or
    an array. Values that are not finite are kept: COVAREP has -inf, which `Features(unknown="zero")` takes.

    Args:
        files: a `.csd` file per modality.
        labels: a `.csd` file of labels.
        videos: ids of the videos that are read, in this order; None for all, sorted.

    Attributes:
        ids: of the samples.
        left_out: videos that are not in every file.

    Raises:
        ValueError: naming the file, and the video where there is one: if h5py is not installed, it is no such file, cut
            off or damaged, features and intervals have different lengths, an interval ends before it starts or is not
            finite, something in it points out of it, or a video of `videos` is not there.

    Example:
        >>> import h5py
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "covarep.csd")
        ...     with h5py.File(path, "w") as file:
        ...         file["COVAREP/data/v1/features"] = np.ones((2, 3))
        ...         file["COVAREP/data/v1/intervals"] = [[0.0, 0.5], [0.5, 1.0]]
        ...     sample = CSD({"audio": path})[0]
        >>> sample["id"], sample["audio"]["features"].shape, sample["audio"]["span"][1].tolist()
        ('v1', (2, 3), [0.5, 1.0])
    """

    files: Mapping[str, str | Path]
    _: KW_ONLY
    labels: str | Path | None = None
    videos: Sequence[str] | None = None
    ids: tuple[str, ...] = field(init=False, repr=False, compare=False)
    left_out: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _segments: tuple[tuple[str, int | None], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        paths = [Path(path) for path in (*self.files.values(), *([] if self.labels is None else [self.labels]))]
        if not self.files:
            raise ValueError("files is empty: give a .csd file per modality")
        lists = {path: _videos(path) for path in paths}
        common = set.intersection(*(set(videos) for videos in lists.values()))
        chosen = sorted(common) if self.videos is None else list(self.videos)
        for video in chosen:
            if video not in common:
                raise ValueError(
                    f"video {video!r} is not in {[str(p) for p, there in lists.items() if video not in there]}"
                )
        if not chosen or len(set(chosen)) < len(chosen):
            raise ValueError(f"no video is in every one of {list(map(str, paths))}, or one of videos= comes twice")
        object.__setattr__(self, "left_out", tuple(sorted(set().union(*lists.values()) - common)))
        segments: list[tuple[str, int | None]] = [(video, None) for video in chosen]
        if self.labels is not None:
            counts = [len(read_csd(self.labels, video)[0]) for video in chosen]
            segments = [(video, i) for video, count in zip(chosen, counts, strict=True) for i in range(count)]
        if not segments:
            raise ValueError(f"{self.labels} has no label for these videos")
        object.__setattr__(self, "_segments", tuple(segments))
        object.__setattr__(self, "ids", tuple(v if i is None else f"{v}[{i}]" for v, i in segments))

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> dict[str, Any] | list[dict[str, Any]]:
        """One sample, or the list of a slice."""
        if isinstance(index, slice):
            return [self._sample(i) for i in range(*index.indices(len(self)))]
        return self._sample(range(len(self))[operator.index(index)])

    def _sample(self, number: int) -> dict[str, Any]:
        video, segment = self._segments[number]
        entries = {modality: read_csd(path, video) for modality, path in self.files.items()}
        if segment is None or self.labels is None:
            return {"id": video} | {modality: _raw(*entry) for modality, entry in entries.items()}
        values, spans = read_csd(self.labels, video)
        start, end = spans[segment].tolist()
        label = values[segment].astype(np.float64)
        if not np.isfinite(label).all():
            raise ValueError(f"{self.labels}: label {segment} of video {video!r} is {label.tolist()}, not finite")
        inputs = {modality: _raw(*_within(*entry, start, end)) for modality, entry in entries.items()}
        truth = {"video": video, "start": start, "end": end}
        return {
            "id": self.ids[number],
            **inputs,
            "label": float(label[0]) if len(label) == 1 else label,
            "truth": truth,
        }


def _within(features: np.ndarray, spans: np.ndarray, start: float, end: float) -> _Entry:
    middle = spans.mean(axis=1)
    rows = (middle >= start) & (middle < end)
    return features[rows], np.clip(spans[rows], start, end) - np.float32(start)


def _raw(features: np.ndarray, spans: np.ndarray) -> Any:
    if features.dtype.kind == "f":
        return {"features": features, "span": spans} if len(features) else None
    words = zip(features[:, 0].tolist(), spans.tolist(), strict=True)
    return [{"text": text, "start": start, "end": end} for text, (start, end) in words] or None


def _videos(path: Path) -> list[str]:
    with _Opened(path) as data:
        videos = list(data)
        odd = [video for video in videos if not isinstance(video, str)]
        if odd:
            raise ValueError(f"the video {odd[0]!r} has a name that is no UTF-8")
        return videos


def read_csd(path: str | Path, video: str) -> _Entry:
    """Features (float32, or str objects for words) [rows, channels] and intervals in seconds [rows, 2] of a video.

    Raises:
        ValueError: as `CSD` does.

    Example:
        >>> import h5py
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with h5py.File(f"{folder}/words.csd", "w") as file:
        ...         file["words/data/v1/features"] = np.array([[b"good"], [b"day"]])
        ...         file["words/data/v1/intervals"] = [[0.0, 0.5], [0.5, 1.0]]
        ...     read_csd(f"{folder}/words.csd", "v1")[0].tolist()
        [['good'], ['day']]
    """
    with _Opened(Path(path)) as data:
        try:
            return _entry(_inside(data, video))
        except Exception as error:  # h5py meets a damaged file as KeyError, OSError, RuntimeError, ...
            raise ValueError(f"video {video!r}: {error}") from error


def _entry(group: Any) -> _Entry:
    features, spans = (_values(_inside(group, name), name) for name in ("features", "intervals"))
    features = features[:, None] if features.ndim == 1 else features
    if spans.dtype.kind != "f" or spans.shape != (len(features), 2) or features.ndim != 2:
        raise ValueError(
            f"features [rows, channels] and intervals [rows, 2] are wanted: {features.shape}, {spans.shape}"
        )
    if not (np.isfinite(spans).all() and (spans[:, 0] <= spans[:, 1]).all()):
        row = int(np.argmin(np.isfinite(spans).all(1) & (spans[:, 0] <= spans[:, 1])))
        raise ValueError(f"interval {row} is {spans[row].tolist()}: start and end in seconds are wanted")
    return features, spans


def _values(dataset: Any, name: str) -> np.ndarray:
    import h5py

    if not isinstance(dataset, h5py.Dataset) or dataset.is_virtual or dataset.external:
        raise ValueError(f"{name} is no array of this file")
    if dataset.size is None or dataset.size > MAX_VALUES:
        raise ValueError(f"{name} has {dataset.size} values: up to {MAX_VALUES:,} are read")
    if dataset.dtype.kind in "fiu":
        return dataset[()].astype(np.float32)
    if dataset.dtype.kind == "S" or h5py.check_string_dtype(dataset.dtype) is not None:
        flat = [text.decode(errors="replace") if isinstance(text, bytes) else str(text) for text in dataset[()].flat]
        return np.array([*flat, None], dtype=object)[:-1].reshape(dataset.shape)  # None: an array, whatever is in it
    raise ValueError(f"{name} has {dataset.dtype} values: numbers or strings are wanted")


def _inside(group: Any, name: str) -> Any:
    """A member of a group that is in this very file: links to other files would read what nobody named."""
    import h5py

    if not isinstance(group, h5py.Group) or name not in group:
        raise ValueError(f"there is no {name!r}")
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{name!r} is a link to somewhere else, which is not followed")
    return group[name]


class _Opened:
    """The group `data` of a `.csd` file; what h5py raises on a damaged one becomes a ValueError with its name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Any:
        try:
            import h5py
        except ImportError as error:
            raise ValueError('reading .csd files needs h5py: pip install "mmgraph[csd]"') from error
        try:
            self.file = h5py.File(self.path, "r")
        except Exception as error:
            raise ValueError(f"{self.path} is no whole HDF5 file ({error})") from error
        try:
            roots = list(self.file)
            if len(roots) != 1:
                raise ValueError(f"one group is at the top of a .csd file, got {roots[:8]}")
            return _inside(_inside(self.file, roots[0]), "data")
        except Exception as error:
            self.file.close()
            raise ValueError(f"{self.path}: {error}") from error

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.file.close()
        if isinstance(error, Exception):
            raise ValueError(f"{self.path}: {error}") from error
