"""`Complete`: everything with everything."""

from dataclasses import KW_ONLY, dataclass

import torch

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.pairs import edges_from_ranges


@dataclass(frozen=True)
class Complete:
    """Connects every source of a graph with every destination of that graph, within a modality or across two.

    Without loops, three nodes of one modality, and two words with three regions::

        a <-> b <-> c        w1 --> r1, r2, r3
        ^           ^        w2 --> r1, r2, r3
        +-----------+

    Args:
        loops: within one modality, connect a node with itself too. Means nothing across modalities.

    Example:
        >>> words = NodeSet.of([torch.zeros(3, 1)])
        >>> edges = Complete()(words, words)
        >>> edges.src.tolist(), edges.dst.tolist()
        ([1, 2, 0, 2, 0, 1], [0, 0, 1, 1, 2, 2])
    """

    _: KW_ONLY
    loops: bool = False

    @property
    def feature_names(self) -> tuple[str, ...]:
        """No edge features."""
        return ()

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        stop = src.counts[dst.graph]
        return edges_from_ranges(dst, torch.zeros_like(stop), stop, loops=self.loops or src is not dst)
