"""`SameUnit`: what belongs to the same utterance, across modalities."""

from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.pairs import edges_from_rows, meeting_rows, needed


@dataclass(frozen=True)
class SameUnit:
    """Connects nodes that carry the same number of a unit, such as the words, the face and the voice of an utterance.

    Edges between modalities, whatever is missing and however many nodes a unit has in each::

        unit      0    0    1    2    2             unit      0    1    3
        words     w0   w1   w2   w3   w4            faces     f0   f1   f3
                  f0 <-> w0, w1     f1 <-> w2       f3, w3, w4: alone

    Within a modality it connects the nodes of a unit with each other. A negative number belongs to no unit. MMGCN and
    M3Net connect the three modalities of an utterance this way; `UnitNodes` makes a node per unit to connect them with.

    Args:
        attribute: where the numbers stand; whole numbers such as `unit`, `position` or `speaker`.
        loops: within one modality, connect a node with itself too.

    Raises:
        ValueError: when called, if nodes do not have the attribute.

    Example:
        >>> words = NodeSet.of([torch.zeros(3, 1)], unit=[torch.tensor([0, 0, 1])])
        >>> faces = NodeSet.of([torch.zeros(2, 1)], unit=[torch.tensor([1, 0])])
        >>> edges = SameUnit()(words, faces)
        >>> edges.src.tolist(), edges.dst.tolist()
        ([2, 0, 1], [0, 1, 1])
    """

    attribute: str = "unit"
    _: KW_ONLY
    loops: bool = False

    @property
    def feature_names(self) -> tuple[str, ...]:
        """No edge features."""
        return ()

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        theirs, own = needed(self, src, self.attribute), needed(self, dst, self.attribute)

        def member(src_row: Tensor, dst_row: Tensor) -> Tensor:
            there = theirs[src_row] >= 0
            return there & (src_row != dst_row) if src is dst and not self.loops else there

        rows = meeting_rows(src, dst, torch.stack([theirs, theirs], 1), torch.stack([own, own], 1), member)
        return edges_from_rows(src, dst, *rows)
