"""Tables for gradients, in which no two blocks share a column, so that kernels write every number once.

Blocks of inputs may overlap: relations may read the same values, or values may serve as keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor


@dataclass(frozen=True)
class Gradients:
    """What kernels fill, and where each block lies in it.

    Attributes:
        parts: per modality a table of zeros at first.
        blocks: per relation and kind of block, modality and first column in `parts`.
        inputs: the same of the tables that the gradients belong to, where that is something else.
        columns: width of every kind of block.
        widths: widths of those tables.
    """

    parts: list[Tensor]
    blocks: Tensor
    inputs: Tensor | None
    columns: tuple[int, ...]
    widths: tuple[int, ...]

    def total(self) -> list[Tensor]:
        """The gradients of the tables."""
        if self.inputs is None:
            return self.parts
        total = [part.new_zeros(len(part), width) for part, width in zip(self.parts, self.widths, strict=True)]
        for places, own_places in zip(self.inputs.tolist(), self.blocks.tolist(), strict=True):
            for (m, to), (_, at), width in zip(places, own_places, self.columns, strict=True):
                total[m][:, to : to + width] += self.parts[m][:, at : at + width]
        return total


def gradients_of(tables: Sequence[Tensor], blocks: Tensor, columns: Sequence[int]) -> Gradients:
    """Zeros for the gradients of tables that have, per relation, blocks of so many columns each.

    Example:
        >>> shared = gradients_of([torch.zeros(2, 3)], torch.tensor([[[0, 0]], [[0, 1]]]), [2])
        >>> shared.blocks.tolist(), shared.parts[0].shape
        ([[[0, 0]], [[0, 2]]], torch.Size([2, 4]))
        >>> shared.parts[0][:] = torch.tensor([1.0, 2.0, 3.0, 4.0])
        >>> shared.total()[0][0].tolist()
        [1.0, 5.0, 4.0]
    """
    widths = tuple(table.shape[1] for table in tables)
    spans = [(m, at, at + width) for row in blocks.tolist() for (m, at), width in zip(row, columns, strict=True)]
    if not any(a[0] == b[0] and b[1] < a[2] for a, b in pairwise(sorted(spans))):
        return Gradients([torch.zeros_like(table) for table in tables], blocks, None, tuple(columns), widths)
    apart, totals = [], [0] * len(tables)
    for m, first, last in spans:
        apart.append((m, totals[m]))
        totals[m] += last - first
    parts = [table.new_zeros(len(table), total) for table, total in zip(tables, totals, strict=True)]
    return Gradients(parts, torch.tensor(apart).view(blocks.shape), blocks, tuple(columns), widths)
