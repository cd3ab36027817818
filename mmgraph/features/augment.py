"""`Augmented` and `Cleaned`: raw samples with changed copies, and raw samples made alike."""

import hashlib
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, SupportsIndex, overload

import numpy as np

Sample = dict[str, Any]
Change = Callable[[Sample, np.random.Generator], Sample]
Tidy = Callable[[Sample], Sample]


@dataclass(frozen=True)
class Augmented(Sequence[Sample]):
    """The samples of a split, followed by changed copies of each; give it the training split only.

    Copy c of the sample "a" has the id "a~c". What is drawn for it depends on `seed`, its id, c and the place among the
    changes alone, and not on the order of reading, on the other samples, or on inputs that are missing. Targets stay as
    they are: do not flip where left and right matter.

    Args:
        samples: a data set; it is not changed.
        changes: steps such as `Flip("image")`, applied in turn, each called with a sample and a random generator.
        copies: changed copies per sample, at least 1.
        seed: of everything that is drawn.

    Raises:
        ValueError: on fewer than one copy; when a sample is read, on one without a string under `id`.

    Example:
        >>> from mmgraph.features import DropWords
        >>> samples = [{"id": "a", "text": "one two three four", "label": 1}]
        >>> train = Augmented(samples, [DropWords("text", 0.5)], copies=2)
        >>> [(sample["id"], sample["label"]) for sample in train]
        [('a', 1), ('a~1', 1), ('a~2', 1)]
    """

    samples: Sequence[Mapping[str, Any]]
    changes: Sequence[Change]
    _: KW_ONLY
    copies: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.copies < 1:
            raise ValueError(f"copies={self.copies}: give at least 1")

    def __len__(self) -> int:
        return len(self.samples) * (1 + self.copies)

    @overload
    def __getitem__(self, index: SupportsIndex) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> Sample | list[Sample]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        copy, place = divmod(_position(index, len(self)), len(self.samples))
        sample = dict(self.samples[place])
        if copy == 0:
            return sample
        if not isinstance(sample.get("id"), str):
            raise ValueError(f"sample {place} has no string under 'id', from which chance is drawn")
        random = generator(self.seed, sample["id"], copy)
        sample["id"] = f"{sample['id']}~{copy}"
        # A generator for each change: what one leaves undrawn, as for a missing input, moves no other.
        for change, own in zip(self.changes, random.spawn(len(self.changes)), strict=True):
            sample = change(sample, own)
        return sample


@dataclass(frozen=True)
class Cleaned(Sequence[Sample]):
    """The samples of a split, each made alike by the same steps, without chance; for all splits.

    Args:
        samples: a data set; it is not changed.
        steps: such as `TidyText("text")`, applied in turn, each called with a sample.

    Example:
        >>> from mmgraph.features import TidyText
        >>> Cleaned([{"id": "a", "text": " one  two "}], [TidyText("text")])[0]["text"]
        'one two'
    """

    samples: Sequence[Mapping[str, Any]]
    steps: Sequence[Tidy]

    def __len__(self) -> int:
        return len(self.samples)

    @overload
    def __getitem__(self, index: SupportsIndex) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> Sample | list[Sample]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        sample = dict(self.samples[_position(index, len(self))])
        for step in self.steps:
            sample = step(sample)
        return sample


def generator(seed: int, name: str, copy: int) -> np.random.Generator:
    """Draws the same numbers for the same seed, name and copy, on every machine.

    Example:
        >>> int(generator(0, "a", 1).integers(99)) == int(generator(0, "a", 1).integers(99))
        True
    """
    words = hashlib.sha256(f"{seed} {copy} {name}".encode(errors="surrogatepass")).digest()
    return np.random.default_rng(np.frombuffer(words, dtype=np.uint32))


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raises ValueError unless low <= value <= high.

    Example:
        >>> check_range("chance", 0.5, 0, 1)
    """
    if not low <= value <= high:
        raise ValueError(f"{name}={value} is not in {low:g}..{high:g}")


def _position(index: SupportsIndex, length: int) -> int:
    place = operator.index(index)
    if not -length <= place < length:
        raise IndexError(f"sample {place} of {length}")
    return place % length
