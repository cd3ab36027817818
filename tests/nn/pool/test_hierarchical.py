"""`HierarchicalPool`: attention over nodes, then over modalities."""

from collections.abc import Callable
from typing import Any

import torch

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import HierarchicalPool


def x_of(batch: GraphBatch) -> dict[str, torch.Tensor]:
    return {name: nodes.x for name, nodes in batch.nodes.items()}


def test_it_is_the_weighted_mean_of_the_pooled_modalities(
    ragged: Callable[..., GraphBatch], assert_agree: Callable[..., None]
) -> None:
    batch = ragged(GraphSchema({"a": 4, "b": 4, "c": 4}), [{"a": 3, "b": 2, "c": 1}, {"b": 3}, {"a": 1, "c": 2}])
    pool = HierarchicalPool(batch.schema, 4, heads=2)
    weights, within = pool.modality_attention(x_of(batch), batch.flat), pool.within(x_of(batch), batch.flat)
    assert torch.equal(weights > 0, batch.present)
    assert_agree(weights.sum(1), torch.ones(3))
    assert_agree(pool(x_of(batch), batch.flat)[:, 0], (weights.unsqueeze(2) * within).sum(1))


def test_a_modality_weighs_what_it_says_and_not_how_many_nodes_it_has() -> None:
    few, many = (GraphBatch.single({"a": torch.ones(n, 2), "b": torch.zeros(1, 2)}, {}) for n in (1, 50))
    pool: Any = HierarchicalPool(few.schema, 2)
    assert torch.allclose(pool(x_of(few), few.flat), pool(x_of(many), many.flat))
