"""`NodeSet`: the nodes of one modality, of many graphs, back to back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph.ragged import compact, gather_rows, index_dtype, segment_of_row, take_rows, to_ptr
from mmgraph.graph.texts import Texts


@dataclass(frozen=True, eq=False)
class NodeSet:
    """Nodes of one modality of many graphs: features, a pointer per graph, named attributes.

    Attributes:
        x: node features, [nodes, channels]; channels may be 0.
        ptr: nodes of graph g are rows `ptr[g]` to `ptr[g + 1]`, int64 [graphs + 1].
        attributes: arrays with one row per node: `span` in seconds, `box` in 0..1, `position`, `text`, or any name.

    Example:
        >>> words = NodeSet.of([torch.ones(2, 3), torch.zeros(0, 3)], position=[torch.arange(2), torch.arange(0)])
        >>> words.num_nodes, words.num_graphs, words.counts.tolist()
        (2, 2, [2, 0])
    """

    x: Float[Tensor, "nodes channels"]
    ptr: Int[Tensor, " graphs_plus_one"]
    attributes: Mapping[str, Tensor | Texts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))

    @classmethod
    def of(cls, x: Sequence[Tensor], **attributes: Sequence[Tensor | Sequence[str]]) -> "NodeSet":
        """Nodes given graph by graph: a list of `x` per graph, and of every attribute (strings make a `Texts`).

        Raises:
            ValueError: if there is no graph, or an attribute has not one row per node of each graph.
        """
        if not x:
            raise ValueError("empty data set: give the features of at least one graph")
        counts = [len(part) for part in x]
        for name, parts in attributes.items():
            if [len(part) for part in parts] != counts:
                raise ValueError(f"{name!r} has {[len(part) for part in parts]} rows in the graphs, x has {counts}")
        values = {name: _join(parts) for name, parts in attributes.items()}
        return cls(torch.cat(list(x)), to_ptr(torch.tensor(counts)), values)

    @classmethod
    def concat(cls, parts: Sequence["NodeSet"]) -> "NodeSet":
        """The graphs of all `parts`, in order. All have the same attributes."""
        attributes = {name: _concat([part.attributes[name] for part in parts]) for name in parts[0].attributes}
        ptr = to_ptr(torch.cat([part.counts for part in parts]))
        return cls(torch.cat([part.x for part in parts]), ptr, attributes)

    @property
    def num_nodes(self) -> int:
        """Nodes of all graphs together."""
        return self.x.shape[0]

    @property
    def num_graphs(self) -> int:
        """Graphs, with or without nodes of this modality."""
        return self.ptr.numel() - 1

    @cached_property
    def counts(self) -> Int[Tensor, " graphs"]:
        """Nodes of each graph."""
        return self.ptr.diff()

    @cached_property
    def graph(self) -> Int[Tensor, " nodes"]:
        """The graph that each node belongs to."""
        return segment_of_row(self.ptr, self.num_nodes)

    def attribute(self, name: str) -> Tensor:
        """A numeric attribute. Raises ValueError if these nodes do not carry it."""
        value = self.attributes.get(name)
        if not isinstance(value, Tensor):
            raise ValueError(f"the nodes carry no {name!r}; they have {', '.join(self.attributes) or 'no attributes'}")
        return value

    def select(self, graphs: Int[Tensor, " selected"]) -> tuple["NodeSet", Int[Tensor, " rows"]]:
        """The nodes of the given graphs, and the rows that they were in."""
        starts = self.ptr[graphs]
        rows, ptr = gather_rows(starts, self.ptr[graphs + 1] - starts, index_dtype(self.num_nodes))
        return self.take(rows, ptr), rows

    def take(self, rows: Int[Tensor, " rows"], ptr: Int[Tensor, " selected_plus_one"]) -> "NodeSet":
        """The nodes in the given rows, as graphs that `ptr` divides them into."""
        attributes = {
            name: value.select(rows) if isinstance(value, Texts) else take_rows(value, rows)
            for name, value in self.attributes.items()
        }
        return NodeSet(take_rows(self.x, rows), ptr, attributes)

    def narrow(self, rows: slice, ptr: Int[Tensor, " selected_plus_one"]) -> "NodeSet":
        """As `take`, of rows that follow each other: views, not copies."""
        attributes = {
            name: value.narrow(rows.start, rows.stop) if isinstance(value, Texts) else value[rows]
            for name, value in self.attributes.items()
        }
        return NodeSet(self.x[rows], ptr, attributes)

    def map(self, change: Callable[[Tensor], Tensor]) -> "NodeSet":
        """The same nodes with `change` applied to every tensor."""
        attributes = {
            name: value.map(change) if isinstance(value, Texts) else change(value)
            for name, value in self.attributes.items()
        }
        return NodeSet(change(self.x), change(self.ptr), attributes)

    def __reduce__(self) -> tuple[Any, ...]:
        whole = self.map(compact)
        return NodeSet, (whole.x, whole.ptr, dict(whole.attributes))


def _concat(values: Sequence[Tensor | Texts]) -> Tensor | Texts:
    if isinstance(values[0], Texts):
        return Texts.concat([value for value in values if isinstance(value, Texts)])
    return torch.cat([value for value in values if isinstance(value, Tensor)])


def _join(parts: Sequence[Tensor | Sequence[str]]) -> Tensor | Texts:
    if all(isinstance(part, Tensor) for part in parts):
        return torch.cat([part for part in parts if isinstance(part, Tensor)])
    return Texts.of(string for part in parts for string in part)
