"""MultiBench's files of affective computing: MOSI, MOSEI, humour and sarcasm as pickles."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, SupportsIndex, overload

import numpy as np

from mmgraph.datasets.tables import check_lengths, check_unique, find_split, names, numbers, table
from mmgraph.datasets.unpickle import read_pickle

_INPUTS = ("text", "audio", "vision")


@dataclass(frozen=True)
class MultiBench(Sequence[dict[str, Any]]):
    """Segments of video with aligned features of words, sound and face.

    **Data set card**

    - *Source*: the pickles of MultiBench's `affect` part (github.com/pliang279/MultiBench: `mosi_raw.pkl`,
      `mosei_raw.pkl`, `humor.pkl`, `sarcasm.pkl`), which you have to get yourself. Nothing in them is run, see
      `read_pickle`.
    - *Licence*: that of CMU-MOSI, CMU-MOSEI, UR-FUNNY or MUStARD; the videos are others'.
    - *Size*: as many samples as are in the file.
    - *Splits*: train, val and test as in the file.
    - *Known confounds*: segments of one video share speaker and room. Steps before the first and after the last word
      are padding (all features of the words are 0) and are cut off, so that the length of the padding says nothing.

    A sample is a dict: `id`, `text`, `audio` and `vision` (float32 [steps, channels], for `mmgraph.features.Features`;
    None without any word), `label` (a number, or an array where the file has several per sample).

    Args:
        path: the pickle.
        split: "train", "val" or "test".
        lowest: what -inf in sound becomes.

    Attributes:
        ids: of the samples; rows of an array of ids are joined by `/`.

    Raises:
        ValueError: naming the file, and sample, row and value where there are some: if it is no such pickle, columns
            have different lengths, modalities different numbers of steps, ids come twice, or a value is not finite.

    Example:
        >>> import pickle
        >>> from tempfile import TemporaryDirectory
        >>> words = np.array([[[0, 0], [1, 2], [3, 0]]], dtype=np.float32)
        >>> part = {"id": ["v[1]"], "text": words, "audio": np.ones((1, 3, 4)), "labels": np.array([[[1.5]]])}
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "mosi_raw.pkl")
        ...     _ = path.write_bytes(pickle.dumps({"valid": part}))
        ...     sample = MultiBench(path, "val")[0]
        >>> sample["text"].shape, sample["audio"].shape, sample["label"]
        ((2, 2), (2, 4), 1.5)
    """

    path: str | Path
    split: str
    lowest: float = 0.0
    ids: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _part: Mapping[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        content = read_pickle(self.path)
        try:
            part = _columns(find_split(content, self.split))
            check_unique(part["id"], self.split)
        except ValueError as error:
            error.add_note(f"in {self.path}")
            raise
        object.__setattr__(self, "ids", tuple(part["id"]))
        object.__setattr__(self, "_part", part)

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
        label = self._part["labels"][i]
        sample: dict[str, Any] = {"id": self.ids[i], "label": float(label[0]) if len(label) == 1 else label.copy()}
        inputs = [column for column in _INPUTS if column in self._part]
        words = np.flatnonzero(np.any(self._part["text" if "text" in inputs else inputs[0]][i] != 0, axis=1))
        for column in inputs:
            steps = self._part[column][i][words[0] : words[-1] + 1] if len(words) else []
            try:
                sample[column] = table(steps, column, lowest=self.lowest) if len(steps) else None
            except ValueError as error:
                error.add_note(f"in sample {self.ids[i]!r} of {self.path}")
                raise
        return sample


def _columns(part: Mapping[str, Any]) -> dict[str, Any]:
    inputs = [column for column in _INPUTS if column in part]
    if "id" not in part or "labels" not in part or not inputs:
        raise ValueError(f"a split has 'id', 'labels' and some of {_INPUTS}, got {list(map(str, part))[:12]}")
    columns: dict[str, Any] = {column: numbers(part[column], 3, column) for column in inputs}
    steps = {column: columns[column].shape[1] for column in inputs}
    if len(set(steps.values())) > 1:
        raise ValueError(f"modalities are aligned, step by step, got {steps} steps")
    labels = np.asarray(part["labels"])
    if labels.dtype.kind not in "fiub" or labels.ndim == 0 or not labels.size or not np.isfinite(labels).all():
        raise ValueError(f"labels are finite numbers, got {labels.dtype} of shape {labels.shape}")
    columns["labels"] = labels.reshape(len(labels), -1).astype(np.float64)
    columns["id"] = names(part["id"], "id")
    check_lengths(columns, "the split")
    return columns
