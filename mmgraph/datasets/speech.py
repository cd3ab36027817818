"""Clips of spoken digits, and the synthetic ones that the package ships."""

from __future__ import annotations

import json
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, SupportsIndex, overload

import numpy as np
from jaxtyping import Float32, Int16, Int64

RATE = 8000
SPLITS = ("train", "val", "test")
_SHIPPED = Path(__file__).with_name("spoken_digits.flac")


@dataclass(frozen=True, eq=False)
class SpokenDigits(Sequence[dict[str, Any]]):
    """Clips of spoken digits at 8 kHz, each with its digit, its voice and the split it belongs to.

    **Data set card**

    - *Source*: `shipped_digits`: 92 voices of espeak-ng. `recorded_digits`: a folder of recordings in the naming of the
      Free Spoken Digit Dataset, `{digit}_{speaker}_{take}.wav`; `find_recordings` finds it through `MMGRAPH_DATA`.
    - *Licence*: MIT as the package; the Free Spoken Digit Dataset has CC BY-SA 4.0.
    - *Size*: 920 synthetic clips; the Free Spoken Digit Dataset's 3,000 clips of 6 speakers, or what is in the folder.
    - *Splits*: of synthetic speech 67 / 10 / 15 voices, none in two of them. Of recordings one speaker is the test, and
      validation is new takes of the training speakers, hence easier than the test.
    - *Known confounds*: synthetic voices are cleaner and more alike than people. Loudness, noise and the silence around
      a recording tell its speaker.

    It is a sequence of samples: dicts with `id`, `audio` (samples and rate), `digit` (0-9) and `truth` (voice, split);
    `of_split` gives the samples of one split.

    Attributes:
        samples: All clips, one after the other, 16-bit.
        offsets: Where each clip starts in `samples`, and the end of the last one.
        digits: The digit that each clip says.
        voices: Who says it, per clip.
        splits: `"train"`, `"val"` or `"test"`, per clip.
        source: Where the clips came from, for messages.
        ids: A name per clip; digit, voice and number if none is given.

    Example:
        >>> speech = shipped_digits()
        >>> len(speech), speech.clip(0).dtype.name, speech.digits[:3].tolist()
        (920, 'float32', [0, 1, 2])
        >>> test = speech.of_split("test")
        >>> len(test), test[3]["digit"], test[3]["audio"][1]
        (150, 3, 8000)
    """

    samples: Int16[np.ndarray, " samples"]
    offsets: Int64[np.ndarray, " boundaries"]
    digits: Int64[np.ndarray, " clips"]
    voices: tuple[str, ...]
    splits: tuple[str, ...]
    source: str
    ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.ids:
            names = (f"{d}_{voice}_{i}" for i, (d, voice) in enumerate(zip(self.digits, self.voices, strict=True)))
            object.__setattr__(self, "ids", tuple(names))
        for array in (self.samples, self.offsets, self.digits):
            array.flags.writeable = False  # one copy serves the whole process

    def __len__(self) -> int:
        return len(self.digits)

    @overload
    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> dict[str, Any] | list[dict[str, Any]]:
        """One sample, or the list of a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        i = range(len(self))[operator.index(index)]
        truth = {"voice": self.voices[i], "split": self.splits[i]}
        return {"id": self.ids[i], "audio": (self.clip(i), RATE), "digit": int(self.digits[i]), "truth": truth}

    def of_split(self, split: str) -> SpokenDigits:
        """The clips of a split. Raises ValueError as `in_split` does."""
        chosen = self.in_split(split).tolist()
        offsets = np.cumsum([0, *(self.offsets[i + 1] - self.offsets[i] for i in chosen)])
        return SpokenDigits(
            np.concatenate([self.samples[self.offsets[i] : self.offsets[i + 1]] for i in chosen]),
            offsets.astype(np.int64),
            self.digits[chosen],
            tuple(self.voices[i] for i in chosen),
            tuple(self.splits[i] for i in chosen),
            self.source,
            tuple(self.ids[i] for i in chosen),
        )

    def clip(self, number: int) -> Float32[np.ndarray, " samples"]:
        """Samples of one clip in -1..1, a fresh array, 8,000 a second."""
        start, stop = self.offsets[number], self.offsets[number + 1]
        return self.samples[start:stop].astype(np.float32) / np.float32(2**15)

    def in_split(self, split: str) -> Int64[np.ndarray, " clips_of_split"]:
        """Numbers of the clips of a split.

        Raises:
            ValueError: If the split lacks a digit.
        """
        clips = np.flatnonzero(np.array(self.splits) == split)
        missing = sorted(set(range(10)) - set(self.digits[clips].tolist()))
        if missing:
            raise ValueError(
                f"{self.source}: no recording of the digits {missing} in {split=}; every split needs all ten"
            )
        return clips


@lru_cache(maxsize=1)
def shipped_digits() -> SpokenDigits:
    """Read the 920 synthetic clips that the package ships, once per process.

    92 voices say ten digits once: 67 voices for training, 10 for validation, 15 for test. `make_spoken_digits.py`,
    in the folder of this module, made them with espeak-ng 1.52.0 and says by which rules. 350 s, 12 bits a sample,
    2.6 MiB.

    Raises:
        ValueError: If the file is unreadable, truncated or without its index.

    Example:
        >>> speech = shipped_digits()
        >>> len({voice for voice, split in zip(speech.voices, speech.splits) if split == "test"})
        15
    """
    return _read_with_index(_SHIPPED)


def _read_with_index(path: Path) -> SpokenDigits:
    """Clips of one FLAC file with the index in its comment, as `make_spoken_digits.py` writes it."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            comment = file.comment
            samples = file.read(dtype="int16")
    except (OSError, soundfile.SoundFileError) as error:
        raise ValueError(f"{path} is not readable as FLAC ({error}): install the package again") from error
    try:
        voices = json.loads(comment)["voices"]
        lengths = np.array([voice["lengths"] for voice in voices], dtype=np.int64).reshape(len(voices), 10)
        names = tuple(voice["voice"] for voice in voices for _ in range(10))
        splits = tuple(voice["split"] for voice in voices for _ in range(10))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} has no index of voices in its comment ({error!r}): install the package again"
        ) from error
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    if offsets[-1] != len(samples):
        raise ValueError(f"{path} holds {len(samples)} of {offsets[-1]} samples: install the package again")
    return SpokenDigits(samples, offsets, np.tile(np.arange(10), len(voices)), names, splits, str(path))
