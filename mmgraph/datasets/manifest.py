"""Manifests: a table with a row per sample, as CSV or as a JSON object per line."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Row:
    """A row of a manifest: its line in the file, and its cells by column, empty ones as None.

    Example:
        >>> Row(2, {"id": "a", "label": None}).cells["id"]
        'a'
    """

    line: int
    cells: Mapping[str, Cell]


def read_manifest(path: str | Path) -> tuple[tuple[str, ...], list[Row]]:
    r"""Columns and rows of a manifest: `.csv` (with a header, UTF-8) or `.jsonl` (an object of plain values per line).

    An empty cell, white space only or null is None; a key that a line of JSON does not have is None too.

    Raises:
        ValueError: naming file and line: if it is no such file, not UTF-8, cut off within a quotation or an object, has
            a row with more or fewer cells than the header, an empty or repeated column, a value that is an object or a
            list, or no row.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "manifest.csv")
        ...     _ = path.write_text("id,text,label\na,hello there,\n")
        ...     read_manifest(path)
        (('id', 'text', 'label'), [Row(line=2, cells={'id': 'a', 'text': 'hello there', 'label': None})])
    """
    path = Path(path)
    if path.suffix.lower() not in (".csv", ".jsonl"):
        raise ValueError(f"{path} is no manifest: give a .csv or .jsonl file")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}, line {line}: no UTF-8 text ({error.reason}); save it as UTF-8") from error
    columns, rows = _read_csv(path, text) if path.suffix.lower() == ".csv" else _read_jsonl(path, text)
    if not rows:
        raise ValueError(f"{path} has no row: a manifest has one per sample")
    return columns, rows


def _read_csv(path: Path, text: str) -> tuple[tuple[str, ...], list[Row]]:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)  # str.splitlines would cut at U+2028 and others
    try:
        columns = tuple(name.strip() for name in next(lines, []))
        if not columns or "" in columns or len(set(columns)) < len(columns):
            raise ValueError(f"{path}, line 1: the header has empty or repeated columns: {list(columns)}")
        rows = []
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                raise ValueError(f"{path}, line {lines.line_num}: {len(cells)} cells under {len(columns)} columns")
            values = (cell.strip() or None for cell in cells)
            rows.append(Row(lines.line_num, dict(zip(columns, values, strict=True))))
    except csv.Error as error:
        raise ValueError(f"{path}, line {lines.line_num}: no CSV ({error})") from error
    return columns, rows


def _read_jsonl(path: Path, text: str) -> tuple[tuple[str, ...], list[Row]]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                rows.append((number, dict(_cells(line))))
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{path}, line {number}: {error}") from error
    columns = tuple(dict.fromkeys(name for _, cells in rows for name in cells))
    return columns, [Row(number, {name: cells.get(name) for name in columns}) for number, cells in rows]


def _cells(line: str) -> Iterator[tuple[str, Cell]]:
    pairs = json.loads(line, object_pairs_hook=list)
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        raise ValueError(f"a JSON object is wanted, got {line.strip():.80}")
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError(f"a key is there twice: {line.strip():.80}")
    for name, value in pairs:
        if isinstance(value, list):
            raise ValueError(f"{name!r} is an object or a list: give a string, a number or null")
        yield name, (value.strip() or None) if isinstance(value, str) else value


def check_rows(path: Path, rows: list[Row], *, split: str | None, group: str | None) -> None:
    """Raise ValueError for an unknown split, or a group (a speaker, a video) with rows in two splits, naming the lines.

    Args:
        path: the manifest, for messages.
        rows: its rows.
        split: column of the split, None if there is none.
        group: column of what must not be in two splits, None if there is none.

    Example:
        >>> rows = [Row(2, {"split": "train", "speaker": "ann"}), Row(3, {"split": "test", "speaker": "ann"})]
        >>> check_rows(Path("m.csv"), rows, split="split", group="speaker")
        Traceback (most recent call last):
        ValueError: m.csv, line 3: speaker 'ann' is in test, and in train in line 2; a group belongs to one split
    """
    if split is None:
        return
    first: dict[str, Row] = {}
    for row in rows:
        name = row.cells[split]
        if name not in ("train", "val", "test"):
            raise ValueError(f"{path}, line {row.line}: split {name!r} is not 'train', 'val' or 'test'")
        own = None if group is None else row.cells[group]
        before = row if own is None else first.setdefault(_group_key(own), row)
        if before.cells[split] != name:
            raise ValueError(
                f"{path}, line {row.line}: {group} {own!r} is in {name}, and in {before.cells[split]} in line "
                f"{before.line}; a group belongs to one split"
            )


def _group_key(cell: str | float | bool) -> str:
    """One text for each group: a number in a line of JSON and the same number as a text are one speaker."""
    whole = isinstance(cell, bool | float) and float(cell).is_integer()
    return str(int(cell) if whole else cell)
