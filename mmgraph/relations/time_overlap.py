"""`TimeOverlap`: what happens at the same time."""

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.pairs import edges_from_rows, meeting_rows, needed

FEATURES = ("time_difference", "overlap")
SLACK = 1e-6  # seconds; the search takes in a little more than the exact comparison then keeps


@dataclass(frozen=True)
class TimeOverlap:
    """Connects nodes whose spans overlap in time by more than `min_overlap` seconds.

    Word a is connected with frames 0 and 1, word b with frames 1 to 4::

        words    |--- a ---|------- b -------|
        frames   |  0  |  1  |  2  |  3  |  4  |

    Spans that only touch do not overlap; a negative `min_overlap` lets spans lie that far apart. Long sequences are no
    burden: candidates come from a binary search over starts and ends, whether the spans are sorted or not.

    Args:
        min_overlap: seconds.
        features: edge features to give, in order: `time_difference` (centre of the source minus centre of the
            destination, seconds) and `overlap` (seconds, negative across a gap).
        loops: within one modality, a node overlaps with itself too.

    Raises:
        ValueError: on an unknown feature or a `min_overlap` that is not finite; when called, if nodes have no `span`.

    Example:
        >>> word = NodeSet.of([torch.zeros(1, 1)], span=[torch.tensor([[0.1, 0.35]])])
        >>> start = torch.tensor([0.0, 0.1, 0.2, 0.3])
        >>> frames = NodeSet.of([torch.zeros(4, 1)], span=[torch.stack([start, start + 0.1], 1)])
        >>> TimeOverlap()(frames, word).src.tolist(), TimeOverlap(0.08)(frames, word).src.tolist()
        ([1, 2, 3], [1, 2])
    """

    min_overlap: float = 0.0
    _: KW_ONLY
    features: Sequence[str] = ()
    loops: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", tuple(self.features))
        if not math.isfinite(self.min_overlap):
            raise ValueError(f"min_overlap={self.min_overlap} is a finite number of seconds")
        for name in self.features:
            if name not in FEATURES:
                raise ValueError(f"features has {name!r}; TimeOverlap can give {' and '.join(FEATURES)}")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the edge features."""
        return tuple(self.features)

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        theirs, own = needed(self, src, "span").double(), needed(self, dst, "span").double()
        loops = self.loops or src is not dst

        def enough(src_row: Tensor, dst_row: Tensor) -> Tensor:
            longer = _overlap(theirs[src_row], own[dst_row]) > self.min_overlap
            return longer if loops else longer & (src_row != dst_row)

        needed_overlap = torch.tensor([1.0, -1.0], dtype=torch.float64) * (self.min_overlap - SLACK)
        src_row, dst_row = meeting_rows(src, dst, theirs, own + needed_overlap, enough)
        features = self._features(theirs[src_row], own[dst_row])
        return edges_from_rows(src, dst, src_row, dst_row, None if features is None else features.to(dst.x.dtype))

    def _features(self, theirs: Tensor, own: Tensor) -> Tensor | None:
        if not self.features:
            return None
        values = {"time_difference": theirs.mean(1) - own.mean(1), "overlap": _overlap(theirs, own)}
        return torch.stack([values[name] for name in self.features], 1)


def _overlap(a: Tensor, b: Tensor) -> Tensor:
    return torch.minimum(a[:, 1], b[:, 1]) - torch.maximum(a[:, 0], b[:, 0])
