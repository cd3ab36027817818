"""`Window`: neighbours in a sequence; `window_relations`: the past, the node itself and the future apart."""

from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet, Relation
from mmgraph.relations.pairs import edges_from_ranges, edges_from_rows, meeting_rows, needed, place

FAR = 1 << 62  # places; further than any sequence is long


@dataclass(frozen=True)
class Window:
    """Connects each node with those up to `past` places before it and `future` places after it.

    The edge j -> i exists where i - past <= j <= i + future. What reaches node 3 under `Window(2, 1)`::

        0    1    2    3    4    5
             |    |    ^    |
             +----+----+----+    and 3 itself, with loops

    A negative number leaves out what is nearest: `Window(2, -1)` connects with the past only, `Window(0, 0)` with the
    same place, `Window(-1, 2)` with the future. Within a modality the places are the order of the nodes. Across
    modalities they are the attribute `position` of both, so that `Window(0, 0)` joins the words, the face and the voice
    of the same utterance, even where one of them is missing. A number beyond the longest sequence gives everything
    before or after.

    Args:
        past: places before the destination at which the window begins.
        future: places after it at which the window ends.
        loops: within one modality, connect a node with itself too, if the window holds it.

    Raises:
        ValueError: on a window that is empty; when called across modalities, if one of them has no `position`.

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
        if self.past + self.future < 0:
            raise ValueError(f"Window({self.past}, {self.future}) connects nothing; past + future is 0 or more")
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
        own, count = place(dst), dst.counts[dst.graph]
        past, future = self._reach()
        first = torch.minimum((own - past).clamp(min=0), count)
        stop = torch.maximum(torch.minimum(own + future + 1, count), first)
        return edges_from_ranges(dst, first, stop, loops=self.loops or min(self.past, self.future) < 0)

    def _across(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        theirs, own = needed(self, src, "position"), needed(self, dst, "position")
        past, future = self._reach()
        reach = torch.stack([own - past, own + future], 1)
        src_row, dst_row = meeting_rows(src, dst, torch.stack([theirs, theirs], 1), reach, _all)
        return edges_from_rows(src, dst, src_row, dst_row)

    def _reach(self) -> tuple[int, int]:
        """Past and future so far that a place plus them is still an int64."""
        return max(min(self.past, FAR), -FAR), max(min(self.future, FAR), -FAR)


def window_relations(src: str, dst: str | None = None, *, past: int, future: int) -> dict[Relation, Window]:
    """One relation each for what comes before, at the same place and after, so that a conv learns them apart.

    `past`, `now` and `future` say where the source is, seen from the destination. MTAG's relations within a modality
    are those of `past=1, future=1`, or of numbers beyond every length. For streams of different rates see
    `time_relations` (by spans) and `alignment_relations` (by length).

    Args:
        src: modality of the sources.
        dst: modality of the destinations, the same if not given.
        past: places before the destination, 1 or more.
        future: places after it, 1 or more.

    Raises:
        ValueError: on less than 1 place.

    Example:
        >>> window_relations("audio", past=2, future=1)
        {('audio', 'past', 'audio'): Window(past=2, future=-1, loops=True),
         ('audio', 'now', 'audio'): Window(past=0, future=0, loops=True),
         ('audio', 'future', 'audio'): Window(past=-1, future=1, loops=True)}
    """
    if past < 1 or future < 1:
        raise ValueError(f"{past=}, {future=}: both are 1 or more; take single Windows to leave one out")
    end = src if dst is None else dst
    windows = {"past": Window(past, -1), "now": Window(0, 0), "future": Window(-1, future)}
    return {(src, name, end): window for name, window in windows.items()}


def _all(src_row: Tensor, dst_row: Tensor) -> Tensor:
    return torch.ones_like(src_row, dtype=torch.bool)
