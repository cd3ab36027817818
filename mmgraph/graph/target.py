"""`Target`: what is to be predicted, and where it is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from mmgraph.graph.ragged import compact


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be predicted, and where it is known.

    Attributes:
        values: one row per graph, or per node of the target's modality.
        mask: False where the value is unknown; such rows count in no loss and no metric, bool [rows].

    Example:
        >>> Target(torch.tensor([3, -1]), torch.tensor([True, False])).mask.sum().item()
        1
    """

    values: Tensor
    mask: Bool[Tensor, " rows"]

    @classmethod
    def of(cls, values: "Target | Tensor") -> "Target":
        """The values, all of them known, unless they come with a mask."""
        if isinstance(values, Target):
            return values
        return cls(values, torch.ones(values.shape[:1], dtype=torch.bool, device=values.device))

    @classmethod
    def concat(cls, parts: Sequence["Target"]) -> "Target":
        """The rows of all `parts`, in order."""
        return cls(torch.cat([part.values for part in parts]), torch.cat([part.mask for part in parts]))

    def take(self, rows: Int[Tensor, " taken"]) -> "Target":
        """The given rows."""
        return Target(self.values.index_select(0, rows), self.mask.index_select(0, rows))

    def narrow(self, rows: slice) -> "Target":
        """Rows that follow each other: views, not copies."""
        return Target(self.values[rows], self.mask[rows])

    def map(self, change: Callable[[Tensor], Tensor]) -> "Target":
        """The same rows with `change` applied to values and mask."""
        return Target(change(self.values), change(self.mask))

    def __reduce__(self) -> tuple[Any, ...]:
        return Target, (compact(self.values), compact(self.mask))
