"""Fills: what stands in the place of nodes that an explanation takes away."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mmgraph.explain.subgraph import subgraph
from mmgraph.graph import GraphBatch, NodeSet


class Fill(Protocol):
    """What becomes of the nodes under a mask.

    Attributes:
        draws: how often an explanation fills each place; it takes the mean.

    Example:
        >>> fill: Fill = Removed()
        >>> fill.draws
        1
    """

    @property
    def draws(self) -> int:
        """How often each place is filled."""
        ...

    def __call__(self, batch: GraphBatch, nodes: Bool[Tensor, " nodes"], draw: int) -> GraphBatch:
        """The graphs with the masked nodes filled; `draw` numbers the call, and decides all chance in it."""
        ...


@dataclass(frozen=True)
class Removed:
    """The nodes are removed, with their edges: a graph model reads the smaller graph.

    Example:
        >>> batch = GraphBatch.single({"text": torch.rand(2, 3)}, {})
        >>> Removed()(batch, torch.tensor([True, False]), 0).num_nodes
        1
    """

    draws: int = 1

    def __call__(self, batch: GraphBatch, nodes: Bool[Tensor, " nodes"], draw: int) -> GraphBatch:
        """The graphs without the nodes."""
        return subgraph(batch, ~nodes)


@dataclass(frozen=True, eq=False)
class MeanFill:
    """The features of the nodes become the mean over nodes of their modality; categories become class 0, the unknown.

    Nodes keep their place (box, span, position) and their edges, so the graph keeps its form.

    Args:
        means: per modality the mean of `x`.

    Example:
        >>> graphs = GraphBatch.single({"text": torch.tensor([[1.0], [3.0]])}, {})
        >>> MeanFill.of(graphs)(graphs, torch.tensor([True, False]), 0).nodes["text"].x.tolist()
        [[2.0], [3.0]]
    """

    means: Mapping[str, Float[Tensor, "_"]]

    @classmethod
    def of(cls, graphs: GraphBatch) -> "MeanFill":
        """The means of these graphs, usually of the training data; zeros for a modality that none has."""
        return cls({name: nodes.x.mean(0) if len(nodes.x) else nodes.x.sum(0) for name, nodes in graphs.nodes.items()})

    @property
    def draws(self) -> int:
        """One: it is always the same."""
        return 1

    def __call__(self, batch: GraphBatch, nodes: Bool[Tensor, " nodes"], draw: int) -> GraphBatch:
        """The graphs with the features of the nodes at the mean."""
        masks = dict(zip(batch.nodes, nodes.split(batch.flat.num_nodes), strict=True))
        changed = {}
        for name, value in batch.nodes.items():
            mask, attributes = masks[name], dict(value.attributes)
            for field in _categories(batch, name):
                attributes[field] = _where(mask, torch.zeros_like(value.attribute(field)), value.attribute(field))
            x = _where(mask, self.means[name].to(value.x).expand_as(value.x), value.x)
            changed[name] = NodeSet(x, value.ptr, attributes)
        return with_nodes(batch, changed)


@dataclass(frozen=True, eq=False)
class DonorFill:
    """Features and categories of the nodes become those of nodes drawn from other graphs, of the same modality.

    Nodes keep their place (box, span, position) and their edges. What the model sees could have been there, so the
    mean over draws says how far the output depends on what *is* there, and a place that counts is found even where the
    answer stays the same without it. Donors are drawn one by one, not as neighbours.

    Args:
        donors: where nodes are drawn from, usually some of the training data.
        draws: how often each place is filled.
        seed: of the draws.

    Raises:
        ValueError: if `draws` is below 1; when called, if a masked modality has no node in `donors`.

    Example:
        >>> graphs = GraphBatch.single({"text": torch.tensor([[1.0], [3.0]])}, {})
        >>> donors = GraphBatch.single({"text": torch.tensor([[7.0]])}, {})
        >>> DonorFill(donors)(graphs, torch.tensor([True, False]), 0).nodes["text"].x.tolist()
        [[7.0], [3.0]]
    """

    donors: GraphBatch
    draws: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise ValueError(f"draws={self.draws} is at least 1")

    def __call__(self, batch: GraphBatch, nodes: Bool[Tensor, " nodes"], draw: int) -> GraphBatch:
        """The graphs with other nodes in those places."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + draw)
        masks = dict(zip(batch.nodes, nodes.split(batch.flat.num_nodes), strict=True))
        return with_nodes(batch, {name: self._filled(batch, name, mask, generator) for name, mask in masks.items()})

    def _filled(self, batch: GraphBatch, name: str, mask: Tensor, generator: torch.Generator) -> NodeSet:
        value, source = batch.nodes[name], self.donors.nodes[name]
        number = int(mask.sum())
        if not number:
            return value
        if not source.num_nodes:
            raise ValueError(f"no donor graph has nodes of {name!r}, so none can be drawn; give graphs that have some")
        rows = torch.randint(source.num_nodes, (number,), generator=generator)
        attributes = dict(value.attributes)
        for field in _categories(batch, name):
            attributes[field] = _put(value.attribute(field), mask, source.attribute(field)[rows])
        return NodeSet(_put(value.x, mask, source.x[rows]), value.ptr, attributes)


def with_nodes(batch: GraphBatch, nodes: Mapping[str, NodeSet]) -> GraphBatch:
    """The same graphs with other features and attributes of as many nodes.

    Example:
        >>> batch = GraphBatch.single({"text": torch.ones(2, 1)}, {})
        >>> twice = with_nodes(batch, {"text": NodeSet(2 * batch.nodes["text"].x, batch.nodes["text"].ptr)})
        >>> twice.nodes["text"].x.tolist()
        [[2.0], [2.0]]
    """
    return GraphBatch(batch.schema, batch.ids, nodes, batch.edges, batch.targets)


def _categories(batch: GraphBatch, modality: str) -> list[str]:
    return [name for name, field in batch.schema.attributes[modality].items() if field.num_classes]


def _where(mask: Tensor, filled: Tensor, value: Tensor) -> Tensor:
    return torch.where(mask.view(-1, *[1] * (value.dim() - 1)), filled, value)


def _put(value: Tensor, mask: Tensor, rows: Tensor) -> Tensor:
    changed = value.clone()
    changed[mask] = rows.to(value)
    return changed
