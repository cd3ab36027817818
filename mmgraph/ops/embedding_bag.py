"""Weighted sums by `torch.nn.functional.embedding_bag`: the back-end "torch", for where no compiler can run.

No array of [edges, heads, channels] is made for the values, as there is on the other plain back-ends.
"""

from collections.abc import Sequence
from itertools import accumulate

import torch
from jaxtyping import Float, Int
from torch import Tensor


def aggregate(
    tables: Sequence[Float[Tensor, "_ _"]],
    block: Int[Tensor, "relations 2"],
    rowptr: Int[Tensor, " nodes_plus_one"],
    src: Int[Tensor, " edges"],
    relation: Int[Tensor, " edges"],
    weights: Float[Tensor, "edges heads"],
    channels: int,
) -> Float[Tensor, "nodes heads_times_channels"]:
    """As `reference.aggregate` of the values that `block` says, gathered inside."""
    (num_edges, heads), nodes = weights.shape, rowptr.numel() - 1
    if num_edges == 0:
        return weights.new_zeros(nodes, heads * channels) + sum(table.sum() * 0 for table in tables)
    places = sorted(set(map(tuple, block.tolist())))
    first = [0, *accumulate(table.shape[0] for table in tables)]
    rows = [tables[m][:, at : at + heads * channels].reshape(-1, channels) for m, at in places]
    starts = [0, *accumulate(len(part) for part in rows)]
    # row of head 0 of node i of the whole batch: origin + i x heads
    origins = {place: start - first[place[0]] * heads for place, start in zip(places, starts, strict=False)}
    origin = torch.tensor([origins[tuple(place)] for place in block.tolist()], device=weights.device)
    row = origin[relation] + src.long() * heads
    head = torch.arange(heads, device=weights.device).unsqueeze(1)
    bags = (head * num_edges + rowptr[:-1]).flatten()  # all destinations of head 0, then of head 1, ...
    out = torch.nn.functional.embedding_bag(
        (row + head).flatten(), torch.cat(rows), bags, mode="sum", per_sample_weights=weights.T.flatten()
    )
    return out.view(heads, nodes, channels).transpose(0, 1).flatten(1)
