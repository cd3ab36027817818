"""Tables: what nodes offer to all their relations, side by side in one matrix per modality.

A single matrix product per modality fills its table, and the edge operators read the columns of a relation out of it.
So the work of a layer is one product per modality and one pass over the edges, however many relations there are.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Int64
from numpy.typing import NDArray
from torch import Tensor


def place(
    blocks: Int64[NDArray[Any], "relations kinds 2"],
    num_nodes: Sequence[int],
    widths: Sequence[int],
    starts: Sequence[int],
    unit: int = 1,
) -> Int64[NDArray[Any], "relations kinds 2"]:
    """Origin and stride of blocks of columns: node i of the whole batch has its block at origin + i x stride.

    Args:
        blocks: modality id and first column of each block.
        num_nodes: nodes of each modality; nodes of the first come first.
        widths: columns of each table.
        starts: where each table starts.
        unit: size of one number; `starts` and the result count in the same measure.

    Example:
        >>> blocks = np.array([[[0, 0]], [[1, 2]]])
        >>> place(blocks, num_nodes=(3, 2), widths=(4, 8), starts=(0, 12))[:, 0].tolist()
        [[0, 4], [-10, 8]]
    """
    first = np.array([0, *accumulate(num_nodes)][: len(widths)], np.int64)
    stride = np.array(widths, np.int64) * unit
    modality, column = blocks[..., 0], blocks[..., 1]
    origin = np.array(starts, np.int64) - first * stride
    return np.stack([origin[modality] + column * unit, stride[modality]], 2)


def gather(
    tables: Sequence[Float[Tensor, "_ _"]],
    block: Int[Tensor, "relations 2"],
    node: Int[Tensor, " edges"],
    relation: Int[Tensor, " edges"],
    width: int,
) -> Float[Tensor, "edges width"]:
    """The block of `width` columns that the relation of each edge has in the row of `node`."""
    flat = torch.cat([table.reshape(-1) for table in tables])
    starts = [0, *accumulate(table.numel() for table in tables)]
    shapes = [table.shape for table in tables]
    places = place(block.cpu().unsqueeze(1).numpy(), [s[0] for s in shapes], [s[1] for s in shapes], starts[:-1])
    origin, stride = torch.from_numpy(places[:, 0]).to(flat.device).unbind(1)
    start = origin[relation] + node.long() * stride[relation]
    return flat[start.unsqueeze(1) + torch.arange(width, device=flat.device)]
