"""`Symmetric`: edges in both directions."""

from dataclasses import dataclass

import torch

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.edge_sets import edges_of_keys, keys_of, rows_of
from mmgraph.relations.pairs import pair_keys
from mmgraph.relations.rule import Rule, refuse_features


@dataclass(frozen=True)
class Symmetric:
    """Connects two nodes in both directions if a rule connects them in one.

    ::

        rule   a --> b <-- c         Symmetric(rule)   a <-> b <-> c

    Across modalities it asks the rule in both directions: `Symmetric(Nearest(1))` from text to image connects a word
    with its nearest region, and with every region whose nearest word it is. Take it in the other direction too, for
    the edges back.

    Args:
        rule: any rule without edge features, which an edge back might not share; put `Measured` around.

    Raises:
        ValueError: if the rule gives edge features.

    Example:
        >>> from mmgraph.relations import Nearest
        >>> nodes = NodeSet.of([torch.tensor([[0.0], [1.0], [3.0]])])
        >>> edges = Symmetric(Nearest(1))(nodes, nodes)
        >>> edges.src.tolist(), edges.dst.tolist()
        ([1, 0, 2, 1], [0, 1, 1, 2])
    """

    rule: Rule

    def __post_init__(self) -> None:
        refuse_features(self, self.rule, "adds edges back")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """No edge features."""
        return ()

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        there = self.rule(src, dst)
        back = there if src is dst else self.rule(dst, src)
        back_src, back_dst = rows_of(back, dst, src)
        return edges_of_keys(src, dst, torch.cat([keys_of(there, src, dst), pair_keys(src, back_dst, back_src)]))
