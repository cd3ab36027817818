"""`Table`: a row of a table, such as a patient's record."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch

from mmgraph.features.boxes import check_names
from mmgraph.features.raw import Part, check_each, join
from mmgraph.features.scaling import check_statistics, running_statistics
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet


@dataclass(frozen=True)
class Table:
    """One node per column of a row that has a value; what is missing in a row is simply not there.

    A raw input is a mapping of columns to values. None, NaN, "" and absent columns have no node. Of a row
    `{"age": 61, "smoker": "no", "weight": None}`::

        node    column    x       category
        0       age       0.8     0             a number, brought to mean 0 and deviation 1
        1       smoker    0       2             a category has a number of its own, 0 is an unknown one

    `x` [columns, 1]. Nodes carry `column` (its number, numbers first, for a model to embed), `category` (numbered
    through all columns from 1; 0 is none or unknown) and `text`, such as "age: 61".

    Args:
        numbers: columns with numbers.
        categories: columns with strings, whole numbers or truth values as categories.
        mean: of each column of numbers, learned by `fit`.
        std: standard deviation of each, learned by `fit`.
        values: of each column of categories its categories as strings, learned by `fit`.

    Raises:
        ValueError: on no column, empty or repeated ones, statistics that are not one per column; when called, on an
            input that is no mapping, with an unknown column, or a value of another kind or not finite (all name the
            column).

    Example:
        >>> rows = [{"age": 50, "smoker": "yes"}, {"age": 70, "smoker": "no"}]
        >>> record = Table(["age"], ["smoker"]).fit(rows)
        >>> nodes = record([{"age": 80, "smoker": "no"}, {"smoker": "maybe"}])
        >>> nodes.counts.tolist(), nodes.x.squeeze(1).tolist(), nodes.attribute("category").tolist()
        ([2, 1], [2.0, 0.0, 0.0], [0, 1, 0])
    """

    numbers: Sequence[str] = ()
    categories: Sequence[str] = ()
    _: KW_ONLY
    mean: Sequence[float] = field(default=(), repr=False)
    std: Sequence[float] = field(default=(), repr=False)
    values: Sequence[Sequence[str]] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        for name in ("numbers", "categories"):
            object.__setattr__(self, name, check_names(getattr(self, name), name))
        for name in ("mean", "std"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "values", tuple(check_names(names, "values") for names in self.values))
        check_names(self._columns, "numbers and categories together")
        if not self._columns:
            raise ValueError("a table without columns: name some in numbers or categories")
        check_statistics(self.mean, self.std, len(self.numbers))
        if len(self.values) not in (0, len(self.categories)):
            raise ValueError(f"values of {len(self.values)} columns: give those of {len(self.categories)}, or use fit")

    @property
    def channels(self) -> int:
        """One: the number."""
        return 1

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`column`, `category`, `text`."""
        return {
            "column": Field("int64", num_classes=len(self._columns)),
            "category": Field("int64", num_classes=sum(map(len, self.values)) + 1),
            "text": STANDARD_ATTRIBUTES["text"],
        }

    def fit(self, raws: Iterable[Any]) -> Self:
        """The same with mean and deviation of the numbers, and the categories in the order of the alphabet.

        Raises:
            ValueError: if a column has no value in any row, or for an input as in a call.
        """
        numbers: dict[str, list[float]] = {name: [] for name in self.numbers}
        categories: dict[str, Counter[str]] = {name: Counter() for name in self.categories}
        for raw in raws:
            for name, value in self._present(raw).items():
                if isinstance(value, str):
                    categories[name][value] += 1
                else:
                    numbers[name].append(value)
        empty = [name for name, found in {**numbers, **categories}.items() if not found]
        if empty:
            raise ValueError(f"Table found no value to learn from in {', '.join(empty)}")
        learned = [
            running_statistics([torch.tensor(found).double()[:, None]], 1, "Table") for found in numbers.values()
        ]
        return replace(
            self,
            mean=tuple(mean[0] for mean, _ in learned),
            std=tuple(std[0] for _, std in learned),
            values=tuple(tuple(sorted(found)) for found in categories.values()),
        )

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The columns of each row, none where it is None."""
        return join(check_each(raws, self._nodes), len(raws), 1, self.attributes)

    @property
    def _columns(self) -> tuple[str, ...]:
        return (*self.numbers, *self.categories)

    @cached_property
    def _category(self) -> dict[tuple[str, str], int]:
        pairs = [(name, value) for name, found in zip(self.categories, self.values, strict=False) for value in found]
        return {pair: index + 1 for index, pair in enumerate(pairs)}

    def _present(self, raw: object) -> dict[str, str | float]:
        """Values that are there, in the order of the columns: categories as strings, numbers as floats."""
        if not isinstance(raw, Mapping):
            raise ValueError(f"Table takes a mapping of columns to values, got {type(raw).__name__}")
        unknown = [name for name in raw if name not in self._columns]
        if unknown:
            raise ValueError(f"unknown columns {unknown[:8]}; the table has {', '.join(self._columns)}")
        found: dict[str, str | float] = {}
        for name in self._columns:
            value = raw.get(name)
            empty = isinstance(value, str) and not value  # an array or pandas.NA would not say whether it equals ""
            if value is None or empty or (isinstance(value, float | np.floating) and math.isnan(value)):
                continue
            found[name] = _number(name, value) if name in self.numbers else _category(name, value)
        return found

    def _nodes(self, raw: object) -> Part:
        present = self._present(raw)
        x = torch.zeros(len(present), 1)
        column, category = torch.zeros(len(present)).long(), torch.zeros(len(present)).long()
        for row, (name, value) in enumerate(present.items()):
            column[row] = self._columns.index(name)
            if isinstance(value, str):
                category[row] = self._category.get((name, value), 0)
                continue
            place = self.numbers.index(name)
            x[row, 0] = (value - self.mean[place]) / self.std[place] if self.mean else value
        text = [f"{name}: {value if isinstance(value, str) else format(value, 'g')}" for name, value in present.items()]
        return x, {"column": column, "category": category, "text": text}


def _number(name: str, value: object) -> float:
    if not isinstance(value, int | float | np.integer | np.floating) or not -1e30 < value < 1e30:
        raise ValueError(f"column {name!r} holds finite numbers below 1e30, got {value!r:.80}")
    return float(value)


def _category(name: str, value: object) -> str:
    if not isinstance(value, str | int | np.integer | np.bool_):
        raise ValueError(f"column {name!r} holds categories (strings, whole numbers, truth values), got {value!r:.80}")
    return str(value)
