"""`Reverse`: the edges of a rule, turned round."""

from dataclasses import dataclass

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.edge_sets import rows_of
from mmgraph.relations.pairs import edges_from_rows, pair_keys, rows_of_keys
from mmgraph.relations.rule import Rule


@dataclass(frozen=True)
class Reverse:
    r"""Connects b with a wherever `rule` connects a with b.

    With a rule that gives each word its nearest region, regions hear the words that chose them::

        ("image", "near", "text"): rule              ("text", "chose", "image"): Reverse(rule)

        r1   r2   r3                                 r1   r2   r3
          \  /                                         ^  ^
           v v                                          \/
           w1                                           w1

    Edge features stay as `rule` gives them: a `time_difference` is still that of the turned edge.

    Args:
        rule: any rule; it is called with the two modalities exchanged.

    Example:
        >>> import torch
        >>> from mmgraph.relations import Window
        >>> frames = NodeSet.of([torch.zeros(3, 1)])
        >>> Reverse(Window(1, -1))(frames, frames).src.tolist()  # the same as Window(-1, 1)
        [1, 2]
    """

    rule: Rule

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the edge features, those of `rule`."""
        return self.rule.feature_names

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        edges = self.rule(dst, src)
        dst_row, src_row = rows_of(edges, dst, src)
        keys, order = pair_keys(src, src_row, dst_row).sort(stable=True)
        features = None if edges.features is None else edges.features[order]
        return edges_from_rows(src, dst, *rows_of_keys(src, keys), features)
