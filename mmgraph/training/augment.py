"""Random changes of a mini-batch: nodes, edges, tokens and whole modalities that are left out while a model trains."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Protocol

import torch
from jaxtyping import Bool
from torch import Tensor

from mmgraph.graph import EdgeList, GraphBatch, NodeSet, Relation
from mmgraph.graph.ragged import to_ptr
from mmgraph.graph.store import EdgeStore


class Augmentation(Protocol):
    """Changes graphs; the same generator state gives the same change."""

    def __call__(self, graphs: GraphBatch, generator: torch.Generator) -> GraphBatch:
        """Changed graphs over the same schema, as many, in the same order; draws from a CPU generator."""


@dataclass(frozen=True)
class NodeDropout:
    """Leaves out nodes with their edges, each with the same chance, but not the last one of a modality in a graph.

    Targets of nodes go with them. Attributes that number other nodes, such as `neighbours`, are not renumbered: they
    have done their work when the graphs were built.

    Args:
        rate: chance of a node.
        modality: whose nodes; None: of all.

    Raises:
        ValueError: if the rate is not in 0..1; when called, on an unknown modality.

    Example:
        >>> graphs = GraphBatch.single({"text": torch.ones(4, 2)}, {("text", "next", "text"): torch.tensor([[0], [1]])})
        >>> NodeDropout(1.0)(graphs, torch.Generator().manual_seed(0)).num_nodes
        1
    """

    rate: float
    _: KW_ONLY
    modality: str | None = None

    def __post_init__(self) -> None:
        _check_rate("rate", self.rate)

    def __call__(self, graphs: GraphBatch, generator: torch.Generator) -> GraphBatch:
        """The graphs with fewer nodes."""
        if self.modality is not None:
            graphs.schema.modality_id(self.modality)
        kept = {}
        for modality, nodes in graphs.nodes.items():
            chance = torch.rand(nodes.num_nodes, generator=generator).to(nodes.x.device)
            if self.modality in (None, modality):
                # The node with the highest number of its graph stays whatever the rate.
                highest = chance.new_zeros(nodes.num_graphs).scatter_reduce_(0, nodes.graph, chance, "amax")
                kept[modality] = (chance >= self.rate) | (chance == highest[nodes.graph])
        return keep_nodes(graphs, kept)


@dataclass(frozen=True)
class EdgeDropout:
    """Leaves out edges, each with the same chance; an edge i -> j may go and j -> i stay.

    Args:
        rate: chance of an edge.
        relation: whose edges; None: of all.

    Raises:
        ValueError: if the rate is not in 0..1; when called, on an unknown relation.

    Example:
        >>> graphs = GraphBatch.single({"text": torch.ones(2, 2)}, {("text", "next", "text"): torch.tensor([[0], [1]])})
        >>> EdgeDropout(1.0)(graphs, torch.Generator().manual_seed(0)).edges.num_edges
        0
    """

    rate: float
    _: KW_ONLY
    relation: Relation | None = None

    def __post_init__(self) -> None:
        _check_rate("rate", self.rate)

    def __call__(self, graphs: GraphBatch, generator: torch.Generator) -> GraphBatch:
        """The graphs with fewer edges."""
        if self.relation is not None:
            graphs.schema.relation_id(self.relation)
        lists = []
        for relation in graphs.schema.edge_types:
            edges = graphs.relation(relation)
            chance = torch.rand(edges.num_edges, generator=generator).to(edges.src.device)
            lists.append(_some(edges, chance >= self.rate) if self.relation in (None, relation) else edges)
        return _with(graphs, graphs.nodes, lists)


@dataclass(frozen=True)
class ModalityDropout:
    """Leaves out all nodes of a modality of a graph, with the modality's own chance, but never all that is there.

    A model that has seen this knows what to do when a camera or a microphone fails. Where chance takes all modalities
    of a graph, one of them, any with the same chance, stays.

    Args:
        rates: chance of each modality; those that are not named stay.

    Raises:
        ValueError: if a rate is not in 0..1; when called, on an unknown modality.

    Example:
        >>> graphs = GraphBatch.single({"text": torch.ones(2, 2), "image": torch.ones(3, 2)}, {})
        >>> some = ModalityDropout({"text": 1.0})(graphs, torch.Generator().manual_seed(0))
        >>> {modality: nodes.num_nodes for modality, nodes in some.nodes.items()}
        {'text': 0, 'image': 3}
    """

    rates: Mapping[str, float]

    def __post_init__(self) -> None:
        for modality, rate in self.rates.items():
            _check_rate(f"rate of {modality}", rate)

    def __call__(self, graphs: GraphBatch, generator: torch.Generator) -> GraphBatch:
        """The graphs with fewer modalities."""
        for modality in self.rates:
            graphs.schema.modality_id(modality)
        there = torch.stack([nodes.counts > 0 for nodes in graphs.nodes.values()])  # [modalities, graphs]
        rates = torch.tensor([self.rates.get(modality, 0.0) for modality in graphs.nodes])[:, None]
        gone = (torch.rand(there.shape, generator=generator) < rates).to(there.device)
        order = torch.rand(there.shape, generator=generator).to(there.device).masked_fill(~there, -1)
        spared = torch.zeros_like(gone).scatter_(0, order.argmax(0, keepdim=True), True)
        gone &= ~(spared & (gone | ~there).all(0))
        return keep_nodes(graphs, {m: ~gone[i][nodes.graph] for i, (m, nodes) in enumerate(graphs.nodes.items())})


@dataclass(frozen=True)
class TokenDropout:
    """Makes tokens unknown, each with the same chance: their number becomes that of an unknown token.

    Args:
        modality: whose nodes.
        rate: chance of a node.
        attribute: the number of a node's token; its class 0 means unknown, as front ends number tokens.

    Raises:
        ValueError: if the rate is not in 0..1; when called, on an unknown modality, or if the schema's attribute is not
            one of classes.

    Example:
        >>> from mmgraph.graph import Field, GraphSchema
        >>> schema = GraphSchema({"text": 0}, attributes={"text": {"token": Field("int64", num_classes=9)}})
        >>> token = {"text": {"token": torch.tensor([3, 8])}}
        >>> graphs = GraphBatch.single({"text": torch.zeros(2, 0)}, {}, schema=schema, attributes=token)
        >>> TokenDropout("text", 1.0)(graphs, torch.Generator()).nodes["text"].attribute("token").tolist()
        [0, 0]
    """

    modality: str
    rate: float
    _: KW_ONLY
    attribute: str = "token"

    def __post_init__(self) -> None:
        _check_rate("rate", self.rate)

    def __call__(self, graphs: GraphBatch, generator: torch.Generator) -> GraphBatch:
        """The graphs with fewer known tokens."""
        graphs.schema.modality_id(self.modality)
        field = graphs.schema.attributes[self.modality].get(self.attribute)
        if field is None or field.num_classes is None or field.shape:
            raise ValueError(f"{self.attribute!r} of {self.modality!r} is no number of a class, its field is {field}")
        nodes = graphs.nodes[self.modality]
        token = nodes.attribute(self.attribute)
        known = (torch.rand(nodes.num_nodes, generator=generator) >= self.rate).to(token.device)
        changed = NodeSet(nodes.x, nodes.ptr, {**nodes.attributes, self.attribute: torch.where(known, token, 0)})
        return GraphBatch(
            graphs.schema, graphs.ids, {**graphs.nodes, self.modality: changed}, graphs.edges, graphs.targets
        )


@dataclass(frozen=True)
class Chain:
    """Changes applied in turn.

    Args:
        steps: such as `NodeDropout(0.1)`; none changes nothing.

    Example:
        >>> graphs = GraphBatch.single({"text": torch.ones(2, 2)}, {("text", "next", "text"): torch.tensor([[0], [1]])})
        >>> Chain([EdgeDropout(1.0), NodeDropout(1.0)])(graphs, torch.Generator().manual_seed(0)).num_nodes
        1
    """

    steps: Sequence[Augmentation]

    def __call__(self, graphs: GraphBatch, generator: torch.Generator) -> GraphBatch:
        """The changed graphs."""
        for step in self.steps:
            graphs = step(graphs, generator)
        return graphs


def keep_nodes(graphs: GraphBatch, kept: Mapping[str, Bool[Tensor, "_"]]) -> GraphBatch:
    """The graphs with some of their nodes, and the edges between them.

    Args:
        graphs: any graphs.
        kept: per modality which of its nodes stay; all of a modality that is not named.

    Example:
        >>> graphs = GraphBatch.single({"text": torch.ones(3, 2)}, {("text", "next", "text"): torch.tensor([[1], [2]])})
        >>> keep_nodes(graphs, {"text": torch.tensor([False, True, True])}).flat.src.tolist()
        [0]
    """
    rows = {m: torch.nonzero(mask).squeeze(1) for m, mask in kept.items()}
    nodes, local = {}, {}
    for modality, value in graphs.nodes.items():
        if modality not in kept:
            nodes[modality] = value
            continue
        before = to_ptr(kept[modality].to(torch.int64))  # kept nodes before each node
        nodes[modality] = value.take(rows[modality], before[value.ptr])
        local[modality] = before[:-1] - before[value.ptr][value.graph]
    lists = []
    for relation in graphs.schema.edge_types:
        edges = graphs.relation(relation)
        stays = torch.ones_like(edges.src, dtype=torch.bool)
        ends = {}
        for name, modality, end in (("src", relation[0], edges.src), ("dst", relation[2], edges.dst)):
            place = graphs.nodes[modality].ptr[edges.graph] + end
            stays = stays & kept[modality][place] if modality in kept else stays
            ends[name] = local[modality][place].to(torch.int32) if modality in kept else end
        lists.append(_some(EdgeList(edges.ptr, ends["src"], ends["dst"], edges.features), stays))
    targets = dict(graphs.targets)
    for name, target in targets.items():
        of = graphs.schema.targets[name].of
        targets[name] = target.take(rows[of]) if of in rows else target
    return _with(GraphBatch(graphs.schema, graphs.ids, nodes, graphs.edges, targets), nodes, lists)


def _with(graphs: GraphBatch, nodes: Mapping[str, NodeSet], lists: Sequence[EdgeList]) -> GraphBatch:
    """The graphs with these nodes and edges."""
    node_ptr = torch.stack([value.ptr for value in nodes.values()])
    store = EdgeStore.merge(graphs.schema, node_ptr, lists)
    return GraphBatch(graphs.schema, graphs.ids, nodes, store, graphs.targets)


def _some(edges: EdgeList, kept: Bool[Tensor, " edges"]) -> EdgeList:
    rows = torch.nonzero(kept).squeeze(1)
    features = None if edges.features is None else edges.features[rows]
    return EdgeList(to_ptr(kept.to(torch.int64))[edges.ptr], edges.src[rows], edges.dst[rows], features)


def _check_rate(name: str, rate: float) -> None:
    if not 0 <= rate <= 1:
        raise ValueError(f"{name}={rate} is a chance in 0..1")
