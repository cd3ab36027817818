"""`Pointers`: nodes that name the nodes they belong with, in an attribute."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Int
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.edge_sets import edges_of_keys
from mmgraph.relations.pairs import pair_keys, whole_numbers


@dataclass(frozen=True)
class Pointers:
    """Connects nodes with those that their attribute names by place: 0 is the first node of the graph, -1 none.

    Words that know which region they speak of, in an attribute `region` of the words::

        region     2          -1      0            held_by="src":  dog --> region 2, ball --> region 0
        words      dog        the     ball

    An attribute may name several nodes, in a row of fixed width that is filled up with -1. See `Syntax` for the heads
    of words and `RegionAdjacency` for regions that touch.

    Args:
        attribute: whole numbers, one or several per node.
        held_by: which end of the edges holds the attribute and names the other one.

    Raises:
        ValueError: on another end; when called, if the nodes that should hold the attribute do not, if it is not
            whole numbers, or if it names a place that the graph does not have.

    Example:
        >>> words = NodeSet.of([torch.zeros(3, 1)], region=[torch.tensor([2, -1, 0])])
        >>> regions = NodeSet.of([torch.zeros(4, 1)])
        >>> edges = Pointers("region", held_by="src")(words, regions)
        >>> list(zip(edges.src.tolist(), edges.dst.tolist()))
        [(2, 0), (0, 2)]
    """

    attribute: str
    held_by: Literal["src", "dst"] = "dst"

    def __post_init__(self) -> None:
        if self.held_by not in ("src", "dst"):
            raise ValueError(f"held_by={self.held_by!r} is neither 'src' nor 'dst'")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """No edge features."""
        return ()

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        holders, others = (src, dst) if self.held_by == "src" else (dst, src)
        holder, named, _ = named_rows(self, holders, others, self.attribute)
        src_row, dst_row = (holder, named) if self.held_by == "src" else (named, holder)
        return edges_of_keys(src, dst, pair_keys(src, src_row, dst_row))


def named_rows(
    rule: object, holders: NodeSet, others: NodeSet, attribute: str
) -> tuple[Int[Tensor, " named"], Int[Tensor, " named"], Int[Tensor, " named"]]:
    """Rows of the nodes that name a node, rows of those that are named, and the column in which the name stands.

    Raises:
        ValueError: naming `rule`, if the attribute is not there, not whole numbers, or names a place that is not there.
    """
    columns = whole_numbers(rule, holders, attribute).unsqueeze(1).flatten(1)  # [nodes, named by each]
    count = others.counts[holders.graph].unsqueeze(1)
    wrong = torch.nonzero((columns < -1) | (columns >= count))
    if wrong.numel():
        row, column = wrong[0].tolist()
        graph = int(holders.graph[row])
        raise ValueError(
            f"{rule}: in graph {graph}, {attribute!r} of node {row - int(holders.ptr[graph])} is "
            f"{int(columns[row, column])}, which is not a place in 0..{int(count[row]) - 1}, or -1 for none"
        )
    holder, column = torch.nonzero(columns >= 0, as_tuple=True)
    return holder, others.ptr[holders.graph[holder]] + columns[holder, column], column
