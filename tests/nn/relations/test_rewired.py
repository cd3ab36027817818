"""`Rewired`, and the schema of what was learned."""

import pytest
import torch

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn.relations import Rewired
from mmgraph.nn.relations.rewired import Found, declare, join


def test_a_graph_that_was_rewired_stays_as_it_is(graphs: GraphBatch) -> None:
    rewired = Rewired.of(graphs.flat, torch.float64)
    assert Rewired.of(rewired) is rewired
    assert rewired.edge_weight.dtype == torch.float64 and bool((rewired.edge_weight == 1).all())
    assert not rewired.learned.any()


def test_edges_join_behind_those_of_the_same_destination_and_relation() -> None:
    edges = {("a", "x", "a"): torch.tensor([[0, 0], [0, 1]]), ("a", "y", "a"): torch.tensor([[1], [0]])}
    graph = GraphBatch.single({"a": torch.zeros(2, 1)}, edges).flat
    ends, weight = torch.tensor([1, 1]), torch.tensor([0.25, 0.5])
    joined = join(Rewired.of(graph), [Found(ends, torch.tensor([0, 1]), 0, weight, weight)], 2, replace=False)
    assert joined.graph.rowptr.tolist() == [0, 3, 5]
    assert joined.graph.src.tolist() == [0, 1, 1, 0, 1]
    assert joined.graph.relation.tolist() == [0, 0, 1, 0, 0]
    assert joined.edge_weight.flatten().tolist() == [1, 0.25, 1, 1, 0.5]
    assert joined.learned.tolist() == [False, True, False, False, True]
    again = join(joined, [Found(ends[:1], ends[:1], 0, weight[:1], weight[:1])], 2, replace=False)
    assert again.learned.tolist() == [False, False, False, True]
    only = join(again, [Found(ends[:1], ends[:1], 0, weight[:1], weight[:1])], 2, replace=True)
    assert only.graph.relation.tolist() == [1, 0] and only.learned.tolist() == [False, True]


def test_every_tensor_is_mapped(graphs: GraphBatch) -> None:
    moved = Rewired.of(graphs.flat).map(lambda tensor: tensor.to("meta"))
    assert moved.graph.src.is_meta and moved.edge_weight.is_meta and moved.learned.is_meta and moved.score.is_meta


def test_new_relations_stand_behind_those_of_the_schema(schema: GraphSchema) -> None:
    new, old = ("a", "learned", "b"), ("b", "y", "a")
    assert declare(schema, [old]) is schema
    declared = declare(schema, [old, new])
    assert declared.edge_types == (*schema.edge_types, new)
    assert [declared.edge_channels(r) for r in schema.edge_types] == [
        schema.edge_channels(r) for r in schema.edge_types
    ]


@pytest.mark.parametrize("relations", [[], [("a", "x", "b"), ("a", "x", "b")]], ids=len)
def test_no_relation_or_one_given_twice_is_named(schema: GraphSchema, relations: list[tuple[str, str, str]]) -> None:
    with pytest.raises(ValueError, match="give the relations to learn, each once; got"):
        declare(schema, relations)


def test_an_unknown_modality_is_named(schema: GraphSchema) -> None:
    with pytest.raises(ValueError, match="names the unknown modality 'z'"):
        declare(schema, [("a", "learned", "z")])
