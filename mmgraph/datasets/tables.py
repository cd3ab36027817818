"""What the readers of feature files share: tables of numbers, names and ids that were checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32


def numbers(value: object, axes: int, what: str) -> np.ndarray:
    """An array of numbers with so many axes, none of them but the first and second empty.

    Raises:
        ValueError: naming `what`, if it is something else.

    Example:
        >>> numbers([[1, 2]], 2, "audio").shape
        (1, 2)
    """
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        array = np.asarray(None)
    if array.dtype.kind not in "fiub" or array.ndim != axes:
        raise ValueError(f"{what} is an array of numbers with {axes} axes, got {array.dtype} of shape {array.shape}")
    return array


def table(value: object, what: str, *, lowest: float | None = None) -> Float32[np.ndarray, "rows columns"]:
    """A table of numbers as float32, without NaN and infinite values.

    Args:
        value: the table.
        what: its name, for messages.
        lowest: what -inf becomes; None: it is an error as the others are.

    Raises:
        ValueError: naming `what`, and the row and column of a value that is not finite.

    Example:
        >>> table([[1, float("-inf")]], "audio", lowest=0).tolist()
        [[1.0, 0.0]]
    """
    array = numbers(value, 2, what)
    with np.errstate(over="ignore"):
        rows = array.astype(np.float32)
    if lowest is not None:
        rows[array == -np.inf] = lowest
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0].tolist()
        raise ValueError(f"{what} has {array[row, column]} in row {row}, column {column}: no finite float32")
    return rows


def names(value: object, what: str) -> list[str]:
    """One string per sample from a list or array of strings, numbers, or rows of these (joined by `/`).

    Raises:
        ValueError: naming `what`, if an entry is something else.

    Example:
        >>> names(np.array([["vid", "0.5"], ["vid", "1.5"]]), "id"), names([b"a", 7], "id")
        (['vid/0.5', 'vid/1.5'], ['a', '7'])
    """
    if not isinstance(value, list | tuple | np.ndarray) or (isinstance(value, np.ndarray) and value.ndim == 0):
        raise ValueError(f"{what} is a list of names, got {type(value).__name__}")
    return [_name(entry, what) for entry in value]


def _name(entry: object, what: str, depth: int = 0) -> str:
    if isinstance(entry, np.ndarray | list | tuple) and depth < 3:
        parts = [entry.item()] if isinstance(entry, np.ndarray) and entry.ndim == 0 else entry
        return "/".join(_name(part, what, depth + 1) for part in parts)
    if isinstance(entry, bytes):
        return entry.decode("utf-8", errors="replace")
    if isinstance(entry, str | int | float | np.number) and not isinstance(entry, bool):
        return str(entry)
    raise ValueError(f"{what} has a {type(entry).__name__} where a name is wanted")


def check_unique(ids: Iterable[str], where: str) -> None:
    """Raise ValueError for an id that comes twice, naming both places.

    Example:
        >>> check_unique(["a", "b", "a"], "train")
        Traceback (most recent call last):
        ValueError: train: id 'a' of sample 2 is that of sample 0 too
    """
    first: dict[str, int] = {}
    for number, name in enumerate(ids):
        if first.setdefault(name, number) != number:
            raise ValueError(f"{where}: id {name!r} of sample {number} is that of sample {first[name]} too")


def find_split(content: object, split: str) -> Mapping[str, Any]:
    """The part of a file that is a dict of splits; validation may be called `val`, `valid`, `validation` or `dev`.

    Raises:
        ValueError: naming the splits that there are.

    Example:
        >>> find_split({"valid": {"id": ["a"]}}, "val")
        {'id': ['a']}
    """
    if split not in ("train", "val", "test"):
        raise ValueError(f"{split=} is not 'train', 'val' or 'test'")
    aliases = ("val", "valid", "validation", "dev") if split == "val" else (split,)
    found = [name for name in aliases if isinstance(content, Mapping) and name in content]
    if not isinstance(content, Mapping) or len(found) != 1 or not isinstance(content[found[0]], Mapping):
        there = [str(name) for name in content][:8] if isinstance(content, Mapping) else type(content).__name__
        raise ValueError(f"there is no one dict of {split=}, but {there}")
    part: Mapping[str, Any] = content[found[0]]
    return part


def check_lengths(columns: Mapping[str, Sequence[Any] | np.ndarray], where: str) -> int:
    """How many samples all columns have.

    Raises:
        ValueError: naming the columns and their lengths, if these differ, or there is no sample.

    Example:
        >>> check_lengths({"id": ["a", "b"], "audio": np.zeros((2, 3))}, "train")
        2
    """
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise ValueError(f"{where}: every column has an entry per sample, and there is one, got {lengths}")
    return next(iter(lengths.values()))
