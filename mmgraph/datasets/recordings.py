"""Recordings of spoken digits by people: folders in the naming of the Free Spoken Digit Dataset."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int16, Int64

from mmgraph.datasets.speech import RATE, SpokenDigits

_PATTERN = "{digit}_{speaker}_{take}.wav"
_NAME = re.compile(r"(\d)_(.+)_(\d+)\.wav", re.IGNORECASE)
_UNKNOWN_SIZE = 2**32 - 1  # what a program writes into a WAV file that it streams


def find_recordings() -> Path | None:
    """Folder of recordings that the environment variable `MMGRAPH_DATA` points to, or None.

    It may name the folder of the `.wav` files, or one that holds them as `recordings` or `fsdd/recordings`.

    Example:
        >>> folder = find_recordings()
        >>> folder is None or any(folder.glob("*.wav"))
        True
    """
    root = os.environ.get("MMGRAPH_DATA")
    if not root:
        return None
    candidates = (Path(root), Path(root, "recordings"), Path(root, "fsdd", "recordings"))
    return next((folder for folder in candidates if any(folder.glob("*.wav"))), None)


def recorded_digits(folder: str | Path, *, test_speaker: str | None = None) -> SpokenDigits:
    """Read a folder of recordings `{digit}_{speaker}_{take}.wav`, split by leaving one speaker out.

    The test split is all of one speaker; the takes of the others are training, but for each speaker's first tenth
    of takes (by number, at least one), which are validation. So validation measures *new takes of known speakers*
    and is easier than the test, which measures an unknown speaker: choose models by it, but do not read it as an
    estimate of the test.

    Recordings are used as they are (no trimming, no change of loudness), but channels are averaged and other rates
    are resampled to 8 kHz with a low-pass filter. Files that are not `.wav` are left alone. The folder is read once
    per process unless a file changes.

    Args:
        folder: Where the files are; not searched below.
        test_speaker: Who is left out; the alphabetically last speaker if None.

    Raises:
        ValueError: If the folder has no `.wav` file; if one has another kind of name, is unreadable, truncated,
        empty or not
            finite; if there are fewer than two speakers, the speaker is unknown, or a speaker has one take only.

    Example:
        >>> import soundfile, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("7_ada_0", "7_ada_1", "7_bob_0"):
        ...         soundfile.write(f"{folder}/{name}.wav", np.ones(80), 8000)
        ...     speech = recorded_digits(folder)
        >>> dict(zip(speech.voices, speech.splits)), len(speech)
        ({'ada': 'train', 'bob': 'test'}, 3)
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{str(folder)!r} is not a folder: give the one with the files {_PATTERN}")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".wav" and path.is_file())
    if not paths:
        raise ValueError(f"{str(folder)!r} holds no .wav file: give the folder with the files {_PATTERN}")
    names = [_parse_name(path) for path in paths]
    splits = _leave_one_out(names, test_speaker, folder)
    states = [path.stat() for path in paths]
    files = tuple((path, state.st_size, state.st_mtime_ns) for path, state in zip(paths, states, strict=True))
    samples, offsets = _read_files(files)
    digits = np.array([digit for digit, _, _ in names], dtype=np.int64)
    voices, ids = tuple(speaker for _, speaker, _ in names), tuple(path.stem for path in paths)
    return SpokenDigits(samples, offsets, digits, voices, splits, str(folder), ids)


def _parse_name(path: Path) -> tuple[int, str, int]:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(f"{str(path)!r} is not named {_PATTERN}, as in 7_jackson_32.wav")
    return int(match[1]), match[2], int(match[3])


def _leave_one_out(names: list[tuple[int, str, int]], test_speaker: str | None, folder: Path) -> tuple[str, ...]:
    """Split of each file; a take of a speaker is whole in one split, whatever its digits."""
    takes: dict[str, set[int]] = {}
    for _, speaker, take in names:
        takes.setdefault(speaker, set()).add(take)
    speakers = sorted(takes)
    if len(speakers) < 2:
        raise ValueError(f"{str(folder)!r} has the speaker {speakers[0]!r} only: leaving one out needs two or more")
    left_out = speakers[-1] if test_speaker is None else test_speaker
    if left_out not in takes:
        raise ValueError(f"{test_speaker=} is not in {str(folder)!r}: choose one of {speakers}")
    validation: dict[str, set[int]] = {}
    for speaker in speakers:
        if speaker != left_out and len(takes[speaker]) < 2:
            raise ValueError(
                f"speaker {speaker!r} in {str(folder)!r} has one take only: training and validation need two"
            )
        validation[speaker] = set(sorted(takes[speaker])[: max(1, len(takes[speaker]) // 10)])
    return tuple(
        "test" if speaker == left_out else ("val" if take in validation[speaker] else "train")
        for _, speaker, take in names
    )


@lru_cache(maxsize=2)
def _read_files(
    files: tuple[tuple[Path, int, int], ...],
) -> tuple[Int16[np.ndarray, " samples"], Int64[np.ndarray, " boundaries"]]:
    """All clips and their offsets; size and time of each file are there to notice a change."""
    clips = [_read_wav(path) for path, _, _ in files]
    offsets = np.concatenate([[0], np.cumsum([len(clip) for clip in clips])]).astype(np.int64)
    return np.concatenate(clips), offsets


def _read_wav(path: Path) -> Int16[np.ndarray, " samples"]:
    import soundfile

    try:
        with path.open("rb") as file:
            head = file.read(8)
        samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise ValueError(f"{str(path)!r} is not readable as WAV ({error}): convert or remove it") from error
    announced, size = int.from_bytes(head[4:8], "little"), path.stat().st_size
    if head[:4] == b"RIFF" and announced != _UNKNOWN_SIZE and size < announced + 8:
        # libsndfile reads what there is and says nothing
        raise ValueError(f"{str(path)!r} is truncated: {size} of {announced + 8} bytes; copy it again")
    if not len(samples) or not np.isfinite(samples).all():
        raise ValueError(f"{str(path)!r} has {len(samples)} samples, finite numbers needed: record or remove it")
    mono = _to_8k(samples.mean(axis=1), rate)
    return np.clip(np.round(mono * 2**15), -(2**15), 2**15 - 1).astype(np.int16)


def _to_8k(samples: Float[np.ndarray, " before"], rate: int) -> Float[np.ndarray, " after"]:
    if rate == RATE:
        return samples
    from scipy.signal import firwin, resample_poly

    divisor = int(np.gcd(rate, RATE))
    up, down = RATE // divisor, rate // divisor
    # 90 dB down from half of the lower rate on, so nothing folds back
    low_pass = firwin(64 * max(up, down) + 1, 0.456 * min(rate, RATE), window=("kaiser", 8.6), fs=rate * up)
    return resample_poly(samples, up, down, window=low_pass)
