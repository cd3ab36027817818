"""`GraphBlock`: the residual path around a conv."""

from collections.abc import Callable

import torch

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import GATv2Conv, GraphBlock


def block_of(schema: GraphSchema, dropout: float = 0.0) -> GraphBlock:
    return GraphBlock(schema, GATv2Conv(schema, 6, 3, heads=2), 6, dropout=dropout)


def nodes_of(batch: GraphBatch) -> dict[str, torch.Tensor]:
    return {name: torch.randn(nodes.num_nodes, 6) for name, nodes in batch.nodes.items()}


def test_without_messages_and_network_nodes_stay_as_they_are(
    schema: GraphSchema, ragged: Callable[..., GraphBatch]
) -> None:
    batch = ragged(schema, [{"a": 3, "b": 2, "d": 1}])
    block = block_of(schema)
    for parameter in (*block.conv.parameters(), *block.feed_forward.parameters()):
        torch.nn.init.zeros_(parameter)
    x = nodes_of(batch)
    out = block(x, batch.flat)
    assert all(torch.equal(out[name], x[name]) for name in x)


def test_a_node_that_no_edge_enters_keeps_its_own_features(
    schema: GraphSchema, ragged: Callable[..., GraphBatch]
) -> None:
    """Two nodes of a modality without relations, with different features, stay different."""
    batch = ragged(schema, [{"a": 2, "d": 2}])
    rows = block_of(schema)(nodes_of(batch), batch.flat)["d"]
    assert rows.isfinite().all() and not torch.allclose(rows[0], rows[1])


def test_it_is_the_sum_that_it_says(schema: GraphSchema, ragged: Callable[..., GraphBatch]) -> None:
    batch = ragged(schema, [{"a": 3, "b": 2, "c": 2, "d": 1}, {"b": 2}])
    block, x = block_of(schema), nodes_of(batch)
    messages = block.conv({name: block.conv_norm[name](rows) for name, rows in x.items()}, batch.flat)
    for name, rows in block(x, batch.flat).items():
        mixed = x[name] + messages[name]
        assert torch.allclose(rows, mixed + block.feed_forward[name](mixed), atol=1e-6)


def test_every_parameter_is_reached_by_a_gradient(schema: GraphSchema, ragged: Callable[..., GraphBatch]) -> None:
    batch = ragged(schema, [dict.fromkeys("abcd", 4)] * 3)
    block = block_of(schema)
    torch.cat(list(block(nodes_of(batch), batch.flat).values())).sin().sum().backward()
    used = [(name, p) for name, p in block.named_parameters() if p.numel()]
    assert [name for name, p in used if p.grad is None or not p.grad.any()] == []


def test_dropout_acts_in_training_only(schema: GraphSchema, ragged: Callable[..., GraphBatch]) -> None:
    batch = ragged(schema, [{"a": 3, "b": 2}])
    block, x = block_of(schema, dropout=0.5), nodes_of(batch)
    assert not torch.equal(block(x, batch.flat)["a"], block(x, batch.flat)["a"])
    block.eval()
    assert torch.equal(block(x, batch.flat)["a"], block(x, batch.flat)["a"])


def test_edge_weights_reach_the_conv(schema: GraphSchema, ragged: Callable[..., GraphBatch]) -> None:
    """Without weight, edges bring nothing."""
    batch = ragged(schema, [{"a": 3, "b": 2, "c": 2}])
    block, x = block_of(schema), nodes_of(batch)
    empty = GraphBatch.build(schema, batch.nodes, {}).flat
    silent, without = block(x, batch.flat, torch.zeros(batch.num_edges, 1)), block(x, empty)
    assert all(torch.allclose(silent[name], without[name], atol=1e-6) for name in x)
    assert not torch.allclose(block(x, batch.flat)["b"], silent["b"])
