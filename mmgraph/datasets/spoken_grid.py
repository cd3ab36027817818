"""SpokenGrid: handwritten digits in a grid, a spoken digit, and an instruction that says what to do with them."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, SupportsIndex, overload

import numpy as np
from jaxtyping import Float32, Float64, Int64

from mmgraph.datasets.handwriting import handwritten_digits, split_pictures
from mmgraph.datasets.instructions import OPERATIONS, PLACES, QUESTIONS, instruction, neighbour_cells, wordings
from mmgraph.datasets.recordings import recorded_digits
from mmgraph.datasets.speech import RATE, SPLITS, SpokenDigits, shipped_digits

Box = tuple[float, float, float, float]
_Columns = dict[str, Int64[np.ndarray, "..."]]


@dataclass(frozen=True)
class GridTruth:
    """What a sample was composed of.

    Attributes:
        box: x1, y1, x2, y2 in 0..1 of the cell that counts: the place that the text names, or the cell that answers
        the
            neighbour question. Whether it has a say at all is `image_matters`.
        spoken: The digit heard.
        seen: The digit in that cell.
        operation: One of `"picture"`, `"sound"`, `"larger"`, `"smaller"`; of the neighbour question one of `"left"`,
            `"right"`, `"above"`, `"below"`, `"same"`.
        place: Name of that cell.
        voice: Who speaks.
        digits: All digits of the picture, row by row.
        anchor: Box of the cell that holds the spoken digit, where the neighbour question starts; else None.

    Example:
        >>> truth = SpokenGrid("train", 1)[0]["truth"]
        >>> truth.seen == truth.digits[("upper left", "upper right", "lower left", "lower right").index(truth.place)]
        True
    """

    box: Box
    spoken: int
    seen: int
    operation: str
    place: str
    voice: str
    digits: tuple[int, ...]
    anchor: Box | None = None

    @property
    def image_matters(self) -> bool:
        """Whether another digit in the cell that counts could change the answer."""
        settled = self.operation in ("sound", "same")
        settled |= self.operation == "larger" and self.spoken == 9
        settled |= self.operation == "smaller" and self.spoken == 0
        return not settled


@dataclass(frozen=True)
class SpokenGrid(Sequence[dict[str, Any]]):
    r"""A sequence of samples of picture, text and sound of which no two suffice, composed when they are read.

    Question `"place"`: a 2x2 grid of handwritten digits, a spoken digit, and a text with an operation and a place,
    such as "um, larger, voice or at the top left?". With the digit :math:`s` seen at the place and the digit
    :math:`h` heard, the answer is :math:`s` (picture), :math:`h` (sound), :math:`\max(s, h)` (larger) or
    :math:`\min(s, h)` (smaller). Question `"neighbour"`: a 3x3 grid of nine different digits, one of them is
    spoken, and the text asks which digit is left of, right of, above or below it, or in its own cell ("same", the
    control question).

    **Data set card**

    - *Source, pictures*: the 1,797 digits of `sklearn.datasets.load_digits` (test set of E. Alpaydin and C. Kaynak's
      Optical Recognition of Handwritten Digits at UCI, CC BY 4.0; 13 writers), 8x8 pixels in 17 grey levels.
    - *Source, speech*: `"synthetic"`, 920 clips of 92 voices shipped with the package (see `shipped_digits`), or a
      folder of recordings (see `recorded_digits`). Pairs are composed, not recorded together.
    - *Licence*: of the pictures CC BY 4.0, of the synthetic speech MIT as the package, of recordings theirs.
    - *Size*: as many samples as asked for; they repeat 1,797 pictures of digits and the clips in new combinations.
    - *Splits*: sources are divided before composing. Pictures: 70 / 10 / 20 % of each digit, fixed. They carry no
      writer ids, so test pictures are unseen images, not unseen writers. Synthetic voices: 67 / 10 / 15, and no
      variant of a training voice under another accent or name in the others. Recordings: one speaker is left out
      for the test; validation is new takes of the training speakers, hence easier than the test. Phrasings are
      shared by all splits.
    - *Drawn*: operation, place, spoken digit and every digit of a 2x2 grid are uniform and independent; a picture
      and a clip are uniform among those of their digit and split. For the neighbour question: the grid is a uniform
      arrangement of nine of ten digits, the operation is uniform, the spoken cell is uniform among those that have
      such a neighbour.
    - *Known confounds*: synthetic voices are cleaner and more alike than people; a training voice shares its engine,
      and often its accent, with test voices. "nine" settles "larger" and "zero" settles "smaller", whatever is seen.
      In the neighbour question the middle cell answers and is asked about more often than a corner. In a folder of
      recordings clips are drawn uniformly, so a speaker with more takes is heard more often, and loudness and noise
      tell speakers apart.
    - *Ceilings*: what the best reader of some modalities can reach, computed by `ceilings` and checked in the tests.

    ===================  =====  =========
    modalities           place  neighbour
    ===================  =====  =========
    none                 .1000      .1000
    text                 .1450      .1000
    image                .2418      .1556
    audio                .5500      .2000
    image, text          .5500      .1556
    image, audio         .5500      .3000
    text, audio          .5500      .2889
    image, text, audio   1.          1.
    ===================  =====  =========

    A sample is a dict: `id`, `image` (float32 [16, 16] or [24, 24] in 0..1, ink is 1), `text`, `audio` (float32
    samples in -1..1, 8000), `answer` (0-9) and `truth` (`GridTruth`). Sample `i` depends on split, seed, question
    and speech only, not on `size` or the order of reading; the speech changes nothing but the sound and the voice.

    Args:
        split: `"train"`, `"val"` or `"test"`.
        size: Number of samples, at least 1.
        seed: Of the combinations; sources and splits do not depend on it.
        question: `"place"` or `"neighbour"`.
        speech: `"synthetic"` or a folder of recordings `{digit}_{speaker}_{take}.wav`.
        test_speaker: Who is the test of a folder of recordings; its alphabetically last speaker if None.

    Attributes:
        digits: Digits of each sample's picture, row by row.
        pictures: Number of each of them among scikit-learn's 1,797.
        spoken: The digit heard.
        clips: Number of the clip in `recordings`.
        operations: Number of the operation in `OPERATIONS[question]`.
        cells: Number of the cell that counts, row by row.
        answers: The answer.
        recordings: The clips, `SpokenDigits`.

    Raises:
        ValueError: If split, size, seed or question are none of these, or the folder of recordings is not as
            `recorded_digits` wants it or lacks a digit in the split.

    Example:
        >>> grid = SpokenGrid("train", 100, seed=3)
        >>> sample = grid[7]
        >>> sample["id"], sample["image"].shape, sample["audio"][1], sample["answer"] == int(grid.answers[7])
        ('train-3-000007', (16, 16), 8000, True)
    """

    split: str
    size: int
    _: KW_ONLY
    seed: int = 0
    question: str = "place"
    speech: str | Path = "synthetic"
    test_speaker: str | None = None
    recordings: SpokenDigits = field(init=False, repr=False, compare=False)
    digits: Int64[np.ndarray, "samples cells"] = field(init=False, repr=False, compare=False)
    pictures: Int64[np.ndarray, "samples cells"] = field(init=False, repr=False, compare=False)
    spoken: Int64[np.ndarray, " samples"] = field(init=False, repr=False, compare=False)
    clips: Int64[np.ndarray, " samples"] = field(init=False, repr=False, compare=False)
    operations: Int64[np.ndarray, " samples"] = field(init=False, repr=False, compare=False)
    cells: Int64[np.ndarray, " samples"] = field(init=False, repr=False, compare=False)
    answers: Int64[np.ndarray, " samples"] = field(init=False, repr=False, compare=False)
    _wordings: Int64[np.ndarray, "samples 4"] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check()
        for name, column in self._compose().items():
            if isinstance(column, np.ndarray):
                column.flags.writeable = False
            object.__setattr__(self, name, column)

    def _check(self) -> None:
        if self.split not in SPLITS:
            raise ValueError(f"split={self.split!r} must be one of {SPLITS}")
        if self.question not in QUESTIONS:
            raise ValueError(f"question={self.question!r} must be one of {QUESTIONS}")
        if self.size < 1:
            raise ValueError(f"size={self.size} must be at least 1")
        if self.seed < 0:
            raise ValueError(f"seed={self.seed} must not be negative")
        if self.speech == "synthetic" and self.test_speaker is not None:
            raise ValueError(f"test_speaker={self.test_speaker!r} needs speech=folder: synthetic splits are fixed")

    def _compose(self) -> dict[str, Any]:
        """Columns of all samples. Each sample has its own row of uniform numbers, so it does not depend on the size."""
        shipped = self.speech == "synthetic"
        recordings = shipped_digits() if shipped else recorded_digits(self.speech, test_speaker=self.test_speaker)
        choices = wordings(self.question)
        stream = (self.seed, SPLITS.index(self.split), QUESTIONS.index(self.question))
        uniform = np.random.default_rng(stream).random((self.size, 27))  # the longest row: 10 + 9 + 2 + 2 + 4
        columns = _place_columns(uniform) if self.question == "place" else _neighbour_columns(uniform)
        num_cells = columns["digits"].shape[1]
        pictures = _by_label(handwritten_digits()[1], split_pictures()[self.split])
        clips = _by_label(recordings.digits, recordings.in_split(self.split))
        return columns | {
            "recordings": recordings,
            "pictures": pictures.draw(columns["digits"], uniform[:, 10 : 10 + num_cells]),
            "clips": clips.draw(columns["spoken"], uniform[:, 19]),
            "_wordings": _below(np.array(choices), uniform[:, 23:27]),
        }

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> dict[str, Any] | list[dict[str, Any]]:
        """One sample, counted from the end if negative, or the list of a slice."""
        if isinstance(index, slice):
            return [self._sample(i) for i in range(*index.indices(self.size))]
        number = operator.index(index)
        if not -self.size <= number < self.size:
            raise IndexError(f"sample {number} of {self.size}: give {-self.size} to {self.size - 1}")
        return self._sample(number % self.size)

    def _sample(self, i: int) -> dict[str, Any]:
        truth = self._truth(i)
        wording = tuple(self._wordings[i].tolist())
        return {
            "id": f"{self.split}-{self.seed}-{i:06d}",
            "image": _tile(handwritten_digits()[0][self.pictures[i]]),
            "text": instruction(self.question, truth.operation, truth.place, wording),
            "audio": (self.recordings.clip(int(self.clips[i])), RATE),
            "answer": int(self.answers[i]),
            "truth": truth,
        }

    def _truth(self, i: int) -> GridTruth:
        digits, cell, spoken = tuple(self.digits[i].tolist()), int(self.cells[i]), int(self.spoken[i])
        side = 2 if self.question == "place" else 3
        return GridTruth(
            box=_box(cell, side),
            spoken=spoken,
            seen=digits[cell],
            operation=OPERATIONS[self.question][self.operations[i]],
            place=PLACES[self.question][cell],
            voice=self.recordings.voices[self.clips[i]],
            digits=digits,
            anchor=None if self.question == "place" else _box(digits.index(spoken), side),
        )


def _place_columns(uniform: Float64[np.ndarray, "samples draws"]) -> _Columns:
    digits = _below(10, uniform[:, :4])
    operations, cells, spoken = _below(4, uniform[:, 20]), _below(4, uniform[:, 21]), _below(10, uniform[:, 22])
    samples = np.arange(len(uniform))
    seen = digits[samples, cells]
    answers = np.stack([seen, spoken, np.maximum(seen, spoken), np.minimum(seen, spoken)])[operations, samples]
    return {"digits": digits, "operations": operations, "cells": cells, "spoken": spoken, "answers": answers}


def _neighbour_columns(uniform: Float64[np.ndarray, "samples draws"]) -> _Columns:
    digits = np.argsort(uniform[:, :10], axis=1, kind="stable")[:, :9]  # nine of ten digits in random order
    operations = _below(len(OPERATIONS["neighbour"]), uniform[:, 20])
    pairs = neighbour_cells()
    table = np.concatenate([np.array(pairs_of_one) for pairs_of_one in pairs])
    counts = np.array([len(pairs_of_one) for pairs_of_one in pairs])
    starts = np.cumsum(counts) - counts
    anchors, cells = table[starts[operations] + _below(counts[operations], uniform[:, 21])].T
    samples = np.arange(len(uniform))
    columns = {"digits": digits, "operations": operations, "cells": cells.copy()}
    return columns | {"spoken": digits[samples, anchors], "answers": digits[samples, cells]}


@dataclass(frozen=True, eq=False)
class _ByLabel:
    """Items grouped by their label: those of label k are `items[starts[k] : starts[k] + counts[k]]`."""

    items: Int64[np.ndarray, " items"]
    starts: Int64[np.ndarray, " labels"]
    counts: Int64[np.ndarray, " labels"]

    def draw(
        self, labels: Int64[np.ndarray, "samples *cells"], uniform: Float64[np.ndarray, "samples *cells"]
    ) -> Int64[np.ndarray, "samples *cells"]:
        """An item of each label, any as likely as the others."""
        return self.items[self.starts[labels] + _below(self.counts[labels], uniform)]


def _by_label(labels: Int64[np.ndarray, " all"], items: Int64[np.ndarray, " items"]) -> _ByLabel:
    counts = np.bincount(labels[items], minlength=10)
    return _ByLabel(items[np.argsort(labels[items], kind="stable")], np.cumsum(counts) - counts, counts)


def _below(limit: int | Int64[np.ndarray, "..."], uniform: Float64[np.ndarray, "..."]) -> Int64[np.ndarray, "..."]:
    """Whole numbers in 0..limit-1 from uniform numbers in 0..1."""
    return (uniform * limit).astype(np.int64)


def _tile(pictures: Float32[np.ndarray, "cells 8 8"]) -> Float32[np.ndarray, "height width"]:
    side = int(len(pictures) ** 0.5)
    return pictures.reshape(side, side, 8, 8).transpose(0, 2, 1, 3).reshape(8 * side, 8 * side)


def _box(cell: int, side: int) -> Box:
    row, column = divmod(cell, side)
    return column / side, row / side, (column + 1) / side, (row + 1) / side
