"""Labels of a manifest: whole numbers, numbers or names."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmgraph.datasets.manifest import Cell, Row


@dataclass(frozen=True)
class Labels:
    """How the cells of a column become labels.

    Attributes:
        column: of the manifest.
        kind: int, float or str.
        classes: names of the classes, where labels are names.

    Example:
        >>> Labels("label", str, ("cat", "dog")).value(Row(2, {"label": "dog"}))
        1
    """

    column: str
    kind: type
    classes: tuple[str, ...] = ()

    def value(self, row: Row) -> int | float | None:
        """The label of a row, None where its cell is empty."""
        cell = row.cells[self.column]
        if cell is None:
            return None
        if self.kind is str:
            return self.classes.index(str(cell))
        number: int | float = self.kind(cell)
        return number


def read_labels(path: Path, rows: Sequence[Row], column: str) -> Labels:
    """The kind of a column: whole numbers if all cells are, else numbers if all are, else names.

    Raises:
        ValueError: naming file and line: if no cell is filled, a number is not finite or beyond 64 bits, or the column
            has both JSON numbers and names.

    Example:
        >>> read_labels(Path("m.csv"), [Row(2, {"mood": "0.5"}), Row(3, {"mood": "1"}), Row(4, {"mood": None})], "mood")
        Labels(column='mood', kind=<class 'float'>, classes=())
    """
    filled = [row for row in rows if row.cells[column] is not None]
    if not filled:
        raise ValueError(f"{path} has no label in column {column!r}: fill it, or leave it out of labels=")
    for kind in (int, float):
        numbers = [_number(row.cells[column], kind) for row in filled]
        if None not in numbers:
            for row, number in zip(filled, numbers, strict=True):
                if number is None or not math.isfinite(number) or (kind is int and not -(2**63) <= number < 2**63):
                    raise ValueError(f"{path}, line {row.line}: {column} {row.cells[column]!r} is no number to learn")
            return Labels(column, kind)
    odd = [row for row in filled if not isinstance(row.cells[column], str)]
    if odd:
        where = f"{path}, line {odd[0].line}"
        raise ValueError(f"{where}: {column} {odd[0].cells[column]!r} is no name, and others are no numbers")
    return Labels(column, str, tuple(sorted({str(row.cells[column]) for row in filled})))


def _number(cell: Cell, kind: type[int] | type[float]) -> int | float | None:
    if (isinstance(cell, float) and kind is int) or (isinstance(cell, str) and "_" in cell):
        return None  # int("1_0") is 10, but hardly meant so
    try:
        return kind(cell)  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None
