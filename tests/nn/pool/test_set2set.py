"""`Set2SetPool` against PyG's `Set2Set` with the same LSTM."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch_geometric.nn.aggr import Set2Set

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import Set2SetPool


@pytest.mark.parametrize("span", ["modality", "graph"])
@pytest.mark.parametrize("steps", [1, 4])
def test_it_equals_pyg(
    ragged: Callable[..., GraphBatch], span: Any, steps: int, assert_agree: Callable[..., None]
) -> None:
    """Outputs and gradients."""
    batch = ragged(GraphSchema({"a": 3, "b": 3}), [{"a": 4, "b": 2}, {"a": 1, "b": 3}], dtype=torch.float64)
    ours, theirs = Set2SetPool(batch.schema, 3, steps=steps, span=span).double(), Set2Set(3, steps).double()
    for m, lstm in enumerate(ours.lstms):
        ours.zero_grad()
        theirs.lstm.load_state_dict(lstm.state_dict())
        theirs.zero_grad()
        names = ["ab"[m]] if span == "modality" else ["a", "b"]
        x = torch.cat([batch.nodes[name].x for name in names])
        of = torch.cat([batch.nodes[name].graph for name in names])
        order = of.argsort(stable=True)
        expected = theirs(x[order], of[order], dim_size=2)
        found = ours({name: nodes.x for name, nodes in batch.nodes.items()}, batch.flat)[:, m]
        assert_agree(found, expected)
        found.sin().sum().backward()
        expected.sin().sum().backward()
        for mine, other in zip(lstm.parameters(), theirs.lstm.parameters(), strict=True):
            assert_agree(mine.grad, other.grad)


def test_what_is_absent_is_zero_though_the_lstm_gives_something(ragged: Callable[..., GraphBatch]) -> None:
    batch = ragged(GraphSchema({"a": 3, "b": 3}), [{"a": 4}, {"b": 3}])
    out = Set2SetPool(batch.schema, 3)({name: nodes.x for name, nodes in batch.nodes.items()}, batch.flat)
    assert out.any(2).tolist() == [[True, False], [False, True]]


def test_no_step_is_named(schema: GraphSchema) -> None:
    with pytest.raises(ValueError, match="steps is at least 1, got 0"):
        Set2SetPool(schema, 3, steps=0)
