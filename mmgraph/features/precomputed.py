"""`Features`: features that were computed elsewhere, of any modality."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmgraph.features.raw import Part, check_each, join, rows_of
from mmgraph.features.scaling import check_statistics, running_statistics
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet


@dataclass(frozen=True)
class Features:
    """One node per row of a table of features: precomputed ones, embeddings, landmarks, a sensor's readings.

    A raw input is a table [rows, channels], or a mapping with the table under `features` and, where the front end asks
    for them, `span` [rows, 2] (start and end in seconds), `box` [rows, 4] (x1 y1 x2 y2 in 0..1) and `text` (a string
    per row). A table without rows has no nodes. Nodes carry `position` (the number of the row in the table) and what
    was asked for.

    Args:
        channels: columns of the table.
        rate: rows per second; row i then has the span i / rate to (i + 1) / rate.
        span: whether inputs bring their `span`.
        box: whether inputs bring their `box`.
        text: whether inputs bring their `text`.
        unknown: what becomes of a value that is not finite: "error" refuses the input, "zero" takes 0 for the value
            (after `fit` that is the mean), "drop" leaves out the row.
        standardise: whether `fit` learns mean and deviation of each column, which then become 0 and 1.
        mean: of each column, learned by `fit`.
        std: standard deviation of each column, learned by `fit`.

    Raises:
        ValueError: on channels below 1, a rate that is not positive or comes with `span`, another `unknown`, statistics
            that are not one per column; when called, on an input of another form or size, a value that is not finite, a
            span that ends before it starts, a box that is none (all name the row).

    Example:
        >>> glove = Features(2, span=True, unknown="drop")
        >>> raw = {"features": [[1, 2], [float("nan"), 4], [5, 6]], "span": [[0, 1], [1, 2], [2, 3]]}
        >>> nodes = glove([raw, None])
        >>> nodes.x.tolist(), nodes.attribute("span").tolist(), nodes.attribute("position").tolist()
        ([[1.0, 2.0], [5.0, 6.0]], [[0.0, 1.0], [2.0, 3.0]], [0, 2])
    """

    channels: int
    _: KW_ONLY
    rate: float | None = None
    span: bool = False
    box: bool = False
    text: bool = False
    unknown: Literal["error", "zero", "drop"] = "error"
    standardise: bool = False
    mean: Sequence[float] = field(default=(), repr=False)
    std: Sequence[float] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", tuple(self.mean))
        object.__setattr__(self, "std", tuple(self.std))
        if self.channels < 1:
            raise ValueError(f"channels={self.channels}: give at least 1")
        if self.rate is not None and (self.span or not 0 < self.rate < float("inf")):
            raise ValueError(f"rate={self.rate}, span={self.span}: give a positive rate, or span=True, not both")
        if self.unknown not in ("error", "zero", "drop"):
            raise ValueError(f"unknown={self.unknown!r} is not 'error', 'zero' or 'drop'")
        check_statistics(self.mean, self.std, self.channels)

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`position`, and `span`, `box`, `text` where they are asked for."""
        wanted = {"position": True, "span": self.span or self.rate is not None, "box": self.box, "text": self.text}
        return {name: STANDARD_ATTRIBUTES[name] for name, given in wanted.items() if given}

    def fit(self, raws: Iterable[Any]) -> Self:
        """With `standardise` the same with mean and deviation of each column over these tables; else itself.

        Of what is known: with "drop" of the rows that stay, with "zero" of all values that are finite.

        Raises:
            ValueError: if there is no row, or nothing known in a column, or for an input as in a call.
        """
        if not self.standardise:
            return self
        plain = replace(self, mean=(), std=())
        mean, std = running_statistics((plain._known(raw) for raw in raws), self.channels, "Features")
        return replace(self, mean=mean, std=std)

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The rows of each input, none where it is None."""
        return join(check_each(raws, self._rows), len(raws), self.channels, self.attributes)

    def _known(self, raw: object) -> Tensor:
        """Features of the nodes of an input, NaN where a zero stands for what is unknown."""
        x = self([raw]).x
        if self.unknown == "zero" and raw is not None:
            given = raw["features"] if isinstance(raw, Mapping) else raw
            table = rows_of(given, self.channels, "features", finite=False)
            x[torch.from_numpy(~np.isfinite(table))] = torch.nan
        return x

    def _rows(self, raw: object) -> Part:
        given = raw if isinstance(raw, Mapping) else {"features": raw}
        for name in ("features", *(name for name in ("span", "box", "text") if getattr(self, name))):
            if given.get(name) is None:
                raise ValueError(f"Features takes a mapping with {name!r}, got {_keys(raw)}")
        table = rows_of(given["features"], self.channels, "features", finite=self.unknown == "error")
        known = np.isfinite(table)
        x = torch.from_numpy(np.where(known, table, 0))
        if self.mean:
            x = (x - torch.tensor(self.mean)) / torch.tensor(self.std)
            x[torch.from_numpy(~known)] = 0
        attributes = self._places(given, len(table))
        if self.unknown == "drop":
            kept = np.flatnonzero(known.all(1))
            x = x[kept]
            attributes = {name: _take(value, kept) for name, value in attributes.items()}
        return x, attributes

    def _places(self, given: Mapping[str, Any], number: int) -> dict[str, Any]:
        attributes: dict[str, Any] = {"position": torch.arange(number)}
        if self.rate is not None:
            start = torch.arange(number).double()
            attributes["span"] = (torch.stack([start, start + 1], 1) / self.rate).float()
        if self.span:
            span = rows_of(given["span"], 2, "span")
            _forbid(span[:, 1] < span[:, 0], span, "span", "it ends before it starts")
            attributes["span"] = torch.from_numpy(span)
        if self.box:
            box = rows_of(given["box"], 4, "box")
            wrong = (box < 0).any(1) | (box > 1).any(1) | (box[:, 2:] < box[:, :2]).any(1)
            _forbid(wrong, box, "box", "give x1 <= x2, y1 <= y2 in 0..1")
            attributes["box"] = torch.from_numpy(box)
        if self.text:
            attributes["text"] = _strings(given["text"])
        for name, value in attributes.items():
            if len(value) != number:
                raise ValueError(f"{name} has {len(value)} rows, features has {number}")
        return attributes


def read_features(path: Path | str) -> dict[str, NDArray[Any]]:
    """The arrays of a `.npz` file by name, or of a `.npy` file as `features`: a raw input of `Features`.

    Nothing is unpickled: arrays hold numbers or strings.

    Raises:
        ValueError: naming the file, if it is no such file, cut off or damaged, or holds Python objects.
        FileNotFoundError: if there is no such file.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     np.savez(f"{folder}/a.npz", features=np.ones((2, 3)), text=np.array(["one", "two"]))
        ...     raw = read_features(f"{folder}/a.npz")
        >>> Features(3, text=True)([raw]).attributes["text"].tolist()
        ['one', 'two']
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"features": loaded}
        with loaded:
            return {name: loaded[name] for name in loaded.files}
    except FileNotFoundError:
        raise
    except Exception as error:  # zip, header and memory errors of many types
        raise ValueError(f"{path}: not an .npy or .npz file that can be read ({error})") from error


def _forbid(wrong: Any, values: NDArray[np.float32], name: str, cure: str) -> None:
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"{name} {row} is {values[row].tolist()}: {cure}")


def _strings(given: object) -> list[str]:
    strings = given.tolist() if isinstance(given, np.ndarray) else given
    if not isinstance(strings, list | tuple) or not all(isinstance(string, str) for string in strings):
        raise ValueError(f"text is a list of strings, got {given!r:.80}")
    return list(strings)


def _take(value: torch.Tensor | list[str], rows: NDArray[np.integer]) -> torch.Tensor | list[str]:
    return [value[row] for row in rows] if isinstance(value, list) else value[torch.from_numpy(rows)]


def _keys(raw: object) -> str:
    return f"keys {list(raw)}" if isinstance(raw, Mapping) else type(raw).__name__
