"""`ConcatMLP`: every node has its place, edges have none."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.models import ConcatMLP


def test_nodes_beyond_the_length_are_cut_off(graphs: GraphBatch, build: Callable[..., Any]) -> None:
    """Graph 0 has four nodes of "a"; the last of them counts only where four fit."""
    graph = graphs[0]
    x = {name: nodes.x.clone() for name, nodes in graph.nodes.items()}
    x["a"][3] += 1
    changed = GraphBatch(
        graph.schema,
        graph.ids,
        {name: type(nodes)(x[name], nodes.ptr, nodes.attributes) for name, nodes in graph.nodes.items()},
        graph.edges,
        graph.targets,
    )
    for length in (3, 4, 9):
        model = build(ConcatMLP, graph.schema, dtype=x["a"].dtype, lengths={"a": length, "b": 2, "c": 2})
        assert torch.equal(model(changed), model(graph)) == (length == 3)


def test_edges_are_ignored(graphs: GraphBatch, build: Callable[..., Any]) -> None:
    without = GraphBatch.build(graphs.schema, graphs.nodes, {}, dict(graphs.targets), graphs.ids)
    model = build(ConcatMLP, graphs.schema, dtype=graphs.nodes["a"].x.dtype)
    assert torch.equal(model(without), model(graphs))


def test_a_node_counts_at_its_place(build: Callable[..., Any]) -> None:
    schema = GraphSchema({"a": 2})
    model = build(ConcatMLP, schema, lengths={"a": 2})
    first, second = (GraphBatch.single({"a": torch.eye(2)[rows]}, {}, schema=schema) for rows in ([0, 1], [1, 0]))
    assert not torch.allclose(model(first), model(second))


@pytest.mark.parametrize("lengths", [{"a": 2}, {"a": 2, "b": 0, "c": 1}, {"a": 1, "b": 1, "c": 1, "d": 1}, {}])
def test_a_length_is_needed_for_every_modality(schema: GraphSchema, lengths: dict[str, int]) -> None:
    message = f"lengths gives at least 1 node for each of ['a', 'b', 'c'], got {lengths}"
    with pytest.raises(ValueError, match=re.escape(message)):
        ConcatMLP(schema, 2, lengths)
