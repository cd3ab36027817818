"""`Window`: neighbours in a sequence."""

from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.pairs import edges_from_ranges, edges_from_rows, meeting_rows, needed, place


@dataclass(frozen=True)
class Window:
    """Connects each node with those up to `past` places before it and `future` places after it.

    The edge j -> i exists where i - past <= j <= i + future. What reaches node 3 under `Window(2, 1)`::

        0    1    2    3    4    5
             |    |    ^    |
             +----+----+----+    and 3 itself, with loops

    Within a modality the places are the order of the nodes. Across modalities they are the attribute `position` of
    both, so that `Window(0, 0)` joins the words, the face and the voice of the same utterance, even where one of them
    is missing. A number beyond the longest sequence gives everything before or after.

    Args:
        past: places before the destination, 0 or more.
        future: places after it, 0 or more.
        loops: within one modality, connect a node with itself too.

    Raises:
        ValueError: on a negative window, or one that is empty because it has no loops either; when called across
            modalities, if one of them has no `position`.

    Example:
        >>> frames = NodeSet.of([torch.zeros(3, 1), torch.zeros(1, 1)])
        >>> edges = Window(1, 0)(frames, frames)
        >>> edges.ptr.tolist(), edges.src.tolist(), edges.dst.tolist()
        ([0, 5, 6], [0, 0, 1, 1, 2, 0], [0, 1, 1, 2, 2, 0])
    """

    past: int
    future: int
    _: KW_ONLY
    loops: bool = True

    def __post_init__(self) -> None:
        for name in ("past", "future"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)} counts places and cannot be negative")
        if self.past == self.future == 0 and not self.loops:
            raise ValueError("Window(0, 0, loops=False) connects nothing; widen it or allow loops")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """No edge features."""
        return ()

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        if src is not dst:
            return self._across(src, dst)
        own = place(dst)
        first = (own - self.past).clamp(min=0)
        stop = torch.minimum(own + self.future + 1, dst.counts[dst.graph])
        return edges_from_ranges(dst, first, stop, loops=self.loops)

    def _across(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        theirs, own = needed(self, src, "position"), needed(self, dst, "position")
        reach = torch.stack([own - self.past, own + self.future], 1)
        src_row, dst_row = meeting_rows(src, dst, torch.stack([theirs, theirs], 1), reach, _all)
        return edges_from_rows(src, dst, src_row, dst_row)


def _all(src_row: Tensor, dst_row: Tensor) -> Tensor:
    return torch.ones_like(src_row, dtype=torch.bool)
