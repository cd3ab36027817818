"""Comparison of a conv with PyG's HeteroConv that holds the same weights."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.nn import HeteroConv

from mmgraph.graph import GraphBatch, Relation

# Given a conv, a relation, and what to take of a parameter (itself or its gradient): where the numbers of each of PyG's
# parameters are; in two places where PyG uses one parameter twice.
Slots = Callable[[Any, Relation, Callable[[Tensor], Tensor]], Mapping[str, list[Tensor]]]


@pytest.fixture
def assert_equals_pyg(assert_agree: Callable[..., None]) -> Callable[..., None]:
    """Gives `conv` the weights of `peer` and compares outputs and all gradients on `graphs`."""

    def check(conv: Any, peer: HeteroConv, slots: Slots, graphs: GraphBatch) -> None:
        conv, peer = conv.to(graphs.nodes["a"].x.dtype), peer.to(graphs.nodes["a"].x.dtype)
        load_weights(conv, peer, slots)
        (our_x, our_features), (their_x, their_features) = leaves(graphs), leaves(graphs)
        features = tuple(our_features.get(relation) for relation in graphs.schema.edge_types)
        out = conv(our_x, graphs.flat._replace(features=features))
        expected = peer(their_x, edge_index(graphs), edge_attr_dict=their_features)
        for name, rows in expected.items():
            assert_agree(out[name], rows)
            upstream = torch.randn_like(rows)
            (out[name] * upstream).sum().backward(retain_graph=True)
            (rows * upstream).sum().backward(retain_graph=True)
        pairs = [(our_x[key], their_x[key]) for key in our_x] + [
            (v, their_features[r]) for r, v in our_features.items()
        ]
        grads = [(mine.grad, grad_of(other)) for mine, other in pairs] + list(parameter_grads(conv, peer, slots))
        largest = max(float(expected.abs().max()) for _, expected in grads)  # some, like those of att_dst, may be all 0
        for mine, expected in grads:
            assert_agree(mine, expected, scale=largest)

    return check


def parameter_grads(conv: Any, peer: HeteroConv, slots: Slots) -> Iterator[tuple[Tensor, Tensor]]:
    """Gradients of the same parameter, ours and PyG's."""
    for relation in conv.schema.edge_types:
        parameters = dict(peer.convs[relation].named_parameters())
        into = conv.schema.modality_id(relation[2])
        for name, grads in {**slots(conv, relation, grad_of), "bias": [grad_of(conv.bias)[into]]}.items():
            yield sum(grads[1:], grads[0]), grad_of(parameters[name]).view_as(grads[0])


def grad_of(parameter: Tensor) -> Tensor:
    """Zeros where nothing was read: PyG passes over a modality without relations."""
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


@torch.no_grad()
def load_weights(conv: Any, peer: HeteroConv, slots: Slots) -> None:
    """Draws PyG's weights, biases among them, at random and copies them; biases of relations add up."""
    conv.bias.zero_()
    for relation in conv.schema.edge_types:
        parameters = dict(peer.convs[relation].named_parameters())
        places = slots(conv, relation, lambda parameter: parameter)
        assert set(parameters) == {*places, "bias"}
        for name, parameter in parameters.items():
            torch.nn.init.normal_(parameter)
            for place in places.get(name, []):
                place.copy_(parameter.view_as(place))
        conv.bias[conv.schema.modality_id(relation[2])] += parameters["bias"]


def leaves(graphs: GraphBatch) -> tuple[dict[str, Tensor], dict[Relation, Tensor]]:
    """Node and edge features that gather gradients."""
    features = {r: graphs.relation(r).features for r in graphs.schema.edge_types}
    return (
        {name: nodes.x.clone().requires_grad_() for name, nodes in graphs.nodes.items()},
        {r: values.clone().requires_grad_() for r, values in features.items() if values is not None},
    )


def edge_index(graphs: GraphBatch) -> dict[Relation, Tensor]:
    """As PyG wants it: nodes numbered through the batch, per modality."""
    index = {}
    for relation in graphs.schema.edge_types:
        edges = graphs.relation(relation)
        src = edges.src + graphs.nodes[relation[0]].ptr[edges.graph]
        index[relation] = torch.stack([src, edges.dst + graphs.nodes[relation[2]].ptr[edges.graph]])
    return index
