"""`Random`: a control whose edges mean nothing."""

from dataclasses import KW_ONLY, dataclass

import torch

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.chance import drawn
from mmgraph.relations.pairs import all_pairs, edges_from_rows, pair_keys, place, rows_of_keys


@dataclass(frozen=True)
class Random:
    """Connects each destination with `degree` sources of its graph that are drawn by chance, none of them twice.

    A control: what a model reaches with it, it does not owe to who is connected with whom::

        Nearest(2)    a - b - c    d - e - f         Random(2)    a - d    b - f - c    e - a ...

    Each sample has edges of its own, which follow from `seed` and its id: they are the same in any batch, in any order
    and on any machine. `GraphBuilder` lends the rule what it needs, the attribute `sample`, a number per sample. See
    `Scrambled` for a control that keeps the form of another rule.

    Args:
        degree: sources per destination, 1 or more; all, where there are fewer.
        seed: another seed draws other edges.
        loops: within one modality, a node may draw itself.

    Raises:
        ValueError: on a degree below 1; when called, if nodes have no attribute `sample`.

    Example:
        >>> nodes = NodeSet.of([torch.zeros(9, 1)], sample=[torch.zeros(9).long()])
        >>> edges = Random(2)(nodes, nodes)
        >>> edges.dst.tolist(), torch.equal(edges.src, Random(2, seed=1)(nodes, nodes).src)
        ([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8], False)
    """

    degree: int
    seed: int = 0
    _: KW_ONLY
    loops: bool = False

    def __post_init__(self) -> None:
        if self.degree < 1:
            raise ValueError(f"degree={self.degree}: give at least 1 source per destination")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """No edge features."""
        return ()

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        # Asked for even if there is no pair, so that a missing attribute is found when a builder is made.
        drawn(self, dst, torch.zeros(0, dtype=torch.int64))
        src_place, dst_place = place(src), place(dst)
        keys = [torch.zeros(0, dtype=torch.int64)]
        for src_row, dst_row in all_pairs(src, dst):
            if src is dst and not self.loops:
                apart = src_row != dst_row
                src_row, dst_row = src_row[apart], dst_row[apart]
            number = drawn(self, dst, dst_row, self.seed, dst_place[dst_row], src_place[src_row])
            # Once more by destination: the pairs of a destination follow each other, by their numbers.
            order = number.argsort()
            order = order[dst_row[order].argsort(stable=True)]
            _, counts = torch.unique_consecutive(dst_row, return_counts=True)
            rank = torch.arange(order.numel()) - (counts.cumsum(0) - counts).repeat_interleave(counts)
            keys.append(pair_keys(src, src_row, dst_row)[order[rank < self.degree]].sort().values)
        return edges_from_rows(src, dst, *rows_of_keys(src, torch.cat(keys)))
