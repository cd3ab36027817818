"""`Custom`: a rule from one function."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.pairs import all_pairs, edges_from_rows, needed, place


@dataclass(frozen=True)
class PairEnd:
    """One end of many pairs of nodes; row i of everything belongs to pair i.

    Attributes:
        nodes: all nodes of the modality.
        rows: row of this end of each pair.
    """

    nodes: NodeSet
    rows: Tensor

    @property
    def x(self) -> Float[Tensor, "pairs channels"]:
        """Features of this end of each pair."""
        return self.nodes.x[self.rows]

    @property
    def place(self) -> Tensor:
        """Place of this end within its graph, int64 [pairs]."""
        return place(self.nodes)[self.rows]

    def attribute(self, name: str) -> Tensor:
        """An attribute of this end of each pair. Raises ValueError if the nodes do not have it."""
        return needed("Custom", self.nodes, name)[self.rows]


@dataclass(frozen=True)
class Custom:
    """Connects the pairs that a function of yours accepts.

    The function sees many pairs at once, as two `PairEnd`s, and says True or False for each::

        def above(src, dst):                                      src   r0  r0  r1  r1 ...
            return src.attribute("box")[:, 3] <= dst.attribute("box")[:, 1]      |   |   |   |
                                                                  dst   r0  r1  r0  r1 ...

    It is asked about all pairs of each graph, in portions, so memory does not grow with the square of the nodes; it
    must judge each pair by itself. A rule that needs more is a class of your own with `feature_names` and `__call__`,
    see `Rule`.

    Args:
        function: from the sources and destinations of pairs to bool [pairs].
        loops: within one modality, ask about a node and itself too.

    Raises:
        ValueError: when called, if the function gives something else than one bool per pair.

    Example:
        >>> def above(src, dst):
        ...     return src.attribute("box")[:, 3] <= dst.attribute("box")[:, 1]
        >>> box = torch.tensor([[0.0, 0.0, 1.0, 0.3], [0.0, 0.5, 1.0, 0.9]])
        >>> regions = NodeSet.of([torch.zeros(2, 1)], box=[box])
        >>> edges = Custom(above)(regions, regions)
        >>> edges.src.tolist(), edges.dst.tolist()
        ([0], [1])
    """

    function: Callable[[PairEnd, PairEnd], Tensor] = field(repr=False)
    _: KW_ONLY
    loops: bool = False

    @property
    def feature_names(self) -> tuple[str, ...]:
        """No edge features; `Measured` adds some."""
        return ()

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        none = torch.zeros(0, dtype=torch.int64)
        self._accepted(src, dst, none, none)  # so that a mistake is found when a builder is made
        found_src, found_dst = [none], [none]
        for src_row, dst_row in all_pairs(src, dst, max(src.x.shape[1], dst.x.shape[1])):
            if src is dst and not self.loops:
                apart = src_row != dst_row
                src_row, dst_row = src_row[apart], dst_row[apart]
            accepted = self._accepted(src, dst, src_row, dst_row)
            found_src.append(src_row[accepted])
            found_dst.append(dst_row[accepted])
        return edges_from_rows(src, dst, torch.cat(found_src), torch.cat(found_dst))

    def __repr__(self) -> str:
        name = getattr(self.function, "__qualname__", repr(self.function))
        return f"Custom({name}, loops={self.loops})"

    def _accepted(self, src: NodeSet, dst: NodeSet, src_row: Tensor, dst_row: Tensor) -> Tensor:
        try:
            accepted = self.function(PairEnd(src, src_row), PairEnd(dst, dst_row))
        except ValueError as error:
            error.add_note(f"in {self}")
            raise
        if not isinstance(accepted, Tensor) or accepted.dtype != torch.bool or accepted.shape != src_row.shape:
            got = f"{accepted.dtype} {list(accepted.shape)}" if isinstance(accepted, Tensor) else repr(accepted)
            raise ValueError(f"{self}: the function gives bool [{src_row.numel()}], one per pair, got {got}")
        return accepted
