"""Tux Paint's stamps: real pictures with their text and its spoken form in several languages."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, SupportsIndex, overload

import numpy as np
from jaxtyping import Int64

from mmgraph.datasets.stamp_files import LANGUAGES
from mmgraph.datasets.stamp_table import FOLDS, Stamp, StampTable, picture_of, stamp_table
from mmgraph.media import Sound, decode_sound

LOUDNESS = 0.1
"""Root mean square that every description is brought to."""


@dataclass(frozen=True)
class Stamps(Sequence[dict[str, Any]]):
    """Pictures of things, what they are called, and how that sounds, recorded and drawn by people.

    **Data set card**

    - *Source*: Debian's package `tuxpaint-stamps-default` (2022.06.04): `apt-get install tuxpaint-stamps-default`, or
      its `.deb` file given as `root`, on any system. Found under the system's folder or through `MMGRAPH_STAMPS`.
    - *Licence*: GPL-2, Bill Kendrick and the contributors named in the package.
    - *Size*: 961 pictures (796 PNG; 165 are SVG only, which need `pip install "mmgraph[stamps]"`). Used are those with
      an English text and spoken descriptions in Bulgarian, Catalan, Spanish, French, Romanian and Russian (so all
      languages have the same samples), without the letters of `symbols/alphabets`: 731. About one speaker per language;
      44.1 kHz, 0.9 to 2 s.
    - *Tasks*: `"folder"` (task A): the 10 top folders with most stamps, 629 samples. `"class"` (task B): the 15
      classes of the second level with at least 15 stamps, 392 samples. `"all"`: every stamp, for retrieval (see
      `retrieval_ranks`) and consistency (see `StampConsistency`); its labels are the top folders.
    - *Splits*: five folds that keep groups whole; fold `fold` is the test, the next one validation. Stamps are in one
      group if a chain connects them of: equal text in English, French, Russian, Spanish, Romanian or Bulgarian; equal
      file name without digits and `_mirror`; grey pictures of 16x16 pixels, one of them mirrored or not, with a
      correlation above .985. Groups with two labels are left out of tasks A and B.
    - *Known confounds*: descriptions were recorded folder by folder. Room tone alone tells the folder of task A in
      Catalan (.304) and French (.232), and not in Spanish (.165) and Romanian (.215), where guessing gives .215: use
      these two first, and report `room_tone_control` beside every result with speech. Loudness is made equal here. A
      long text takes long to say: in Spanish its length alone gives a right pair the better score in .863 of all cases
      (fold 0 of task A, see `length_retrieval`). Drawings and photos are not spread evenly over folders.

    A sample is a dict: `id` (its path), `image` (uint8 [size, size, 3]), `text`, `audio` (samples and rate), `label`
    and `truth` (class, group, fold).

    Args:
        split: "train", "val" or "test".
        task: "folder", "class" or "all".
        speech: language of the sound, one of `LANGUAGES`.
        text: language of the text, "en" or another; the language of the speech for retrieval. Stamps without a text in
            it are left out: one of 731 in Romanian.
        fold: which of the five folds is the test.
        size: height and width of the pictures.
        root: the folder of stamps, or the `.deb` file; what `find_stamps` finds, if None.

    Attributes:
        stamps: of this split.
        classes: names of the labels.
        labels: of this split.
        groups: of this split.
        folds: of this split.

    Raises:
        ValueError: if the stamps are not found or damaged, on an unknown split, task, language or fold, if no stamp has
            a text in the language.

    Example:
        >>> try:
        ...     data = Stamps("test", root="nowhere")
        ... except ValueError as error:
        ...     print(str(error)[:43])
        'nowhere' is no folder of stamps and no pac
    """

    split: str
    _: KW_ONLY
    task: str = "folder"
    speech: str = "es"
    text: str = "en"
    fold: int = 0
    size: int = 64
    root: str | Path | None = None
    stamps: tuple[Stamp, ...] = field(init=False, repr=False, compare=False)
    classes: tuple[str, ...] = field(init=False, repr=False, compare=False)
    labels: Int64[np.ndarray, " stamps"] = field(init=False, repr=False, compare=False)
    groups: Int64[np.ndarray, " stamps"] = field(init=False, repr=False, compare=False)
    folds: Int64[np.ndarray, " stamps"] = field(init=False, repr=False, compare=False)
    _table: StampTable = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.split not in ("train", "val", "test"):
            raise ValueError(f"split={self.split!r} is not 'train', 'val' or 'test'")
        if self.speech not in LANGUAGES:
            raise ValueError(f"speech={self.speech!r} is none of {LANGUAGES}")
        if not 0 <= self.fold < FOLDS or self.size < 1:
            raise ValueError(f"fold={self.fold}, size={self.size}: 0 to {FOLDS - 1}, and at least 1")
        table = stamp_table(self.root, self.task)
        shift = (table.folds - self.fold) % FOLDS  # 0 is the test, 1 validation
        number = {"test": shift == 0, "val": shift == 1, "train": shift > 1}[self.split]
        chosen = np.array([i for i in np.flatnonzero(number) if self.text in table.stamps[i].texts], dtype=np.int64)
        if not len(chosen):
            raise ValueError(f"text={self.text!r}: no stamp of split={self.split!r} has a text in it")
        object.__setattr__(self, "stamps", tuple(table.stamps[i] for i in chosen.tolist()))
        object.__setattr__(self, "classes", table.classes)
        object.__setattr__(self, "labels", table.labels[chosen])
        object.__setattr__(self, "groups", table.groups[chosen])
        object.__setattr__(self, "folds", table.folds[chosen])
        object.__setattr__(self, "_table", table)

    def __len__(self) -> int:
        return len(self.stamps)

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
        stamp, label = self.stamps[i], int(self.labels[i])
        return {
            "id": stamp.name,
            "image": self.picture(i),
            "text": stamp.texts[self.text],
            "audio": self.sound(i),
            "label": label,
            "truth": {"class": self.classes[label], "group": int(self.groups[i]), "fold": int(self.folds[i])},
        }

    def picture(self, i: int) -> np.ndarray:
        """The picture of stamp `i`, uint8 [size, size, 3]. Raises ValueError naming a file that is damaged."""
        return picture_of(self._table.files, self.stamps[i], self.size)

    def sound(self, i: int, *, recorded: bool = False) -> Sound:
        """The description of stamp `i` read aloud, samples and rate.

        Args:
            i: number of the stamp in this split.
            recorded: as it was recorded; else without its mean and with the same loudness as the others.

        Raises:
            ValueError: naming the file, if it is damaged.
        """
        name = self.stamps[i].sound(self.speech)
        try:
            samples, rate = decode_sound(self._table.files.read(name))
        except ValueError as error:
            error.add_note(f"in {self._table.files.path / name}")
            raise
        if recorded:
            return samples, rate
        samples = samples.mean(axis=1) if samples.ndim == 2 else samples
        samples = samples - samples.mean()
        loudness = float(np.sqrt(np.mean(samples**2)))
        return (samples * np.float32(LOUDNESS / max(loudness, 1e-6))).astype(np.float32), rate
