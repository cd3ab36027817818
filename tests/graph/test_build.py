import pytest
import torch
from hypothesis import given

from mmgraph.graph import EdgeList, Field, GraphBatch, GraphSchema, NodeSet, Texts
from mmgraph.graph.compare import difference
from tests.strategies import batches

NEXT = ("text", "next", "text")


@pytest.mark.unchecked
@given(batches())
def test_a_batch_is_built_again_from_its_parts(batch: GraphBatch) -> None:
    edges = {relation: batch.relation(relation) for relation in batch.schema.edge_types}
    assert difference(GraphBatch.build(batch.schema, batch.nodes, edges, batch.targets, batch.ids), batch) is None


def test_what_is_not_given_is_absent_with_the_dtypes_of_the_rest() -> None:
    schema = GraphSchema(
        {"text": 1, "image": 3},
        {NEXT: (), ("image", "near", "image"): ("distance",)},
        {"image": {"box": Field("float32", (4,)), "text": Field("text"), "token": Field("int64")}},
    )
    batch = GraphBatch.build(schema, {"text": NodeSet.of([torch.zeros(1, 1).double()] * 2)}, {})
    image = batch.nodes["image"]
    assert image.x.shape == (0, 3)
    assert image.ptr.tolist() == [0, 0, 0]
    assert image.attributes["box"].shape == (0, 4)  # type: ignore[union-attr]
    assert image.attributes["text"] == Texts.of([])
    features = batch.edges.features["image", "near", "image"]
    assert image.x.dtype == features.dtype == torch.float64
    assert features.shape == (0, 1)
    assert batch.ids.tolist() == ["0", "1"]


def test_attributes_take_the_order_of_the_schema() -> None:
    schema = GraphSchema({"text": 1}, attributes={"text": {"span": Field("float32", (2,)), "position": Field("int64")}})
    nodes = NodeSet.of([torch.zeros(1, 1)], position=[torch.zeros(1).long()], span=[torch.zeros(1, 2)])
    assert list(GraphBatch.build(schema, {"text": nodes}, {}).nodes["text"].attributes) == ["span", "position"]


def test_tensors_are_made_contiguous() -> None:
    schema = GraphSchema({"text": 2}, {NEXT: ("distance",)}, targets={"y": Field("float32", (2,))})
    many = torch.zeros(3, dtype=torch.int32)
    batch = GraphBatch.build(
        schema,
        {"text": NodeSet(torch.arange(6.0).view(2, 3).T, torch.tensor([0, 3]))},
        {NEXT: EdgeList(torch.tensor([0, 3]), many, many, torch.zeros(1, 1).expand(3, 1))},
        {"y": torch.zeros(1, 1).expand(1, 2)},
    )
    parts = [batch.nodes["text"].x, batch.edges.features[NEXT], batch.targets["y"].values]
    assert all(part.is_contiguous() for part in parts)
    assert batch.nodes["text"].x.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_gradients_reach_features_through_a_batch() -> None:
    x = torch.ones(2, 1, requires_grad=True)
    batch = GraphBatch.single({"text": x}, {})
    GraphBatch.concat([batch, batch])[[1, 0, 1]].nodes["text"].x.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[3], [3]]
