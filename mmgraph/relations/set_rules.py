"""`Union`, `Intersection`, `Difference`: the edges of two rules as sets."""

from dataclasses import dataclass

import torch

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.edge_sets import keep_edges, keys_of
from mmgraph.relations.pairs import edges_from_rows, rows_of_keys
from mmgraph.relations.rule import Rule


@dataclass(frozen=True)
class Union:
    """Connects what one rule or the other connects; what both connect, once.

    ::

        first   a -- b    c         second   a -- b -- c        Union   a -- b -- c

    Both give the same edge features, or none; where both have an edge, those of `first` count. Put `Measured` around a
    union for features that are measured alike on all its edges.

    Args:
        first: any rule.
        second: any other.

    Raises:
        ValueError: if the two give different edge features.

    Example:
        >>> from mmgraph.relations import Window
        >>> nodes = NodeSet.of([torch.zeros(3, 1)])
        >>> Union(Window(1, -1), Window(-1, 1))(nodes, nodes).src.tolist()
        [1, 0, 2, 1]
    """

    first: Rule
    second: Rule

    def __post_init__(self) -> None:
        names = self.first.feature_names, self.second.feature_names
        if names[0] != names[1]:
            raise ValueError(
                f"the rules of a Union give the same edge features, got {names[0]} and {names[1]}: leave them out and "
                "measure them afterwards, Measured(Union(...), features)"
            )

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the edge features, those of both."""
        return self.first.feature_names

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        both = self.first(src, dst), self.second(src, dst)
        keys, order = torch.cat([keys_of(edges, src, dst) for edges in both]).sort(stable=True)
        once = torch.ones_like(keys, dtype=torch.bool)
        once[1:] = keys[1:] != keys[:-1]
        parts = [edges.features for edges in both if edges.features is not None]
        features = torch.cat(parts)[order[once]] if parts else None
        return edges_from_rows(src, dst, *rows_of_keys(src, keys[once]), features)


@dataclass(frozen=True)
class Intersection:
    """Connects what both rules connect, with the edge features of `first`.

    ::

        first   a -- b -- c         second   a    b -- c        Intersection   a    b -- c

    Args:
        first: any rule.
        second: any other; only its edges count.

    Example:
        >>> from mmgraph.relations import Nearest, Window
        >>> nodes = NodeSet.of([torch.tensor([[0.0], [9.0], [1.0]])])
        >>> edges = Intersection(Nearest(1), Window(1, 1))(nodes, nodes)
        >>> edges.src.tolist(), edges.dst.tolist()
        ([2], [1])
    """

    first: Rule
    second: Rule

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the edge features, those of `first`."""
        return self.first.feature_names

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        first, second = self.first(src, dst), self.second(src, dst)
        return keep_edges(first, torch.isin(keys_of(first, src, dst), keys_of(second, src, dst)))


@dataclass(frozen=True)
class Difference:
    """Connects what the first rule connects and the second does not, with the edge features of `first`.

    ::

        first   a -- b -- c         second   a    b -- c        Difference   a -- b    c

    Args:
        first: any rule.
        second: what is taken away; `Window(0, 0)` takes away self loops.

    Example:
        >>> from mmgraph.relations import Complete, Window
        >>> nodes = NodeSet.of([torch.zeros(3, 1)])
        >>> edges = Difference(Complete(), Window(1, 1))(nodes, nodes)
        >>> edges.src.tolist(), edges.dst.tolist()
        ([2, 0], [0, 2])
    """

    first: Rule
    second: Rule

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the edge features, those of `first`."""
        return self.first.feature_names

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        first, second = self.first(src, dst), self.second(src, dst)
        return keep_edges(first, ~torch.isin(keys_of(first, src, dst), keys_of(second, src, dst)))
