"""Texts as vectors without a vocabulary: hashed character n-grams."""

import math
import unicodedata
import zlib
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from jaxtyping import Float


def hashed_grams(words: Iterable[str], channels: int, low: int, high: int) -> Float[np.ndarray, " channels"]:
    """Counts of the character n-grams of some words, hashed to `channels` numbers, at length 1.

    A word stands between a space on either side, so that its beginning and end count: " cat " has the 3-grams " ca",
    "cat", "at ". Lower case, Unicode NFC. An n-gram adds 1 or -1, by another bit of its hash, so that collisions cancel
    on average (Weinberger et al. 2009); no word gives zeros.

    Example:
        >>> cat, cats, dog = (hashed_grams([word], 64, 3, 4) for word in ("cat", "cats", "dog"))
        >>> round(float(cat @ cat), 3), bool(cat @ cats > cat @ dog)
        (1.0, True)
    """
    counts = np.zeros(channels)
    for word in words:
        places, signs = _grams(word, channels, low, high)
        np.add.at(counts, places, signs)
    length = math.sqrt(float(counts @ counts))
    return (counts / length if length else counts).astype(np.float32)


def check_grams(channels: int, low: int, high: int) -> None:
    """Raises ValueError for sizes that `hashed_grams` cannot use.

    Example:
        >>> check_grams(256, 3, 4)
    """
    if channels < 1 or not 1 <= low <= high:
        raise ValueError(f"channels={channels}, low={low}, high={high}: take channels >= 1 and 1 <= low <= high")


@lru_cache(maxsize=1 << 16)
def _grams(word: str, channels: int, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """Place and sign of each n-gram of a word."""
    framed = f" {unicodedata.normalize('NFC', word).lower()} "
    # utf-32 can hold a lone surrogate and has four bytes per character, so n-grams are slices.
    data = framed.encode("utf-32-le", "surrogatepass")
    sizes = range(low, min(high, len(framed)) + 1) or (len(framed),)  # a word shorter than all n-grams counts whole
    hashes = np.array(
        [zlib.crc32(data[4 * i : 4 * (i + size)]) for size in sizes for i in range(len(framed) - size + 1)],
        dtype=np.uint64,
    )
    # The lowest bits of a CRC of short texts are not independent of each other; a multiplication mixes them.
    mixed = ((hashes * 0x9E3779B1) & 0xFFFFFFFF).astype(np.int64)
    sign = ((mixed >> 31) ^ hashes.astype(np.int64)) & 1
    return (mixed >> 1) % channels, 1.0 - 2.0 * sign
