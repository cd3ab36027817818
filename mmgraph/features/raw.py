"""What the front ends share: saying which raw input was wrong, and putting the nodes of many inputs together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from mmgraph.graph import DTYPES, Field, NodeSet, Texts
from mmgraph.graph.ragged import to_ptr

Checked = TypeVar("Checked")

Part = tuple[Float[Tensor, "_ _"], Mapping[str, Shaped[Tensor, "..."] | Sequence[str]]]
"""Nodes of one input: features, and attributes with a row (or a string) per node."""


class FrontEnd(Protocol):
    """What a front end is to one that wraps it: a frozen dataclass, raw inputs to nodes."""

    @property
    def channels(self) -> int:
        """Channels of the node features."""

    @property
    def attributes(self) -> Mapping[str, Field]:
        """The attributes that the nodes carry."""

    def fit(self, raws: Iterable[Any]) -> Self:
        """A front end that has learned from raw training inputs; itself where there is nothing to learn."""

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """Nodes of each raw input, none where it is None."""


def check_each(raws: Sequence[object], check: Callable[[object], Checked]) -> list[tuple[int, Checked]]:
    """Position and checked value of each raw input that is not None.

    Raises:
        ValueError: what `check` raised, with a note that says where, if there is more than one input.
    """
    checked = []
    for index, raw in enumerate(raws):
        if raw is None:
            continue
        try:
            checked.append((index, check(raw)))
        except ValueError as error:
            if len(raws) > 1:
                error.add_note(f"in input {index} of {len(raws)}")
            raise
    return checked


def join(parts: Sequence[tuple[int, Part]], length: int, channels: int, fields: Mapping[str, Field]) -> NodeSet:
    """The nodes of `length` inputs from those of each input that has some; the others have no nodes.

    Args:
        parts: position of an input, in rising order, and its nodes.
        length: number of inputs.
        channels: of the features.
        fields: attributes of the nodes.

    Raises:
        ValueError: if a feature is not finite, as numbers that are too large become on the way.

    Example:
        >>> nodes = join([(1, (torch.ones(2, 3), {"text": ["a", "b"]}))], 2, 3, {"text": Field("text")})
        >>> nodes.counts.tolist(), nodes.attributes["text"].tolist()
        ([0, 2], ['a', 'b'])
    """
    counts = torch.zeros(length, dtype=torch.int64)
    for index, (x, _) in parts:
        counts[index] = len(x)
        if not bool(x.isfinite().all()):
            row, column = torch.nonzero(~x.isfinite())[0].tolist()
            raise ValueError(f"input {index} of {length}: feature {column} of node {row} is {float(x[row, column])}")
    attributes: dict[str, Tensor | Texts] = {}
    for name, field in fields.items():
        values = [attribute[name] for _, (_, attribute) in parts]
        if field.dtype == "text":
            attributes[name] = Texts.of(string for part in values for string in part)
            continue
        none = torch.zeros(0, *field.shape, dtype=DTYPES[field.dtype])
        rows = [value.to(none.dtype) for value in values if isinstance(value, Tensor)]
        attributes[name] = torch.cat([none, *rows])
    return NodeSet(torch.cat([torch.zeros(0, channels), *(x for _, (x, _) in parts)]), to_ptr(counts), attributes)


def text_of(raw: object, taker: str) -> str:
    """The text itself. Raises ValueError for anything that is not a str.

    Example:
        >>> text_of("left", "Words")
        'left'
    """
    if not isinstance(raw, str):
        raise ValueError(f"{taker} takes str, got {type(raw).__name__}: {raw!r:.80}")
    return raw


def encodable(text: str) -> str:
    """The text with U+FFFD for each lone surrogate, which tokenizers cannot take; places in it stay the same.

    Example:
        >>> encodable("a" + chr(0xD800)) == "a" + chr(0xFFFD)
        True
    """
    return text if text.isascii() else "".join("\ufffd" if 0xD800 <= ord(c) < 0xE000 else c for c in text)


def rows_of(value: object, columns: int | None, what: str, *, finite: bool = True) -> Float[np.ndarray, "rows columns"]:
    """A table of numbers as float32 [rows, columns]; one column may be given without its axis.

    Args:
        value: an array, tensor or nested list.
        columns: how many there have to be, None for any number.
        what: its name, for messages.
        finite: whether NaN and infinite values are refused.

    Raises:
        ValueError: if it is no such table; a value that is not finite is named with its row and column.

    Example:
        >>> rows_of([[1, 2], [3, 4]], 2, "span").tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    table = _table(value, columns, what)
    if finite and not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0].tolist()
        raise ValueError(f"{what} has {table[row, column]} in row {row}, column {column}; give finite numbers")
    with np.errstate(over="ignore"):
        small = table.astype(np.float32)
    if not np.array_equal(np.isfinite(small), np.isfinite(table)):
        row, column = np.argwhere(np.isfinite(small) != np.isfinite(table))[0].tolist()
        raise ValueError(f"{what} has {table[row, column]} in row {row}, column {column}: too large for float32")
    return small


def _table(value: object, columns: int | None, what: str) -> np.ndarray:
    try:
        table = np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{what} is a table [rows, columns] of numbers, got rows of different lengths") from error
    if table.size == 0 and table.ndim == 1 and columns is not None:
        table = np.zeros((0, columns), dtype=np.float32)
    if table.dtype.kind not in "fiub":
        raise ValueError(f"{what} is a table [rows, columns] of numbers, got {table.dtype}")
    if columns == 1 and table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2 or (columns is not None and table.shape[1] != columns):
        wanted = f"[rows, {'columns' if columns is None else columns}]"
        raise ValueError(f"{what} has shape {list(table.shape)}, expected {wanted}")
    return table if table.dtype.kind == "f" else table.astype(np.float64)


def extra(package: str, name: str) -> str:
    """The message for a package that is not installed.

    Example:
        >>> extra("scikit-image", "image")
        'scikit-image is not installed: pip install "mmgraph[image]"'
    """
    return f'{package} is not installed: pip install "mmgraph[{name}]"'
