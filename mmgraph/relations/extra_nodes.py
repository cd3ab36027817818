"""Nodes that stand for no raw input: one for a whole graph, some to meet at, one per utterance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from mmgraph.graph import Field, NodeSet, Relation
from mmgraph.graph.ragged import gather_rows, to_ptr
from mmgraph.relations.complete import Complete
from mmgraph.relations.pairs import whole_numbers
from mmgraph.relations.rule import Rule


class NodeMaker(Protocol):
    """Makes nodes from the nodes of the modalities; `GraphBuilder` takes it under `extra`."""

    @property
    def channels(self) -> int:
        """Channels of the node features."""

    @property
    def attributes(self) -> Mapping[str, Field]:
        """The attributes that the nodes carry."""

    def __call__(self, nodes: Mapping[str, NodeSet]) -> NodeSet:
        """Nodes of each graph, from all its nodes that come from raw inputs."""


@dataclass(frozen=True)
class GlobalNodes:
    r"""The same few nodes in every graph, which other nodes are connected with.

    One node for the whole graph (a star), or a bottleneck of a few, through which modalities hear of each other::

        image o---\    /---o text            image o---[0]---o text
        image o----(*)-----o text            image o-- [1]---o text      each with both, of GlobalNodes(2)
        image o---/    \---o text            image o---[ ]---o text

    The nodes have no features; their attribute `slot`, 0 to `count - 1`, is a category that a model embeds, so each
    starts as a vector that is learned. `star_relations` connects them. A graph without any of the other nodes has none.

    Args:
        count: nodes per graph.
        of: modalities of which a graph needs a node to get these; default: any.

    Raises:
        ValueError: on a count below 1; when called, on an unknown modality.

    Source: Nagrani et al., Attention Bottlenecks for Multimodal Fusion, 2021 (the bottleneck).

    Example:
        >>> words = NodeSet.of([torch.zeros(3, 1), torch.zeros(0, 1)])
        >>> fusion = GlobalNodes(2)({"text": words})
        >>> fusion.counts.tolist(), fusion.attribute("slot").tolist()
        ([2, 0], [0, 1])
    """

    count: int = 1
    of: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", _names(self.of))
        if self.count < 1:
            raise ValueError(f"count={self.count}: give at least 1 node per graph")

    @property
    def channels(self) -> int:
        """None: a model learns what the nodes start with."""
        return 0

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`slot`."""
        return {"slot": Field("int64", num_classes=self.count)}

    def __call__(self, nodes: Mapping[str, NodeSet]) -> NodeSet:
        """The nodes of each graph."""
        there = torch.stack([part.counts > 0 for part in _chosen(self, self.of, nodes).values()]).any(0)
        counts = there * self.count
        slot, ptr = gather_rows(torch.zeros_like(counts), counts)
        return _featureless(ptr, {"slot": slot}, nodes)


@dataclass(frozen=True)
class UnitNodes:
    """A node for each unit of a graph: hyperedges, one per utterance, to which its words, face and voice belong.

    Units are the different numbers of an attribute, over all modalities together::

        words (unit 0, 0, 1), faces (unit 0, 2)          nodes 0, 1, 2
                                                         0 -- w0, w1, f0    1 -- w2    2 -- f1

    The nodes carry the number (under the same name), so `SameUnit` connects them with their members, as in
    `star_relations("utterance", ["text", "face"], SameUnit())`, and `slot`, always 0, a category that a model embeds:
    all start with the same vector. They stand in the order of the numbers; negative numbers belong to no unit.

    Args:
        attribute: where the numbers stand.
        of: modalities whose nodes have units; default: all.

    Raises:
        ValueError: when called, on an unknown modality one without the attribute, or one whose numbers are not whole.

    Source: Chen et al., Multivariate, Multi-Frequency and Multimodal: Rethinking Graph Neural Networks for Emotion
    Recognition in Conversation (M3Net), 2023; its hyperedges of a whole modality are `GlobalNodes(of=(modality,))`.

    Example:
        >>> words = NodeSet.of([torch.zeros(3, 1)], unit=[torch.tensor([0, 0, 1])])
        >>> faces = NodeSet.of([torch.zeros(2, 1)], unit=[torch.tensor([0, 2])])
        >>> UnitNodes()({"text": words, "face": faces}).attribute("unit").tolist()
        [0, 1, 2]
    """

    attribute: str = "unit"
    of: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", _names(self.of))

    @property
    def channels(self) -> int:
        """None: a model learns what the nodes start with."""
        return 0

    @property
    def attributes(self) -> Mapping[str, Field]:
        """The number, and `slot`."""
        return {self.attribute: Field("int64"), "slot": Field("int64", num_classes=1)}

    def __call__(self, nodes: Mapping[str, NodeSet]) -> NodeSet:
        """The nodes of each graph."""
        chosen = _chosen(self, self.of, nodes).values()
        graph = torch.cat([part.graph for part in chosen])
        unit = torch.cat([whole_numbers(self, part, self.attribute) for part in chosen])
        found = torch.unique(torch.stack([graph, unit], 1)[unit >= 0], dim=0)
        counts = torch.bincount(found[:, 0], minlength=next(iter(nodes.values())).num_graphs)
        units = {self.attribute: found[:, 1], "slot": torch.zeros_like(found[:, 1])}
        return _featureless(to_ptr(counts), units, nodes)


def star_relations(centre: str, modalities: Sequence[str], rule: Rule | None = None) -> dict[Relation, Rule]:
    """Relations from each modality to the nodes of `centre` and back.

    Args:
        centre: name of the extra nodes.
        modalities: what is connected with them.
        rule: which of them; default: all with all.

    Example:
        >>> list(star_relations("fusion", ["image", "text"]))
        [('image', 'to', 'fusion'), ('fusion', 'to', 'image'), ('text', 'to', 'fusion'), ('fusion', 'to', 'text')]
    """
    connect = Complete() if rule is None else rule
    return {relation: connect for name in modalities for relation in ((name, "to", centre), (centre, "to", name))}


def _names(of: Sequence[str]) -> tuple[str, ...]:
    return (of,) if isinstance(of, str) else tuple(of)


def _chosen(maker: NodeMaker, of: Sequence[str], nodes: Mapping[str, NodeSet]) -> Mapping[str, NodeSet]:
    for name in of:
        if name not in nodes:
            raise ValueError(f"{maker} is of the unknown modality {name!r}; there are {', '.join(nodes)}")
    return {name: nodes[name] for name in of or nodes}


def _featureless(ptr: Tensor, attributes: Mapping[str, Tensor], nodes: Mapping[str, NodeSet]) -> NodeSet:
    dtype = next(iter(nodes.values())).x.dtype
    return NodeSet(torch.zeros(int(ptr[-1]), 0, dtype=dtype), ptr, attributes)
