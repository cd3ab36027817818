import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.graph import EdgeList, GraphBatch, GraphSchema
from mmgraph.graph.store import EdgeStore
from tests.strategies import batches, read

NEXT, WITH, BACK = ("text", "next", "text"), ("text", "with", "image"), ("image", "back", "text")


def test_edges_are_merged_by_destination_modality_graph_destination_and_relation() -> None:
    schema = GraphSchema({"image": 1, "text": 1}, {NEXT: ("distance",), WITH: (), BACK: ()})
    node_ptr = torch.tensor([[0, 1, 2], [0, 2, 4]])  # two graphs of one image node and two text nodes
    lists = [
        EdgeList.sort(
            torch.tensor([0, 0, 1]), torch.tensor([1, 0, 0]), torch.tensor([0, 1, 1]), torch.eye(3)[:, :1], num_graphs=2
        ),
        EdgeList.sort(torch.tensor([0, 1, 1]), torch.tensor([1, 0, 1]), torch.tensor([0, 0, 0]), num_graphs=2),
        EdgeList.sort(torch.tensor([0]), torch.tensor([0]), torch.tensor([1]), num_graphs=2),
    ]
    store = EdgeStore.merge(schema, node_ptr, lists)
    assert store.relation.tolist() == [1, 1, 1, 0, 0, 2, 0]
    assert store.src.tolist() == [1, 0, 1, 1, 0, 0, 0]
    assert store.degree.tolist() == [1, 2, 1, 2, 0, 1]
    assert store.ptr.tolist() == [[0, 1, 3], [3, 6, 7]]
    assert store.relation_ptr.tolist() == [[0, 2, 3], [0, 1, 3], [0, 1, 1]]
    assert store.features[NEXT][:, 0].tolist() == [1, 0, 0]


@given(batches())
def test_splitting_undoes_merging(batch: GraphBatch) -> None:
    lists = batch.edges.split(batch.node_ptr)
    assert list(lists) == list(batch.schema.edge_types)
    again = EdgeStore.merge(batch.schema, batch.node_ptr, list(lists.values()))
    for name in ("ptr", "src", "relation", "degree", "relation_ptr"):
        assert getattr(again, name).equal(getattr(batch.edges, name))
        assert getattr(again, name).dtype == getattr(batch.edges, name).dtype
    assert all(again.features[relation].equal(values) for relation, values in batch.edges.features.items())
    expected = read(batch)
    for relation, edges in lists.items():
        rows = [row[:2] for graph in expected for row in graph["edges"][relation]]
        assert torch.stack([edges.src, edges.dst], 1).tolist() == rows
        assert edges.graph.tolist() == [g for g, graph in enumerate(expected) for _ in graph["edges"][relation]]


@pytest.mark.unchecked
@given(batches())
def test_edges_of_a_relation_are_found_in_their_order(batch: GraphBatch) -> None:
    for r, rows in enumerate(batch.edges.by_relation):
        assert rows.tolist() == [i for i, relation in enumerate(batch.edges.relation.tolist()) if relation == r]


@pytest.mark.unchecked
@given(batches(), st.integers(1, 3))
def test_concat_places_each_graph_like_a_batch_built_at_once(batch: GraphBatch, repeats: int) -> None:
    again = GraphBatch.concat([batch] * repeats)
    assert read(again) == read(batch) * repeats


@pytest.mark.parametrize("relations", [256, 257])
def test_many_relations_are_told_apart(relations: int) -> None:
    schema = GraphSchema({"text": 1}, {("text", str(r), "text"): ("rank",) for r in range(relations)})
    edge = torch.tensor([[0], [0]])
    graph = GraphBatch.single(
        {"text": torch.zeros(1, 1)},
        dict.fromkeys(schema.edge_types, edge),
        edge_features={relation: torch.tensor([[float(r)]]) for r, relation in enumerate(schema.edge_types)},
        schema=schema,
    )
    assert graph.edges.relation.tolist() == list(range(relations))
    assert [int(rows) for rows in graph.edges.by_relation] == list(range(relations))


def test_a_pickled_piece_does_not_carry_the_whole() -> None:
    edges = {NEXT: torch.zeros(2, 20_000, dtype=torch.int64)}
    batch = GraphBatch.single({"text": torch.zeros(1, 1)}, edges, edge_features={NEXT: torch.zeros(20_000, 1)})
    small = GraphBatch.single(
        {"text": torch.zeros(1, 1)}, {NEXT: edges[NEXT][:, :1]}, edge_features={NEXT: torch.ones(1, 1)}
    )
    piece = GraphBatch.concat([batch, small])[1]
    assert len(pickle.dumps(piece.edges)) < 5_000
    assert pickle.loads(pickle.dumps(piece)).equal(small)
