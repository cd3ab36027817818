import json
import pickle
from dataclasses import replace

import pytest
from hypothesis import given

from mmgraph.graph import Field, GraphSchema
from tests.strategies import schemas

NEXT = ("text", "next", "text")
WITH = ("text", "with", "image")


@given(schemas())
def test_a_schema_comes_back_from_json_and_pickle_with_equal_hash(schema: GraphSchema) -> None:
    for back in (GraphSchema.from_json(json.loads(json.dumps(schema.to_json()))), pickle.loads(pickle.dumps(schema))):
        assert back == schema
        assert hash(back) == hash(schema)
        assert back.relations == schema.relations
        assert back.attributes == schema.attributes
        assert back.targets == schema.targets


@given(schemas())
def test_ids_are_positions(schema: GraphSchema) -> None:
    assert [schema.modality_id(modality) for modality in schema.modalities] == list(range(len(schema.modalities)))
    assert [schema.relation_id(relation) for relation in schema.edge_types] == list(range(len(schema.edge_types)))
    into = sorted(i for modality in schema.modalities for i in schema.into(modality))
    out_of = sorted(i for modality in schema.modalities for i in schema.out_of(modality))
    assert into == out_of == list(range(len(schema.edge_types)))


def test_the_order_of_modalities_and_relations_counts() -> None:
    assert GraphSchema({"a": 1, "b": 1}) != GraphSchema({"b": 1, "a": 1})
    assert GraphSchema({"text": 1, "image": 1}, [NEXT, WITH]) != GraphSchema({"text": 1, "image": 1}, [WITH, NEXT])
    assert GraphSchema({"a": 1}) != {"a": 1}


def test_relations_may_be_a_list_and_have_no_edge_features_then() -> None:
    schema = GraphSchema({"text": 1, "image": 1}, [NEXT, WITH])
    assert schema == GraphSchema({"text": 1, "image": 1}, {NEXT: (), WITH: ()})
    assert schema.edge_channels(WITH) == 0


def test_a_schema_cannot_be_changed() -> None:
    modalities = {"text": 1}
    schema = GraphSchema(modalities, {NEXT: ()})
    modalities["image"] = 2
    assert list(schema.modalities) == ["text"]
    with pytest.raises(TypeError):
        schema.modalities["image"] = 2  # type: ignore[index]


@pytest.mark.unchecked
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"modalities": {}}, "at least one modality"),
        ({"modalities": {"": 1}}, "the name of a modality is a non-empty string, got ''"),
        ({"modalities": {3: 1}}, "the name of a modality is a non-empty string, got 3"),
        ({"modalities": {"text": -1}}, "modality 'text' has -1 channels"),
        ({"modalities": {"text": 2.5}}, "modality 'text' has 2.5 channels"),
        ({"modalities": {"text": True}}, "modality 'text' has True channels"),
        ({"relations": [("text", "next")]}, r"a relation is \(source modality, name, destination"),
        ({"relations": ["abc"]}, r"a relation is \(source modality, name, destination modality\), got 'abc'"),
        ({"relations": [("text", "", "text")]}, "a relation is"),
        ({"relations": [NEXT, NEXT]}, r"relation \('text', 'next', 'text'\) is given twice"),
        ({"relations": [("text", "with", "image")]}, "names the unknown modality 'image'"),
        ({"relations": {NEXT: "distance"}}, "edge features are a tuple of different names, got 'distance'"),
        ({"relations": {NEXT: ("a", "a")}}, r"edge features are a tuple of different names, got \('a', 'a'\)"),
        ({"relations": {NEXT: ("",)}}, "the name of an edge feature of .* is a non-empty string, got ''"),
        ({"attributes": {"image": {"box": Field("float32", (4,))}}}, r"\['box'\] are of the unknown modality 'image'"),
        ({"attributes": {"text": {"": Field()}}}, "the name of an attribute of 'text' is a non-empty string"),
        ({"attributes": {"text": {"span": Field("float64", (2,))}}}, "attribute 'span' of 'text' must be"),
        ({"attributes": {"text": {"pose": Field(of="text")}}}, "'pose' of 'text' has of='text', which is for targets"),
        ({"targets": {"": Field()}}, "the name of a target is a non-empty string"),
        ({"targets": {"tag": Field(of="image")}}, "target 'tag' is of the unknown modality 'image'"),
        ({"targets": {"answer": Field("text")}}, "target 'answer' is a text; give the number of its class"),
    ],
)
def test_an_impossible_schema_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GraphSchema(**({"modalities": {"text": 1}} | arguments))  # type: ignore[arg-type]


def test_an_unknown_modality_or_relation_is_named() -> None:
    schema = GraphSchema({"text": 1}, [NEXT])
    with pytest.raises(ValueError, match="unknown modality 'sound'; the schema has text"):
        schema.modality_id("sound")
    with pytest.raises(ValueError, match=r"unknown relation \('text', 'with', 'image'\); the schema has"):
        schema.relation_id(WITH)
    with pytest.raises(ValueError, match="unknown relation"):
        schema.edge_features(WITH)


@pytest.mark.unchecked
@pytest.mark.parametrize("data", [{}, {"modalities": 3, "relations": [], "attributes": [], "targets": []}])
def test_json_of_something_else_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="this is not a graph schema"):
        GraphSchema.from_json(data)


def test_require_names_the_first_difference() -> None:
    schema = GraphSchema({"text": 1, "image": 2}, {WITH: ("distance",)}, {"text": {"token": Field("int64")}})
    schema.require(replace(schema, targets={"label": Field("int64")}))
    assert schema.inputs == schema
    with pytest.raises(ValueError, match=r"mismatch in modalities: the model was made for \['image', 2\], .* 3\]"):
        schema.require(replace(schema, modalities={"text": 1, "image": 3}))
    with pytest.raises(ValueError, match=r"mismatch in modalities: the data lacks \['image', 2\]"):
        schema.require(GraphSchema({"text": 1}))
    with pytest.raises(ValueError, match=r"mismatch in relations: the data adds \['text', 'next', 'text', \[\]\]"):
        schema.require(replace(schema, relations={WITH: ("distance",), NEXT: ()}))
    with pytest.raises(ValueError, match=r"mismatch in attributes: the model was made for \['text', 'token'"):
        schema.require(replace(schema, attributes={"text": {"token": Field("int64", num_classes=3)}}))
