import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given

from mmgraph.graph import EdgeList, Field, GraphBatch, GraphSchema, NodeSet, Target
from mmgraph.graph.compare import difference
from tests.strategies import batches

NEXT = ("text", "next", "text")


def batch(*, value: float = 1.0, src: int = 0, y: float = 0.0, known: bool = True, word: str = "a") -> GraphBatch:
    schema = GraphSchema({"text": 1}, {NEXT: ()}, {"text": {"text": Field("text")}}, {"y": Field()})
    return GraphBatch.build(
        schema,
        {"text": NodeSet.of([torch.tensor([[0.0], [value]])], text=[["the", word]])},
        {NEXT: EdgeList.sort(torch.tensor([0]), torch.tensor([src]), torch.tensor([1]), num_graphs=1)},
        {"y": Target(torch.tensor([y]), torch.tensor([known]))},
    )


@pytest.mark.unchecked
@given(batches())
def test_a_batch_equals_its_copy(one: GraphBatch) -> None:
    assert difference(one, one.map(torch.clone)) is None
    assert one.equal(one.map(torch.clone))
    assert one != one.map(torch.clone)


def test_any_other_value_is_named() -> None:
    assert difference(batch(), batch(value=2.0)) == "nodes text x: 1.0 and 2.0 at [1, 0]"
    assert difference(batch(), batch(src=1)) == "edges src: 0 and 1 at [0]"
    assert difference(batch(), batch(y=2.0)) == "targets y values: 0.0 and 2.0 at [0]"
    assert difference(batch(), batch(known=False)) == "targets y mask: True and False at [0]"
    assert difference(batch(), batch(word="b")) == "nodes text attributes text data: 97 and 98 at [3]"
    assert (
        difference(batch(), batch(word="an")) == "nodes text attributes text data: torch.uint8 [4] and torch.uint8 [5]"
    )
    assert not batch().equal(batch(y=2.0))


def test_another_number_of_graphs_dtype_or_schema_is_named() -> None:
    assert difference(batch(), batch()[[0, 0]]) == "ids data: torch.uint8 [1] and torch.uint8 [2]"
    assert difference(batch(), batch().double()) == "nodes text x: torch.float32 [2, 1] and torch.float64 [2, 1]"
    other = GraphBatch.single({"text": torch.zeros(1, 1)}, {})
    assert str(difference(batch(), other)).startswith("schema: GraphSchema(")
    assert not batch().equal(other)


def test_a_hidden_nan_equals_itself() -> None:
    hidden = batch(y=math.nan, known=False)
    assert difference(hidden, batch(y=math.nan, known=False)) is None
    assert difference(hidden, batch(known=False)) == "targets y values: nan and 0.0 at [0]"


def test_the_dtype_of_nothing_does_not_count() -> None:
    schema = GraphSchema({"text": 1, "image": 2})
    one = GraphBatch.build(schema, {"text": NodeSet.of([torch.zeros(1, 1)])}, {})
    image = one.nodes["image"]
    other = replace(one, nodes={**one.nodes, "image": replace(image, x=image.x.double())})
    assert difference(one, other) is None
