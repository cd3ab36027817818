"""`TimeClass`: before, at the same time, after; `time_relations`: one relation each."""

import math
from dataclasses import KW_ONLY, dataclass
from typing import Literal

import torch
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet, Relation
from mmgraph.relations.pairs import edges_from_rows, meeting_rows, needed

WHEN: tuple[Literal["past", "now", "future"], ...] = ("past", "now", "future")


@dataclass(frozen=True)
class TimeClass:
    """Connects nodes whose spans stand in one order in time: the source is past, now or future for the destination.

    Seen from word b, the frames of two streams of any rate::

        words    |-- a --|  |---- b ----|  |-- c --|
        frames   |  p  |  p  |  n  |  n  |  f  |  f  |

    A source is `past` if it has ended when the destination starts (and started before it), `future` the other way
    round, and `now` otherwise, so every pair belongs to exactly one class, and past of (a, b) is future of (b, a).

    Args:
        when: "past", "now" or "future".
        reach: seconds between the two spans that past and future bridge at most; default: any.
        loops: within one modality, a node is its own now.

    Raises:
        ValueError: on another class or a negative reach; when called, if nodes have no `span`.

    Example:
        >>> word = NodeSet.of([torch.zeros(1, 1)], span=[torch.tensor([[0.25, 0.5]])])
        >>> start = torch.tensor([0.0, 0.25, 0.5, 0.75])
        >>> frames = NodeSet.of([torch.zeros(4, 1)], span=[torch.stack([start, start + 0.25], 1)])
        >>> [TimeClass(when)(frames, word).src.tolist() for when in ("past", "now", "future")]
        [[0], [1], [2, 3]]
        >>> TimeClass("future", reach=0.1)(frames, word).src.tolist()
        [2]
    """

    when: Literal["past", "now", "future"]
    _: KW_ONLY
    reach: float = math.inf
    loops: bool = True

    def __post_init__(self) -> None:
        if self.when not in WHEN:
            raise ValueError(f"when={self.when!r} is not one of {', '.join(WHEN)}")
        if not self.reach >= 0:
            raise ValueError(f"reach={self.reach} is a number of seconds, 0 or more")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """No edge features; `Measured` adds `time_difference` and others."""
        return ()

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        theirs, own = needed(self, src, "span").double(), needed(self, dst, "span").double()
        start, end = own.unbind(1)
        reached = {"past": (start - self.reach, start), "now": (start, end), "future": (end, end + self.reach)}

        def belongs(src_row: Tensor, dst_row: Tensor) -> Tensor:
            a, b = theirs[src_row], own[dst_row]
            past, future = _ended(a, b), _ended(b, a)
            if self.when == "now":
                now = ~(past | future)
                return now if self.loops or src is not dst else now & (src_row != dst_row)
            gap = b[:, 0] - a[:, 1] if self.when == "past" else a[:, 0] - b[:, 1]
            return (past if self.when == "past" else future) & (gap <= self.reach)

        interval = torch.stack(reached[self.when], 1)
        return edges_from_rows(src, dst, *meeting_rows(src, dst, theirs, interval, belongs))


def time_relations(src: str, dst: str | None = None, *, reach: float = math.inf) -> dict[Relation, TimeClass]:
    """One relation each for sources that are past, now and future by their spans, so that a conv learns them apart.

    Args:
        src: modality of the sources.
        dst: modality of the destinations, the same if not given.
        reach: as for `TimeClass`.

    Example:
        >>> list(time_relations("audio", "text", reach=2.0))
        [('audio', 'past', 'text'), ('audio', 'now', 'text'), ('audio', 'future', 'text')]
    """
    end = src if dst is None else dst
    return {
        (src, "past", end): TimeClass("past", reach=reach),
        (src, "now", end): TimeClass("now"),
        (src, "future", end): TimeClass("future", reach=reach),
    }


def _ended(a: Tensor, b: Tensor) -> Tensor:
    """Whether a ended when b starts, and started before it, which keeps two moments at the same time together."""
    return (a[:, 1] <= b[:, 0]) & (a[:, 0] < b[:, 0])
