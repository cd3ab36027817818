"""`NodeTransformer`: every node sees every other, edges are ignored."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.models import NodeTransformer


def test_edges_are_ignored(graphs: GraphBatch, build: Callable[..., Any]) -> None:
    without = GraphBatch.build(graphs.schema, graphs.nodes, {}, dict(graphs.targets), graphs.ids)
    model = build(NodeTransformer, graphs.schema, dtype=graphs.nodes["a"].x.dtype)
    assert torch.equal(model(without), model(graphs))


def test_every_node_counts_and_order_does_not(build: Callable[..., Any]) -> None:
    schema = GraphSchema({"a": 3})
    model = build(NodeTransformer, schema, dtype=torch.float64)
    x = torch.randn(4, 3, dtype=torch.float64)
    out, reversed_order, without_last = (
        model(GraphBatch.single({"a": rows}, {}, schema=schema)) for rows in (x, x.flip(0), x[:-1])
    )
    assert torch.allclose(out, reversed_order, rtol=1e-10)
    assert not torch.allclose(out, without_last, rtol=1e-3)


def test_modalities_are_told_apart(build: Callable[..., Any]) -> None:
    """The same node as "a" or as "b", with encoders that are the same, differs by the vector of its modality."""
    schema = GraphSchema({"a": 3, "b": 3})
    model = build(NodeTransformer, schema)
    model.encoders["b"].load_state_dict(model.encoders["a"].state_dict())
    x = torch.randn(2, 3)
    as_a, as_b = (model(GraphBatch.single({name: x}, {}, schema=schema)) for name in "ab")
    assert not torch.allclose(as_a, as_b)
    with torch.no_grad():
        model.modality[1] = model.modality[0]
    assert torch.allclose(model(GraphBatch.single({"b": x}, {}, schema=schema)), as_a, atol=1e-6)


def test_heads_that_do_not_divide_channels_are_named(schema: GraphSchema) -> None:
    with pytest.raises(ValueError, match="heads divides hidden_channels, got out_channels=2, hidden_channels=10"):
        NodeTransformer(schema, 2, hidden_channels=10)
