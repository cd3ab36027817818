"""scikit-learn's handwritten digits and their division into training, validation and test."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Int64

_SEED = 0  # of the division; another number would be another data set
_SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}


@lru_cache(maxsize=1)
def handwritten_digits() -> tuple[Float32[np.ndarray, "pictures 8 8"], Int64[np.ndarray, " pictures"]]:
    """Read the 1,797 pictures of 8x8 pixels in 0..1 (ink is 1) and the digit on each, once per process.

    Example:
        >>> pictures, labels = handwritten_digits()
        >>> pictures.shape, labels.shape
        ((1797, 8, 8), (1797,))
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    pictures, labels = (data.images / 16).astype(np.float32), data.target.astype(np.int64)
    pictures.flags.writeable = labels.flags.writeable = False  # one copy serves the whole process
    return pictures, labels


@lru_cache(maxsize=1)
def split_pictures() -> dict[str, Int64[np.ndarray, " _"]]:
    """Give the numbers of the pictures of each split: of every digit 70 % train, 10 % val and 20 % test.

    The pictures carry no writer ids, so a writer may be in two splits.

    Example:
        >>> parts = split_pictures()
        >>> list(parts), sum(len(pictures) for pictures in parts.values())
        (['train', 'val', 'test'], 1797)
    """
    labels = handwritten_digits()[1]
    random = np.random.default_rng(_SEED)
    parts: dict[str, list[np.ndarray]] = {split: [] for split in _SHARES}
    for digit in range(10):
        pictures = random.permutation(np.flatnonzero(labels == digit))
        ends = np.round(np.cumsum(list(_SHARES.values())) * len(pictures)).astype(int)
        for split, part in zip(_SHARES, np.split(pictures, ends[:-1]), strict=True):
            parts[split].append(part)
    return {split: np.sort(np.concatenate(chosen)) for split, chosen in parts.items()}
