"""`PseudoAlignment`: two streams without times, laid side by side by their lengths (MTAG)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet, Relation
from mmgraph.relations.pairs import edges_from_ranges, place
from mmgraph.relations.reverse import Reverse
from mmgraph.relations.time_class import WHEN


@dataclass(frozen=True)
class PseudoAlignment:
    """Connects two modalities of unknown times, as if they began and ended together.

    Each node of the shorter stream looks at a window of the longer one; the windows overlap and reach from the first
    node to the last. Three words over eight frames; those in the window of b are now for b, the others past or future::

        words     a           b           c
        window    0 1 2 3
                      2 3 4 5               past of b: 0 1, future: 6 7
                          4 5 6 7
        frames    0 1 2 3 4 5 6 7

    The class is seen from the destination, whichever stream is the longer one: a `past` source lies before it. Between
    streams of equal length the destination has the window. Two things differ from MTAG's own code: there the meaning of
    the classes turns with the lengths, and two nodes over an odd number leave out the one in the middle.

    Args:
        when: "past", "now" or "future".
        factor: how often a node of the longer stream is seen, about: windows are so many strides wide, or wider.

    Raises:
        ValueError: on another class or a factor below 1; when called within one modality.

    Source: Yang et al., MTAG: Modal-Temporal Attention Graph for Unaligned Human Multimodal Language Sequences, 2021.

    Example:
        >>> words, frames = NodeSet.of([torch.zeros(3, 1)]), NodeSet.of([torch.zeros(8, 1)])
        >>> edges = PseudoAlignment("now")(frames, words)
        >>> edges.src.view(3, 4).tolist()
        [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]]
    """

    when: Literal["past", "now", "future"]
    factor: int = 2

    def __post_init__(self) -> None:
        if self.when not in WHEN:
            raise ValueError(f"when={self.when!r} is not one of {', '.join(WHEN)}")
        if self.factor < 1:
            raise ValueError(f"factor={self.factor} is 1 or more")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """No edge features."""
        return ()

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges."""
        if src is dst:
            raise ValueError(f"{self} lays two modalities side by side; within one take Window")
        graph, others = dst.graph, src.counts[dst.graph]
        start, window = self._windows(dst.counts, src.counts, dst)  # of destinations, where they are the shorter stream
        first, stop = torch.minimum(start, others), torch.minimum(start + window[graph], others)
        long = src.counts < dst.counts
        if bool(long.any()):
            seen_first, seen_stop = self._seen_from(src, dst)
            first, stop = torch.where(long[graph], seen_first, first), torch.where(long[graph], seen_stop, stop)
        if self.when == "past":
            first, stop = torch.zeros_like(first), first
        elif self.when == "future":
            first, stop = stop, others
        return edges_from_ranges(dst, first, stop, loops=True)

    def _seen_from(self, src: NodeSet, dst: NodeSet) -> tuple[Tensor, Tensor]:
        """First source whose window holds each destination, and the one after the last."""
        start, window = self._windows(src.counts, dst.counts, src)
        span = int(dst.counts.max()) + 1 if dst.num_graphs else 1
        # Clamped where the sources are the longer stream, so that the keys rise from graph to graph.
        keys = (src.graph * span + bound.clamp(max=span - 1) for bound in (start + window[src.graph], start))
        wanted, before = dst.graph * span + place(dst), src.ptr[dst.graph]
        ended, started = (torch.searchsorted(key, wanted, right=True) - before for key in keys)
        return ended, started

    def _windows(self, shorter: Tensor, longer: Tensor, nodes: NodeSet) -> tuple[Tensor, Tensor]:
        """Where the window of each node of the shorter stream starts, and how wide it is in each graph.

        Where `shorter` is in fact the longer stream the numbers mean nothing.
        """
        ratio = longer // shorter.clamp(min=1)
        stride = ((longer // (shorter - 1).clamp(min=1) + 1) // self.factor).clamp(min=2)
        stride = torch.minimum(stride, ratio)  # windows as wide as their stride at least leave no gap
        window = torch.where(ratio == 1, 2, longer - (shorter - 1) * stride)
        window = torch.where(shorter == 1, longer, torch.minimum(window, longer).clamp(min=0))
        own, graph = place(nodes), nodes.graph
        # Less than twice as long: as many windows as there are spare nodes take a stride of 2, the others one of 1.
        spare = torch.where(longer == shorter, 1, longer - ratio * shorter)[graph]
        close = torch.where(own < spare, 2 * own, own + spare - 1)
        close = torch.minimum(close, (longer - window)[graph]).clamp(min=0)
        return torch.where(ratio[graph] == 1, close, own * stride[graph]), window


def alignment_relations(src: str, dst: str, *, factor: int = 2) -> dict[Relation, PseudoAlignment | Reverse]:
    """The six relations of MTAG between two modalities: past, now and future, in both directions.

    The edges back are those there, turned round: if a frame is past for a word, the word is future for the frame.

    Args:
        src: one modality.
        dst: the other.
        factor: as for `PseudoAlignment`.

    Example:
        >>> relations = alignment_relations("audio", "text")
        >>> list(relations)[:3]
        [('audio', 'past', 'text'), ('audio', 'now', 'text'), ('audio', 'future', 'text')]
        >>> relations["text", "past", "audio"]
        Reverse(rule=PseudoAlignment(when='future', factor=2))
    """
    there = {when: PseudoAlignment(when, factor) for when in WHEN}
    return {
        **{(src, when, dst): rule for when, rule in there.items()},
        **{(dst, when, src): Reverse(there[opposite]) for when, opposite in zip(WHEN, reversed(WHEN), strict=True)},
    }
