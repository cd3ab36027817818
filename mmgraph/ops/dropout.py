"""Dropout of edges by a counter-based generator: the same edges fall out on every back-end, in any order of work.

The 32-bit mixing function is "lowbias32" (C. Wellons, "Prospecting for Hash Functions", 2018, public domain).
"""

import torch
from jaxtyping import Float
from torch import Tensor

MASK = 0xFFFFFFFF


def mix(x: Tensor) -> Tensor:
    """Scrambles 32-bit numbers held in int64."""
    x = (x ^ (x >> 16)) * 0x7FEB352D & MASK
    x = (x ^ (x >> 15)) * 0x846CA68B & MASK
    return x ^ (x >> 16)


def keep_weights(num_edges: int, heads: int, dropout: float, seed: int, like: Tensor) -> Float[Tensor, "edges heads"]:
    """0 where an (edge, head) falls out, 1 / (1 - dropout) where it stays.

    Example:
        >>> kept = keep_weights(1000, 4, 0.25, seed=7, like=torch.zeros(()))
        >>> bool((kept > 0).float().mean().sub(0.75).abs() < 0.02), kept.unique().tolist()
        (True, [0.0, 1.3333333730697632])
    """
    counter = torch.arange(num_edges * heads, device=like.device) & MASK
    number = mix(mix(counter) ^ (seed & MASK))
    kept = (number >= int(dropout * 2**32)).to(like.dtype) / (1 - dropout)
    return kept.view(num_edges, heads)
