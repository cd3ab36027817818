"""Comparison of a conv with a layer of PyG that holds the same weights."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmgraph.graph import GraphBatch, GraphSchema, Relation

Of = Callable[[Tensor], Tensor]
"""What to take of a parameter: itself, or its gradient."""

Places = Callable[[Any, Of], Mapping[str, list[Tensor]]]
"""Given a conv: where the numbers of PyG's parameters are, by their names. Several places, if PyG uses one parameter
twice; a place that several parameters name holds their sum. A parameter without a place must do nothing."""

Call = Callable[..., Mapping[str, Tensor]]
"""From PyG's layer, graphs, node features, edge features and edge weights to outputs of all modalities."""


@pytest.fixture
def assert_equals_pyg(assert_agree: Callable[..., None]) -> Callable[..., None]:
    """Gives `conv` the weights of `peer` and compares outputs and all gradients on `graphs`."""

    def check(
        conv: Any, peer: nn.Module, places: Places, call: Call, graphs: GraphBatch, *, weighted: bool = False
    ) -> None:
        dtype = graphs.nodes["a"].x.dtype
        conv, peer = conv.to(dtype), peer.to(dtype)
        load_weights(conv, peer, places)
        weight = torch.rand(graphs.num_edges, 1, dtype=dtype) + 0.5 if weighted else None
        mine, others = leaves(graphs, weight), leaves(graphs, weight)
        out, expected = ours_on(conv, graphs, *mine[:3]), call(peer, graphs, *others[:3])
        for name, rows in expected.items():
            assert_agree(out[name], rows)
            upstream = torch.randn_like(rows)
            (out[name] * upstream).sum().backward(retain_graph=True)
            (rows * upstream).sum().backward(retain_graph=True)
        grads = [(grad_of(a), grad_of(b)) for a, b in zip(mine[3], others[3], strict=True)]
        grads += parameter_grads(conv, peer, places)
        largest = max(float(expected.abs().max()) for _, expected in grads)  # some, like those of att_dst, may be all 0
        for found, wanted in grads:
            assert_agree(found, wanted, scale=largest)

    return check


def ours_on(conv: Any, graphs: GraphBatch, x: Any, features: Any, weight: Tensor | None) -> dict[str, Tensor]:
    rows = tuple(features.get(relation) for relation in graphs.schema.edge_types)
    options = {} if weight is None else {"edge_weight": weight}
    return conv(x, graphs.flat._replace(features=rows), **options)


def leaves(graphs: GraphBatch, weight: Tensor | None) -> tuple[Any, Any, Tensor | None, list[Tensor]]:
    """Features of nodes and edges and weights of edges that gather gradients; all of them in a list again."""
    given = {r: graphs.relation(r).features for r in graphs.schema.edge_types}
    x = {name: nodes.x.clone().requires_grad_() for name, nodes in graphs.nodes.items()}
    features = {r: values.clone().requires_grad_() for r, values in given.items() if values is not None}
    weight = None if weight is None else weight.clone().requires_grad_()
    return x, features, weight, [*x.values(), *features.values(), *([] if weight is None else [weight])]


def parameter_grads(conv: Any, peer: nn.Module, places: Places) -> list[tuple[Tensor, Tensor]]:
    """Gradients of the same parameter, ours and PyG's; ours are zeros where we have no such parameter."""
    found, pairs = places(conv, grad_of), []
    for name, parameter in peer.named_parameters():
        theirs = grad_of(parameter)
        ours = sum((part.reshape(theirs.shape) for part in found.get(name, [])), torch.zeros_like(theirs))
        pairs.append((ours, theirs))
    return pairs


def grad_of(parameter: Tensor) -> Tensor:
    """Zeros where nothing was read: PyG passes over a modality without relations."""
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


@torch.no_grad()
def load_weights(conv: Any, peer: nn.Module, places: Places) -> None:
    """Draws PyG's weights, biases among them, at random and copies them; those that share a place add up."""
    for parameter in conv.parameters():
        parameter.zero_()
    found, names = places(conv, lambda parameter: parameter), dict(peer.named_parameters())
    assert not set(found) - set(names), f"{set(found) - set(names)} are no parameters of PyG's layer: {list(names)}"
    for name, parameter in names.items():
        nn.init.normal_(parameter)
        for place in found.get(name, []):
            place += parameter.view_as(place)


Slots = Callable[[Any, Relation, Of], Mapping[str, list[Tensor]]]
"""`Places` for the parameters of one conv of a `HeteroConv`."""


@pytest.fixture(scope="session")
def in_hetero() -> Callable[[Slots], Places]:
    """From the places of one relation's parameters to those of a whole `HeteroConv`."""

    def whole(slots: Slots) -> Places:
        def places(conv: Any, of: Of) -> dict[str, list[Tensor]]:
            return {
                f"convs.<{'___'.join(relation)}>.{name}": found
                for relation in conv.schema.edge_types
                for name, found in slots(conv, relation, of).items()
            }

        return places

    return whole


@pytest.fixture(scope="session")
def hetero() -> Call:
    """Calls a `HeteroConv`."""

    def call(
        peer: Any, graphs: GraphBatch, x: Any, features: Mapping[Relation, Tensor], weight: Tensor | None
    ) -> dict[str, Tensor]:
        options: dict[str, Any] = {"edge_attr_dict": features} if features else {}
        if weight is not None:
            kinds = {r: graphs.flat.relation == i for i, r in enumerate(graphs.schema.edge_types)}
            options["edge_weight_dict"] = {relation: weight[edges, 0] for relation, edges in kinds.items()}
        return peer(x, edge_index(graphs), **options)

    return call


@pytest.fixture(scope="session")
def numbered_through() -> Callable[..., Call]:
    """Calls a layer for one kind of nodes, on the nodes of all modalities one after the other."""

    def having(*, edge_type: bool = False, edge_attr: bool = False) -> Call:
        def call(peer: Any, graphs: GraphBatch, x: Any, features: Any, weight: Tensor | None) -> dict[str, Tensor]:
            flat, options = graphs.flat, {}
            if edge_type:
                options["edge_type"] = flat.relation.long()
            if edge_attr:  # all relations have the same features
                rows = torch.cat([features[relation] for relation in graphs.schema.edge_types])
                order = torch.cat([edges for edges in flat.feature_edges if edges is not None])
                options["edge_attr"] = rows[order.argsort()]
            if weight is not None:
                options["edge_weight"] = weight[:, 0]
            ends = torch.stack([flat.src.long(), torch.repeat_interleave(flat.rowptr.diff())])
            out = peer(torch.cat(list(x.values())), ends, **options)
            return dict(zip(x, out.split(flat.num_nodes), strict=True))

        return call

    return having


def edge_index(graphs: GraphBatch) -> dict[Relation, Tensor]:
    """As PyG wants it: nodes numbered through the batch, per modality."""
    index = {}
    for relation in graphs.schema.edge_types:
        edges = graphs.relation(relation)
        src = edges.src + graphs.nodes[relation[0]].ptr[edges.graph]
        index[relation] = torch.stack([src, edges.dst + graphs.nodes[relation[2]].ptr[edges.graph]])
    return index


@pytest.fixture(scope="session")
def pyg_edges() -> Callable[[GraphBatch], dict[Relation, Tensor]]:
    """The edges of every relation as PyG wants them."""
    return edge_index


@pytest.fixture(scope="session")
def alike(ragged: Callable[..., GraphBatch]) -> Callable[..., GraphBatch]:
    """Graphs over modalities with as many channels as each other, for layers that know one kind of nodes."""

    def build(dtype: torch.dtype, features: tuple[str, ...] = (), **options: Any) -> GraphBatch:
        ends = [("a", "x", "b"), ("b", "y", "a"), ("a", "z", "a"), ("c", "w", "b"), ("a", "p", "b")]
        schema = GraphSchema(dict.fromkeys("abcd", 4), dict.fromkeys(ends, features))
        counts = [{"a": 4, "b": 3, "c": 2, "d": 1}, {"a": 5}, {"b": 3, "c": 2}, {"a": 2, "b": 2}]
        return ragged(schema, counts, dtype=dtype, **options)

    return build


@pytest.fixture(scope="session")
def with_single_loops() -> Callable[[Callable[[int], GraphBatch]], GraphBatch]:
    """The first graphs, by seed, where nodes have a loop to themselves, but none has two in one relation.

    Of two with different weights PyG takes any one.
    """

    def first(build: Callable[[int], GraphBatch]) -> GraphBatch:
        for seed in range(100):
            flat = build(seed).flat
            loop = flat.src == torch.repeat_interleave(flat.rowptr.diff())
            loops = torch.stack([flat.src, flat.relation], 1)[loop]
            if len(loops) and len(loops) == len(loops.unique(dim=0)):
                return build(seed)
        raise ValueError("100 seeds give no such graphs: draw fewer edges")

    return first
