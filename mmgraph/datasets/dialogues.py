"""Conversations with features per utterance: the pickles of IEMOCAP and MELD that DialogueGCN and MMGCN use."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, SupportsIndex, overload

import numpy as np

from mmgraph.datasets.tables import names, table
from mmgraph.datasets.unpickle import read_pickle

IEMOCAP = ("ids", "speakers", "labels", "text", "audio", "visual", "sentences", "train", "test")
"""What the pickle of IEMOCAP holds, in order; MMGCN's of MELD has further parts, which are named "" here."""
MELD = ("ids", "speakers", "labels", "text", "audio", "sentences", "train", "test", "")
"""What DialogueGCN's pickle of MELD holds, in order."""
_TABLES = ("text", "audio", "visual")
_PARTS = (*_TABLES, "ids", "speakers", "labels", "sentences", "train", "test")


@dataclass(frozen=True)
class Dialogues(Sequence[dict[str, Any]]):
    """Conversations, a sample per conversation, with a label per utterance.

    **Data set card**

    - *Source*: pickled tuples of dicts, as DialogueGCN (github.com/declare-lab/conv-emotion) and MMGCN use them, which
      you have to get yourself. Nothing in them is run, see `read_pickle`.
    - *Licence*: IEMOCAP's (by request from USC SAIL), MELD's (GPL-3; scenes are from a television series).
    - *Size*: as in the file; IEMOCAP has 151 conversations and 7,433 utterances in six classes.
    - *Splits*: train and test as in the file, which has no validation: a part of the training conversations is taken
      for it, drawn by `seed`, whole conversations.
    - *Known confounds*: neighbouring utterances share emotion and speaker. IEMOCAP's test session has other actors than
      its training sessions, but validation shares its actors with training, and is easier. MELD's main characters
      are in all splits.

    A sample is a dict: `id`, `text`, `audio` and `visual` (mappings with `features` [utterances, channels], for
    `mmgraph.features.Features`), `utterances` (mappings with `text` and `speaker`, for `mmgraph.features.Utterances`),
    `labels` (int64 [utterances]) and `truth` with the speakers.

    Args:
        path: the pickle.
        split: "train", "val" or "test".
        parts: what stands in the tuple, in order; "" for what is left out. `IEMOCAP` and `MELD` are two.
        val: share of the training conversations that are for validation, at least one.
        seed: draws them.

    Attributes:
        ids: of the conversations.

    Raises:
        ValueError: naming the file, and the conversation where there is one: if it is no such tuple, a conversation
            lacks a part or its parts have different lengths, is in train and test, or a value is not finite.

    Example:
        >>> import pickle
        >>> from tempfile import TemporaryDirectory
        >>> talk = {"d": [0, 1]}, {"d": ["F", "M"]}, {"d": [3, 5]}, {"d": np.ones((2, 4))}, {"d": ["Hi", "Ho."]}, ["d"]
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "talk.pkl")
        ...     _ = path.write_bytes(pickle.dumps(talk))
        ...     data = Dialogues(path, "test", parts=("ids", "speakers", "labels", "text", "sentences", "test"))
        >>> data[0]["labels"], data[0]["utterances"][1]
        (array([3, 5]), {'text': 'Ho.', 'speaker': 'M'})
    """

    path: str | Path
    split: str
    _: KW_ONLY
    parts: Sequence[str] = IEMOCAP
    val: float = 0.1
    seed: int = 0
    ids: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _parts: Mapping[str, Mapping[Any, Any]] = field(init=False, repr=False, compare=False)
    _keys: Mapping[str, Mapping[str, Any]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        unknown = [part for part in self.parts if part and part not in _PARTS]
        if unknown or "labels" not in self.parts or not 0 < self.val < 1:
            raise ValueError(
                f"parts={tuple(self.parts)}, val={self.val}: parts are of {_PARTS} with 'labels', 0 < val < 1"
            )
        content = read_pickle(self.path)
        try:
            if not isinstance(content, tuple | list) or len(content) != len(self.parts):
                got = f"{len(content)} parts" if isinstance(content, tuple | list) else type(content).__name__
                raise ValueError(f"a tuple of {len(self.parts)} parts is wanted, {tuple(self.parts)}, got {got}")
            parts = {name: part for name, part in zip(self.parts, content, strict=True) if name}
            ids = self._of_split(parts)
            dicts = {name: part for name, part in parts.items() if name not in ("train", "test")}
            keys = _check(dicts, ids)
        except ValueError as error:
            error.add_note(f"in {self.path}")
            raise
        object.__setattr__(self, "ids", tuple(ids))
        object.__setattr__(self, "_parts", dicts)
        object.__setattr__(self, "_keys", keys)

    def _of_split(self, parts: Mapping[str, Any]) -> list[str]:
        """Sorted, since the file may hold them in a set."""
        if self.split not in ("train", "val", "test"):
            raise ValueError(f"split={self.split!r} is not 'train', 'val' or 'test'")
        lists = {}
        for name in ("train", "test"):
            given = parts.get(name, [])
            lists[name] = sorted(set(names(list(given) if isinstance(given, set | frozenset) else given, name)))
        both = sorted({*lists["train"]} & {*lists["test"]})
        if both:
            raise ValueError(f"conversation {both[0]!r} is in train and in test")
        chosen = lists["test"]
        if self.split != "test":
            order = np.random.default_rng(self.seed).permutation(len(lists["train"]))
            count = max(1, round(self.val * len(order)))
            of_split = order[:count] if self.split == "val" else order[count:]
            chosen = [lists["train"][i] for i in sorted(of_split.tolist())]
        if not chosen:
            raise ValueError(f"no conversation is of split={self.split!r}")
        return chosen

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> dict[str, Any] | list[dict[str, Any]]:
        """One conversation, or the list of a slice."""
        if isinstance(index, slice):
            return [self._sample(name) for name in self.ids[index]]
        return self._sample(self.ids[operator.index(index)])

    def _sample(self, name: str) -> dict[str, Any]:
        of = {part: values[self._keys[part][name]] for part, values in self._parts.items()}
        try:
            tables = {part: {"features": table(_rows(of[part]), part)} for part in _TABLES if part in of}
            speakers = _speakers(of["speakers"]) if "speakers" in of else [""] * len(of["labels"])
            texts = names(of["sentences"], "sentences") if "sentences" in of else [""] * len(of["labels"])
            labels = np.asarray(of["labels"])
            if labels.dtype.kind not in "iu" or labels.ndim != 1:
                raise ValueError(f"labels are one whole number per utterance, got {labels.dtype} of {labels.shape}")
        except ValueError as error:
            error.add_note(f"in conversation {name!r} of {self.path}")
            raise
        said = [{"text": text, "speaker": speaker} for text, speaker in zip(texts, speakers, strict=True)]
        sample = {"id": name, **tables, "labels": labels.astype(np.int64), "truth": {"speakers": tuple(speakers)}}
        return sample | ({"utterances": said} if "sentences" in of else {})


def _check(parts: Mapping[str, Any], ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The key of each conversation in each of the dicts, after a look at the lengths of its parts."""
    for part, values in parts.items():
        if not isinstance(values, dict):
            raise ValueError(f"part {part!r} is a dict of conversations, got {type(values).__name__}; is parts= right?")
    by_name = {
        name: {names([key], part)[0]: key for key in values} for part, values in parts.items() for name in [part]
    }
    for name in ids:
        lacking = [part for part in parts if name not in by_name[part]]
        if lacking:
            raise ValueError(f"conversation {name!r} has no {', '.join(lacking)}")
        counts = {}
        for part, values in parts.items():
            entry = values[by_name[part][name]]
            if not isinstance(entry, list | tuple | np.ndarray) or (isinstance(entry, np.ndarray) and entry.ndim == 0):
                raise ValueError(f"{part} of conversation {name!r} is a list, got {type(entry).__name__}")
            counts[part] = len(entry)
        if len(set(counts.values())) != 1 or 0 in counts.values():
            raise ValueError(f"conversation {name!r} has an entry per utterance in each part, got {counts}")
    return by_name


def _rows(value: Any) -> Any:
    """A table from a list of one array per utterance."""
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        return value
    try:
        return np.stack([np.asarray(row) for row in value])
    except ValueError as error:
        raise ValueError(f"utterances have features of different lengths ({error})") from error


def _speakers(value: Any) -> list[str]:
    """A name per utterance; where speakers are given as one-hot rows, the number of the one."""
    rows = [np.asarray(row) for row in value]
    if all(row.ndim == 1 and row.dtype.kind in "fiub" and len(row) for row in rows):
        return [str(int(row.argmax())) for row in rows]
    return names(value, "speakers")
