"""MMSA's feature files: CMU-MOSI, CMU-MOSEI and CH-SIMS as pickles."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, SupportsIndex, overload

import numpy as np

from mmgraph.datasets.tables import check_lengths, check_unique, find_split, names, numbers, table
from mmgraph.datasets.unpickle import read_pickle

_INPUTS = {"text_features": "text", "audio": "audio", "vision": "vision"}
_LABELS = {"label": "", "label_text": "_T", "label_audio": "_A", "label_vision": "_V"}


@dataclass(frozen=True)
class MMSA(Sequence[dict[str, Any]]):
    """Opinions on video, a sample per utterance, with features of text, sound and face.

    **Data set card**

    - *Source*: the processed files of MMSA (github.com/thuiar/MMSA: `aligned_50.pkl`, `unaligned_50.pkl`), which you
      have to get yourself. Read without running anything in them, see `read_pickle`.
    - *Licence*: that of the data set in the file; videos of CMU-MOSI and CMU-MOSEI are YouTube's.
    - *Size*: as many utterances as are in the file; CMU-MOSI has 2,199, CMU-MOSEI 22,856, CH-SIMS 2,281.
    - *Splits*: train, val and test as in the file.
    - *Known confounds*: utterances of one video share speaker, room and topic; `shared_videos` lists the videos of this
      split that are in another one as well, which the standard splits of some data sets have. Padding to a common
      length tells how long an utterance is, and is cut off here.

    A sample is a dict: `id` (`video$_$clip`), `text` (the words), `text_features`, `audio` and `vision` (float32
    [steps, channels], for `mmgraph.features.Features`; None where no step is left), `label` (-3 to 3, or -1 to 1 in
    CH-SIMS; `label_text`, `label_audio` and `label_vision` where each modality was judged by itself), `class` where the
    file has classes, and `truth` with video and clip.

    Steps: unaligned sound and vision are cut to their lengths; aligned ones, and text, to the tokens that the attention
    mask in `text_bert` has. -inf in sound is 0.

    Args:
        path: the pickle.
        split: "train", "val" or "test".

    Attributes:
        ids: of the samples.
        shared_videos: videos of this split that are in another one, too.

    Raises:
        ValueError: naming the file, and sample, row and value where there are some: if it is no such pickle, columns
            have different lengths, ids come twice, lengths are longer than what there is, or a value is not finite.

    Example:
        >>> import pickle
        >>> from tempfile import TemporaryDirectory
        >>> part = {"id": ["v$_$1"], "raw_text": ["so good"], "audio": np.ones((1, 4, 2)), "audio_lengths": [3],
        ...         "regression_labels": np.array([2.0])}
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "unaligned.pkl")
        ...     _ = path.write_bytes(pickle.dumps({"train": part}))
        ...     sample = MMSA(path, "train")[0]
        >>> sample["text"], sample["audio"].shape, sample["label"]
        ('so good', (3, 2), 2.0)
    """

    path: str | Path
    split: str
    ids: tuple[str, ...] = field(init=False, repr=False, compare=False)
    shared_videos: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _part: Mapping[str, Any] = field(init=False, repr=False, compare=False)
    _lengths: Mapping[str, np.ndarray] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        content = read_pickle(self.path)
        try:
            part = _columns(find_split(content, self.split))
            ids = tuple(names(part["id"], "id"))
            check_unique(ids, self.split)
            lengths = _lengths(part)
            videos = _videos_of_other_splits(content, self.split)
        except ValueError as error:
            error.add_note(f"in {self.path}")
            raise
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "shared_videos", tuple(sorted({_video(name) for name in ids} & videos)))
        object.__setattr__(self, "_part", part)
        object.__setattr__(self, "_lengths", lengths)

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

    def _sample(self, i: int) -> dict[str, Any]:
        sample: dict[str, Any] = {"id": self.ids[i]}
        if "raw_text" in self._part:
            sample["text"] = self._part["raw_text"][i]
        for key, column in _INPUTS.items():
            if column in self._part:
                sample[key] = self._steps(i, column)
        for key, ending in _LABELS.items():
            if (labels := self._part.get(f"regression_labels{ending}")) is not None:
                sample[key] = float(labels[i])
        if "classification_labels" in self._part:
            sample["class"] = int(self._part["classification_labels"][i])
        return sample | {"truth": {"video": _video(self.ids[i]), "clip": self.ids[i].partition("$_$")[2]}}

    def _steps(self, i: int, column: str) -> np.ndarray | None:
        steps = self._part[column][i]
        if column in self._lengths:
            steps = steps[: self._lengths[column][i]]
        try:
            return table(steps, column, lowest=0 if column == "audio" else None) if len(steps) else None
        except ValueError as error:
            error.add_note(f"in sample {self.ids[i]!r} of {self.path}")
            raise


def _columns(part: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that are read, checked, as arrays and lists."""
    if "id" not in part or not any(column in part for column in _INPUTS.values()):
        raise ValueError(f"a split has 'id' and some of 'text', 'audio', 'vision', got {list(map(str, part))[:12]}")
    columns: dict[str, Any] = {"id": names(part["id"], "id")}
    if "raw_text" in part:
        columns["raw_text"] = names(part["raw_text"], "raw_text")
    for column in _INPUTS.values():
        if column in part:
            columns[column] = numbers(part[column], 3, column)
    for column in [f"regression_labels{ending}" for ending in _LABELS.values()] + ["classification_labels"]:
        if column in part:
            given = np.asarray(part[column])
            columns[column] = numbers(given.reshape(len(given)) if given.ndim == 2 else given, 1, column)
            if not np.isfinite(columns[column]).all():
                raise ValueError(f"{column} of sample {int(np.argmin(np.isfinite(columns[column])))} is not finite")
    classes = columns.get("classification_labels")
    if classes is not None and (classes != np.round(classes)).any():
        raise ValueError(f"classification_labels are whole numbers, got {classes[classes != np.round(classes)][0]}")
    for column in ("audio_lengths", "vision_lengths"):
        if column in part:
            columns[column] = numbers(part[column], 1, column)
    if "text_bert" in part:
        columns["text_bert"] = numbers(part["text_bert"], 3, "text_bert")
    check_lengths(columns, "the split")
    return columns


def _lengths(part: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Steps of each sample by column; a column without an entry has no padding that could be told."""
    lengths: dict[str, np.ndarray] = {}
    if "text_bert" in part and part["text_bert"].shape[1] == 3:
        tokens = (part["text_bert"][:, 1] > 0).sum(1)
        steps = part["text_bert"].shape[2]
        aligned = [column for column in _INPUTS.values() if column in part and part[column].shape[1] == steps]
        lengths |= dict.fromkeys(aligned, tokens)
    for column in ("audio", "vision"):
        if column in part and f"{column}_lengths" in part:
            lengths[column] = part[f"{column}_lengths"]
    for column, counts in lengths.items():
        wrong = (counts < 0) | (counts > part[column].shape[1]) | (counts != counts.astype(np.int64))
        if wrong.any():
            i = int(np.argmax(wrong))
            raise ValueError(
                f"sample {part['id'][i]!r} has {counts[i]} steps of {column}: {part[column].shape[1]} are there"
            )
        lengths[column] = counts.astype(np.int64)
    return lengths


def _videos_of_other_splits(content: Mapping[str, Any], split: str) -> set[str]:
    videos: set[str] = set()
    for other in ("train", "val", "test"):
        if other == split:
            continue
        try:
            ids = find_split(content, other)["id"]
        except (ValueError, KeyError):
            continue
        if ids is not None:
            videos.update(map(_video, names(ids, "id")))
    return videos


def _video(name: str) -> str:
    return name.partition("$_$")[0]
