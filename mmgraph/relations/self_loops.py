"""`SelfLoops`: every node with itself."""

from dataclasses import dataclass

import torch

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.edge_sets import edges_of_keys, keys_of
from mmgraph.relations.pairs import pair_keys
from mmgraph.relations.rule import Rule, refuse_across, refuse_features


@dataclass(frozen=True)
class SelfLoops:
    """Connects every node with itself, besides what a rule connects. Most rules can do so too, with `loops=True`.

    ::

        rule   a --> b         SelfLoops(rule)   a --> b
                                                 ^)    ^)

    Args:
        rule: any rule without edge features, which a loop would not have; put `Measured` around.

    Raises:
        ValueError: if the rule gives edge features; when called across modalities.

    Example:
        >>> from mmgraph.relations import Window
        >>> nodes = NodeSet.of([torch.zeros(2, 1)])
        >>> SelfLoops(Window(1, -1))(nodes, nodes).src.tolist()
        [0, 0, 1]
    """

    rule: Rule

    def __post_init__(self) -> None:
        refuse_features(self, self.rule, "adds loops")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """No edge features."""
        return ()

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst`."""
        refuse_across(self, src, dst, "a loop needs both ends there")
        own = torch.arange(dst.num_nodes)
        return edges_of_keys(src, dst, torch.cat([keys_of(self.rule(src, dst), src, dst), pair_keys(src, own, own)]))
