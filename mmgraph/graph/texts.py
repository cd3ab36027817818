"""Many short strings as one array of UTF-8 bytes, so that token texts travel with the nodes that they belong to."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from mmgraph.graph.ragged import compact, gather_rows, index_dtype, to_ptr


@dataclass(frozen=True, eq=False)
class Texts:
    """An immutable list of strings, kept as UTF-8 bytes and offsets; `==` compares the content.

    Attributes:
        data: UTF-8 bytes of all strings, [bytes].
        ptr: where each string starts and the last ends, int64 [strings + 1].

    Example:
        >>> words = Texts.of(["größer", "", "8"])
        >>> words[0], len(words), words.tolist()
        ('größer', 3, ['größer', '', '8'])
    """

    data: UInt8[Tensor, " bytes"]
    ptr: Int[Tensor, " strings_plus_one"]

    @classmethod
    def of(cls, strings: Iterable[str]) -> "Texts":
        """The given strings. Each lone surrogate, which UTF-8 cannot hold, becomes U+FFFD.

        Raises:
            ValueError: if something among them is not a string, or if they are one string instead of a list.
        """
        if isinstance(strings, str):
            raise ValueError(f"expected a list of strings, got the string {strings!r}; put it in a list")
        encoded = [_encode(string) for string in strings]
        data = torch.from_numpy(np.frombuffer(bytearray(b"".join(encoded)), dtype=np.uint8).copy())
        return cls(data, to_ptr(torch.tensor([len(part) for part in encoded], dtype=torch.int64)))

    @classmethod
    def concat(cls, parts: Sequence["Texts"]) -> "Texts":
        """All strings of `parts`, in order."""
        return cls(torch.cat([part.data for part in parts]), to_ptr(torch.cat([part.ptr.diff() for part in parts])))

    def select(self, rows: Int[Tensor, " rows"]) -> "Texts":
        """The strings at `rows`."""
        starts = self.ptr.index_select(0, rows)
        counts = self.ptr.index_select(0, rows + 1) - starts
        positions, ptr = gather_rows(starts, counts, index_dtype(self.data.numel()))
        return Texts(self.data.index_select(0, positions), ptr)

    def narrow(self, start: int, stop: int) -> "Texts":
        """The strings from `start` to before `stop`, without copying their bytes."""
        first, last = self.ptr[[start, stop]].tolist()
        return Texts(self.data[first:last], self.ptr[start : stop + 1] - first)

    def map(self, change: Callable[[Tensor], Tensor]) -> "Texts":
        """The same strings with `change` applied to both tensors (for moves between devices)."""
        return Texts(change(self.data), change(self.ptr))

    def tolist(self) -> list[str]:
        """The strings as a Python list."""
        data, ptr = self.data.cpu().numpy().tobytes(), self.ptr.tolist()
        return [data[start:stop].decode() for start, stop in pairwise(ptr)]

    def __len__(self) -> int:
        return self.ptr.numel() - 1

    def __getitem__(self, index: int) -> str:
        if not -len(self) <= index < len(self):
            raise IndexError(f"string {index} of {len(self)}")
        start, stop = self.ptr[index % len(self)], self.ptr[index % len(self) + 1]
        return self.data[start:stop].cpu().numpy().tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Texts) and torch.equal(self.ptr, other.ptr) and torch.equal(self.data, other.data)

    __hash__ = None  # type: ignore[assignment]  # compared by content, like a list

    def __reduce__(self) -> tuple[Any, ...]:
        return Texts, (compact(self.data), compact(self.ptr))


def _encode(string: str) -> bytes:
    if not isinstance(string, str):
        raise ValueError(f"expected a string, got {string!r}")
    try:
        return string.encode()
    except UnicodeEncodeError:  # UTF-16 joins the halves of a pair, and replaces a lone one once and not byte by byte
        return string.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
