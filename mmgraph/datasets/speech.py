"""Clips of spoken digits, and the synthetic ones that the package ships."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int16, Int64

RATE = 8000
SPLITS = ("train", "val", "test")
_SHIPPED = Path(__file__).with_name("spoken_digits.flac")


@dataclass(frozen=True, eq=False)
class SpokenDigits:
    """Clips of spoken digits at 8 kHz, each with its digit, its voice and the split it belongs to.

    Attributes:
        samples: All clips, one after the other, 16-bit.
        offsets: Where each clip starts in `samples`, and the end of the last one.
        digits: The digit that each clip says.
        voices: Who says it, per clip.
        splits: `"train"`, `"val"` or `"test"`, per clip.
        source: Where the clips came from, for messages.

    Example:
        >>> speech = shipped_digits()
        >>> len(speech), speech.clip(0).dtype.name, speech.digits[:3].tolist()
        (920, 'float32', [0, 1, 2])
    """

    samples: Int16[np.ndarray, " samples"]
    offsets: Int64[np.ndarray, " boundaries"]
    digits: Int64[np.ndarray, " clips"]
    voices: tuple[str, ...]
    splits: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        for array in (self.samples, self.offsets, self.digits):
            array.flags.writeable = False  # one copy serves the whole process

    def __len__(self) -> int:
        return len(self.digits)

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
