"""`AttentionPool` by hand."""

import math
from typing import Any

import pytest
import torch

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import AttentionPool


def test_the_gated_attention_of_the_paper_by_hand() -> None:
    """One channel, gate tanh(2 x) * sigmoid(x), logit 3 times that."""
    graph = GraphBatch.single({"a": torch.tensor([[0.0], [1.0]])}, {})
    pool: Any = AttentionPool(graph.schema, 1)
    with torch.no_grad():
        pool.gates[0].weight.copy_(torch.tensor([[2.0], [1.0]]))
        pool.gates[0].bias.zero_()
        pool.logits[0].weight.fill_(3.0)
    one = math.exp(3 * math.tanh(2) / (1 + math.exp(-1)))
    x = {"a": graph.nodes["a"].x}
    assert pool.node_attention(x, graph.flat).flatten().tolist() == pytest.approx([1 / (1 + one), one / (1 + one)])
    assert pool(x, graph.flat).item() == pytest.approx(one / (1 + one))


def test_equal_nodes_are_pooled_to_themselves() -> None:
    graph = GraphBatch.single({"a": torch.ones(3, 4), "b": torch.zeros(0, 4)}, {}, schema=GraphSchema({"a": 4, "b": 4}))
    pooled = AttentionPool(graph.schema, 4, heads=2)({name: nodes.x for name, nodes in graph.nodes.items()}, graph.flat)
    assert torch.allclose(pooled, torch.tensor([[[1.0] * 4, [0.0] * 4]]))
