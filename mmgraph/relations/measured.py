"""`Measured`: edge features for the edges of any rule."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.edge_sets import rows_of
from mmgraph.relations.measures import MEASURES
from mmgraph.relations.rule import Rule


@dataclass(frozen=True)
class Measured:
    """Gives the edges of a rule features that are measured between their two ends.

    Neighbours in a window, each with its distance in places and how alike it is::

        a ----> b <---- c          Measured(Window(1, 1, loops=False), ("offset", "similarity"))
          -1,.9   +1,.2

    What there is, each for the source as seen from the destination:

    - `offset`: place of the source minus place of the destination: their order within a modality, `position` across;
    - `time_difference` (between the centres) and `overlap` (negative across a gap), both in seconds, of `span`;
    - `box_x`, `box_y`: distance of the centres in widths and heights of the destination's `box`; `box_width`,
      `box_height`: logarithm of the ratio of the sizes; `iou`: intersection over union;
    - `distance` (Euclidean), `similarity` (cosine), `angular_similarity` (1 - angle / pi, as in MMGCN) of `x`.

    Args:
        rule: any rule; features of its own come first.
        features: names of what is measured, in order.

    Raises:
        ValueError: on an unknown name, none, or one that `rule` gives already; when called, if nodes lack the attribute
            that is measured, or the two ends have other numbers of channels.

    Example:
        >>> from mmgraph.relations import Window
        >>> frames = NodeSet.of([torch.tensor([[0.0], [2.0], [3.0]])])
        >>> edges = Measured(Window(1, -1), ("offset", "distance"))(frames, frames)
        >>> edges.features.tolist()
        [[-1.0, 2.0], [-1.0, 1.0]]
    """

    rule: Rule
    features: Sequence[str]

    def __post_init__(self) -> None:
        names = (self.features,) if isinstance(self.features, str) else tuple(self.features)
        object.__setattr__(self, "features", names)
        for name in names:
            if name not in MEASURES:
                raise ValueError(f"features has {name!r}; Measured knows {', '.join(MEASURES)}")
        if not names or len(set(self.feature_names)) < len(self.feature_names):
            raise ValueError(
                f"features={names}: give each once, at least one; {self.rule} gives {self.given or 'none'}"
            )

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the edge features of `rule` itself."""
        return self.rule.feature_names

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the edge features."""
        return (*self.given, *self.features)

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        edges = self.rule(src, dst)
        src_row, dst_row = rows_of(edges, src, dst)
        columns = [MEASURES[name](self, src, dst, src_row, dst_row).to(dst.x.dtype) for name in self.features]
        measured = torch.stack(columns, 1)
        features = measured if edges.features is None else torch.cat([edges.features, measured], 1)
        return EdgeList(edges.ptr, edges.src, edges.dst, features)
