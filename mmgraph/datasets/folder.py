"""A folder of your own files with a manifest: image, sound and text per row, labels, splits, speakers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, SupportsIndex, overload

from mmgraph.datasets.labels import Labels, read_labels
from mmgraph.datasets.manifest import Row, check_rows, read_manifest
from mmgraph.media import decode_image, decode_sound, decode_text

KINDS: Mapping[str, Callable[[bytes], Any]] = {"image": decode_image, "sound": decode_sound, "text": decode_text}
"""How a file becomes a raw input."""
MAX_BYTES = 1 << 30
"""Bytes that one file may have."""


@dataclass(frozen=True)
class Problem:
    """A file that cannot be used.

    Attributes:
        line: of the manifest.
        id: of the sample.
        column: of the manifest.
        file: as it stands there.
        message: what is wrong.

    Example:
        >>> print(Problem(3, "cat-1", "image", "cat.png", "the file is empty"))
        line 3 (cat-1), image cat.png: the file is empty
    """

    line: int
    id: str
    column: str
    file: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line} ({self.id}), {self.column} {self.file}: {self.message}"


@dataclass(frozen=True)
class Folder(Sequence[dict[str, Any]]):
    r"""Samples of a folder with a manifest, read when they are asked for.

    **Data set card**

    - *Source, licence*: yours.
    - *Size*: a row per sample of `manifest.csv` (with a header) or `manifest.jsonl` (an object per line). Columns:
      `id`, unique (the row's line if there is no such column); `image` and `audio`, files relative to the folder;
      `text`, the text itself, or `text_file`, a UTF-8 file with it; `label`. Other names of columns are given to the
      constructor, further columns land in `truth`. An empty cell is a missing input, or a label that is masked.
    - *Splits*: column `split` with train, val, test; without the column there is one set, read with `split=None`.
    - *Known confounds*: those of your data. Name in `group` what must not be in two splits (a speaker, a video, a
      page); then it is checked. Nobody checks that images or texts are not in two splits under other names.

    A sample is a dict: `id`, a key per input column (image: uint8 [height, width, 3]; sound: samples and rate; text:
    str), a key per label column, and `truth` with the other cells.

    Labels are whole numbers where every cell of the column is one, else numbers where every cell is one, else names,
    which become their number in `classes[column]`, in the order of the alphabet, of all splits together.

    Args:
        root: the folder.
        split: "train", "val" or "test"; None for all rows.
        manifest: its file in the folder; `manifest.csv` or `manifest.jsonl`, whichever is there, if None.
        files: kind of each column of files, "image", "sound" or "text"; columns that the manifest lacks are left out.
            A column that ends in `_file` gives the input without that ending.
        texts: columns of texts that stand in the manifest itself.
        labels: columns of labels.
        group: column of what must not be in two splits; `speaker` or `group`, where there is one, if None.
        broken: what becomes of a file that is not there or cannot be read: "raise" an error, or take the input as
            "missing". `problems()` lists these files either way.

    Raises:
        ValueError: naming file and line: a manifest that cannot be read (see `read_manifest`), no or repeated ids, an
            unknown or empty split, a group in two splits, a file outside the folder, a row without input, a column that
            is two things or not there. When a sample is read: a file that cannot be, or a row with no usable input.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as root:
        ...     _ = Path(root, "manifest.csv").write_text("id,text,label\na,good,yes\nb,bad,no\nc,dunno,\n")
        ...     data = Folder(root)
        ...     data[0]["label"], data[2]["label"], data.classes
        (1, None, {'label': ('no', 'yes')})
    """

    root: str | Path
    split: str | None = None
    _: KW_ONLY
    manifest: str | None = None
    files: Mapping[str, str] = field(default_factory=lambda: {"image": "image", "audio": "sound", "text_file": "text"})
    texts: Sequence[str] = ("text",)
    labels: Sequence[str] = ("label",)
    group: str | None = None
    broken: str = "raise"
    path: Path = field(init=False, repr=False, compare=False)
    rows: tuple[Row, ...] = field(init=False, repr=False, compare=False)
    _labels: Mapping[str, Labels] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.broken not in ("raise", "missing"):
            raise ValueError(f"broken={self.broken!r} is not 'raise' or 'missing'")
        unknown = [kind for kind in self.files.values() if kind not in KINDS]
        if unknown:
            raise ValueError(f"files has the unknown kinds {unknown}; there are {list(KINDS)}")
        object.__setattr__(self, "path", self._find_manifest())
        columns, rows = read_manifest(self.path)
        self._check_columns(columns)
        group = self.group or next((name for name in ("speaker", "group") if name in columns), None)
        check_rows(self.path, rows, split="split" if "split" in columns else None, group=group)
        self._check_ids(rows)
        for row in rows:
            self._check_inputs(row)
        labels = {name: read_labels(self.path, rows, name) for name in self.labels if name in columns}
        object.__setattr__(self, "_labels", labels)
        object.__setattr__(self, "rows", self._of_split(columns, rows))

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """Names of the classes of each label column that holds names; the number of a class is its place."""
        return {name: labels.classes for name, labels in self._labels.items() if labels.classes}

    def problems(self) -> tuple[Problem, ...]:
        """Every file of these rows that is not there or cannot be read; reads them all."""
        return tuple(problem for row in self.rows for problem in self._inputs(row)[1])

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> dict[str, Any] | list[dict[str, Any]]:
        """One sample, or the list of a slice."""
        if isinstance(index, slice):
            return [self._sample(row) for row in self.rows[index]]
        return self._sample(self.rows[operator.index(index)])

    def _sample(self, row: Row) -> dict[str, Any]:
        inputs, problems = self._inputs(row)
        if problems and (self.broken == "raise" or all(value is None for value in inputs.values())):
            cure = "broken='missing' goes on without it" if self.broken == "raise" else "no other input; drop the row"
            raise ValueError(f"{self.path}, {'; '.join(map(str, problems))} ({cure})")
        taken = {"id", "split", *self.files, *self.texts, *self._labels}
        truth = {name: cell for name, cell in row.cells.items() if name not in taken}
        labels = {name: column.value(row) for name, column in self._labels.items()}
        return {"id": _id(row), **inputs, **labels, "truth": truth}

    def _inputs(self, row: Row) -> tuple[dict[str, Any], list[Problem]]:
        inputs: dict[str, Any] = {name: _text(row.cells[name]) for name in self.texts if name in row.cells}
        problems = []
        for column, kind, file in self._files_of(row):
            key = column.removesuffix("_file")
            inputs.setdefault(key, None)
            if file is not None:
                try:
                    inputs[key] = KINDS[kind](_read(Path(self.root, file)))
                except ValueError as error:
                    problems.append(Problem(row.line, _id(row), column, file, str(error)))
        return inputs, problems

    def _files_of(self, row: Row) -> Iterator[tuple[str, str, str | None]]:
        for column, kind in self.files.items():
            if column in row.cells:
                cell = row.cells[column]
                yield column, kind, None if cell is None else str(cell)

    def _find_manifest(self) -> Path:
        names = ("manifest.csv", "manifest.jsonl") if self.manifest is None else (self.manifest,)
        found = [path for path in (Path(self.root, name) for name in names) if path.is_file()]
        if len(found) != 1:
            raise ValueError(f"{str(self.root)!r} has {len(found)} of {' and '.join(names)}: there has to be one")
        return found[0]

    def _check_columns(self, columns: tuple[str, ...]) -> None:
        inputs = [name for name in (*self.files, *self.texts) if name in columns]
        named = [*self.files, *self.texts, *self.labels]
        if len(set(named)) < len(named):
            raise ValueError(f"a column is one thing: files {list(self.files)}, {self.texts=}, {self.labels=}")
        if not inputs:
            raise ValueError(f"{self.path} has none of the input columns {[*self.files, *self.texts]}: {list(columns)}")
        wanted = [name for name in self.labels if name != "label"] + ([self.group] if self.group else [])
        lacking = [name for name in wanted if name not in columns]
        if lacking:
            raise ValueError(f"{self.path} has no column {lacking}: {list(columns)}")

    def _check_ids(self, rows: list[Row]) -> None:
        first: dict[str, int] = {}
        for row in rows:
            if "id" in row.cells and row.cells["id"] is None:
                raise ValueError(f"{self.path}, line {row.line}: the id is empty")
            before = first.setdefault(_id(row), row.line)
            if before != row.line:
                raise ValueError(f"{self.path}, line {row.line}: id {_id(row)!r} is also in line {before}")

    def _check_inputs(self, row: Row) -> None:
        keys = [column.removesuffix("_file") for column, _, file in self._files_of(row) if file is not None]
        keys += [name for name in self.texts if row.cells.get(name) is not None]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if not keys or twice:
            what = f"{twice[0]!r} is given twice" if twice else "no input: all of its cells are empty"
            raise ValueError(f"{self.path}, line {row.line}: {what}")
        for column, _, file in self._files_of(row):
            if file is not None:
                parts = PurePosixPath(file.replace("\\", "/")).parts
                if ".." in parts or parts[:1] == ("/",) or Path(file).is_absolute() or "\0" in file:
                    raise ValueError(f"{self.path}, line {row.line}: {column} {file!r} leads out of the folder")

    def _of_split(self, columns: tuple[str, ...], rows: list[Row]) -> tuple[Row, ...]:
        if self.split is None:
            return tuple(rows)
        if "split" not in columns:
            raise ValueError(f"{self.path} has no column 'split': split={self.split!r} cannot be told")
        chosen = tuple(row for row in rows if row.cells["split"] == self.split)
        if not chosen:
            raise ValueError(f"{self.path} has no row of split={self.split!r}: train, val and test are the names")
        return chosen


def _id(row: Row) -> str:
    return str(row.cells["id"]) if "id" in row.cells else f"line-{row.line}"


def _text(cell: object) -> str | None:
    return None if cell is None else str(cell)


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise ValueError("there is no such file")
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path.stat().st_size:,} bytes, more than {MAX_BYTES:,}")
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read ({error})") from error
