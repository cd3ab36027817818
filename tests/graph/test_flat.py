from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.graph.flat import flatten
from mmgraph.graph.store import EdgeStore
from tests.strategies import batches, read


def flat_reference(batch: GraphBatch) -> dict[str, Any]:
    """The flat view, by numbering nodes and listing edges one at a time."""
    graphs, schema = read(batch), batch.schema
    number: dict[tuple[str, int, int], int] = {}
    segment = [0]
    for modality in schema.modalities:
        for g, graph in enumerate(graphs):
            for i in range(len(graph["nodes"][modality])):
                number[modality, g, i] = len(number)
            segment.append(len(number))
    edges = []  # (destination, relation, source, features), sorted as Python sorts: stable
    for r, relation in enumerate(schema.edge_types):
        for g, graph in enumerate(graphs):
            for src, dst, *features in graph["edges"][relation]:
                edges.append((number[relation[2], g, dst], r, number[relation[0], g, src], features))
    edges.sort(key=lambda edge: edge[:2])
    return {
        "segment": segment,
        "rowptr": [sum(edge[0] < node for edge in edges) for node in range(len(number) + 1)],
        "src": [edge[2] for edge in edges],
        "relation": [edge[1] for edge in edges],
        "features": [
            [(i, edge[3][0]) for i, edge in enumerate(edges) if edge[1] == r]
            if schema.edge_channels(relation)
            else None
            for r, relation in enumerate(schema.edge_types)
        ],
    }


@given(batches())
def test_the_flat_view_equals_a_slow_reference(batch: GraphBatch) -> None:
    flat, expected = batch.flat, flat_reference(batch)
    assert flat.num_nodes == tuple(nodes.num_nodes for nodes in batch.nodes.values())
    assert flat.num_graphs == batch.num_graphs
    for name in ("segment", "rowptr", "src", "relation"):
        assert getattr(flat, name).tolist() == expected[name], name
    assert (flat.segment.dtype, flat.rowptr.dtype) == (torch.int64, torch.int64)
    assert (flat.src.dtype, flat.relation.dtype) == (torch.int32, torch.int32)
    for rows, features, pairs in zip(flat.feature_edges, flat.features, expected["features"], strict=True):
        if pairs is None:
            assert rows is None
            assert features is None
        else:
            assert rows is not None
            assert features is not None
            assert list(zip(rows.tolist(), features.tolist(), strict=True)) == pairs


@pytest.mark.unchecked
@given(batches(), st.data())
def test_the_flat_view_of_a_selection_is_that_of_its_graphs(batch: GraphBatch, data: st.DataObject) -> None:
    graphs = data.draw(st.lists(st.integers(0, len(batch) - 1), min_size=1, max_size=4))
    flat, expected = batch[graphs].flat, flat_reference(batch[graphs])
    assert flat.src.tolist() == expected["src"]
    assert flat.rowptr.tolist() == expected["rowptr"]


def test_deriving_it_changes_nothing_else() -> None:
    edges = {("text", "next", "text"): torch.tensor([[0, 1], [1, 0]])}
    graph = GraphBatch.single({"image": torch.zeros(3, 1), "text": torch.zeros(2, 1)}, edges)
    assert graph.flat is graph.flat
    assert graph.flat.src.tolist() == [4, 3]
    assert graph.edges.src.tolist() == [1, 0]


def test_changing_every_tensor_keeps_what_is_missing_missing() -> None:
    edges = {("text", "next", "text"): torch.tensor([[0], [0]]), ("text", "near", "text"): torch.tensor([[0], [0]])}
    features = {("text", "near", "text"): torch.ones(1, 1)}
    flat = GraphBatch.single({"text": torch.zeros(1, 1)}, edges, edge_features=features).flat
    changed = flat.map(torch.clone)
    assert changed.features[0] is None
    assert changed.feature_edges[0] is None
    assert changed.features[1] is not None
    assert changed.features[1].equal(torch.ones(1, 1))
    assert changed.src.equal(flat.src)
    assert changed.src is not flat.src


def test_more_nodes_than_int32_can_number_are_refused() -> None:
    schema = GraphSchema({"text": 1})
    none = torch.zeros(0, dtype=torch.int32)
    ptr = torch.tensor([[0, 2**31 + 1]])
    store = EdgeStore(schema, torch.zeros(1, 2, dtype=torch.int64), none, none, none, ptr[:0], {})
    with pytest.raises(
        ValueError, match="2147483649 nodes in one batch are more than int32 can number; take fewer graphs"
    ):
        flatten(store, ptr, (2**31 + 1,))
