"""`Limit`: no more than some edges per node."""

from dataclasses import KW_ONLY, dataclass
from typing import Literal

import torch

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.graph.ragged import to_ptr
from mmgraph.relations.edge_sets import keep_edges, rows_of
from mmgraph.relations.rule import Rule


@dataclass(frozen=True)
class Limit:
    """Keeps at most `k` edges of a rule at each node, those that an edge feature puts first.

    Two that are nearest in time, of all that overlap::

        f0  f1  f2  f3  f4           Limit(TimeOverlap(features=("time_difference",)), 2, by="time_difference")
         |   |   |   |   |
        (-.4 -.2  .0  .2  .4)        keeps f2 and, of f1 and f3, the first
               word

    Args:
        rule: a rule that gives the feature; `Measured` gives one to any.
        k: edges per node, 1 or more.
        by: name of the edge feature.
        largest: keep the largest values; else those nearest to 0, so that differences count without their sign.
        end: "dst" counts the edges into each destination, "src" those out of each source.

    Raises:
        ValueError: on k < 1, another end, or a feature that the rule does not give.

    Example:
        >>> from mmgraph.relations import Complete, Measured
        >>> nodes = NodeSet.of([torch.tensor([[0.0], [1.0], [3.0]])])
        >>> edges = Limit(Measured(Complete(), ("distance",)), 1, by="distance", end="src")(nodes, nodes)
        >>> list(zip(edges.src.tolist(), edges.dst.tolist()))
        [(1, 0), (0, 1), (2, 1)]
    """

    rule: Rule
    k: int
    by: str
    _: KW_ONLY
    largest: bool = False
    end: Literal["dst", "src"] = "dst"

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k={self.k}: keep at least 1 edge per node")
        if self.end not in ("dst", "src"):
            raise ValueError(f"end={self.end!r} is neither 'dst' nor 'src'")
        if self.by not in self.rule.feature_names:
            raise ValueError(
                f"by={self.by!r} is no edge feature of {self.rule}, which gives "
                f"{', '.join(self.rule.feature_names) or 'none'}; Measured(rule, features) adds some"
            )

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the edge features, those of `rule`."""
        return self.rule.feature_names

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        edges = self.rule(src, dst)
        if edges.features is None or edges.num_edges == 0:
            return edges
        value = edges.features[:, self.feature_names.index(self.by)]
        src_row, dst_row = rows_of(edges, src, dst)
        node, count = (dst_row, dst.num_nodes) if self.end == "dst" else (src_row, src.num_nodes)
        order = (-value if self.largest else value.abs()).argsort(stable=True)  # of equal ones the first come first
        order = order[node[order].argsort(stable=True)]
        rank = torch.arange(order.numel()) - to_ptr(torch.bincount(node, minlength=count))[node[order]]
        kept = torch.zeros_like(order, dtype=torch.bool)
        kept[order[rank < self.k]] = True
        return keep_edges(edges, kept)
