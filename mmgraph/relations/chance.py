"""Chance that depends on a seed and the sample only: the same edges alone, in any batch, and in every process."""

import hashlib
from collections.abc import Iterable

import torch
from jaxtyping import Int
from torch import Tensor

from mmgraph.graph import NodeSet
from mmgraph.relations.pairs import needed

SAMPLE = "sample"
"""Attribute under which `GraphBuilder` lends the rules a number per node that stands for its sample's id."""


def sample_numbers(ids: Iterable[str]) -> Int[Tensor, " samples"]:
    """A number for each id, the same in every process.

    Example:
        >>> sample_numbers(["a", "b", "a"]).unique().numel()
        2
    """
    digests = (hashlib.blake2b(name.encode(errors="replace"), digest_size=8).digest() for name in ids)
    return torch.tensor([int.from_bytes(digest, "little", signed=True) for digest in digests], dtype=torch.int64)


def drawn(rule: object, nodes: NodeSet, rows: Int[Tensor, " drawn"], *numbers: Tensor | int) -> Int[Tensor, " drawn"]:
    """Random numbers, 0 to 2^62 - 1, that follow from the samples of the given rows and from `numbers`.

    Raises:
        ValueError: naming `rule`, if the nodes do not say which sample they are of.
    """
    key = needed(rule, nodes, SAMPLE)[rows]
    for number in numbers:
        key = _mixed(key + number)
    return _mixed(key) & (2**62 - 1)


def _mixed(key: Tensor) -> Tensor:
    """SplitMix64 (Steele et al. 2014); products of int64 wrap, a shift keeps the sign, which the mask takes off."""
    key = key + -7046029254386353131
    key = (key ^ ((key >> 30) & (2**34 - 1))) * -4658895280553007687
    key = (key ^ ((key >> 27) & (2**37 - 1))) * -7723592293110705685
    return key ^ ((key >> 31) & (2**33 - 1))
