import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from mmgraph.graph import EdgeList, Field, GraphBatch, GraphSchema, NodeSet, Target

NEAR, WITH = ("image", "near", "image"), ("text", "with", "image")
SCHEMA = GraphSchema(
    {"image": 2, "text": 1},
    {NEAR: ("distance",), WITH: ()},
    {
        "image": {"box": Field("float32", (4,)), "pose": Field("float32", (2, 2))},
        "text": {"span": Field("float32", (2,)), "text": Field("text"), "token": Field("int64", num_classes=5)},
    },
    {"label": Field("int64", num_classes=3), "tag": Field("float32", of="text")},
)
Parts = dict[str, Any]


def good() -> Parts:
    """Two graphs, "cat" with two regions and one word, "dog" with one region and two words."""
    return {
        "schema": SCHEMA,
        "nodes": {
            "image": NodeSet(
                torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
                torch.tensor([0, 2, 3]),
                {"box": torch.tensor([[0.0, 0.0, 0.5, 1.0]] * 3), "pose": torch.zeros(3, 2, 2)},
            ),
            "text": NodeSet.of(
                [torch.tensor([[1.0]]), torch.tensor([[2.0], [3.0]])],
                span=[torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 0.0], [2.0, 3.0]])],
                text=[["cat"], ["a", "dog"]],
                token=[torch.tensor([4]), torch.tensor([0, 1])],
            ),
        },
        "edges": {
            NEAR: EdgeList(
                torch.tensor([0, 2, 3]),
                torch.tensor([1, 0, 0], dtype=torch.int32),
                torch.tensor([0, 1, 0], dtype=torch.int32),
                torch.tensor([[0.5], [0.5], [0.0]]),
            ),
            WITH: EdgeList(
                torch.tensor([0, 1, 3]),
                torch.tensor([0, 0, 1], dtype=torch.int32),
                torch.tensor([1, 0, 0], dtype=torch.int32),
            ),
        },
        "targets": {"label": torch.tensor([0, 2]), "tag": torch.tensor([0.5, 1.0, 1.5])},
        "ids": ["cat", "dog"],
    }


def with_x(parts: Parts, modality: str, row: int, column: int, value: float) -> None:
    x = parts["nodes"][modality].x.clone()
    x[row, column] = value
    parts["nodes"][modality] = replace(parts["nodes"][modality], x=x)


def with_attribute(parts: Parts, modality: str, name: str, value: object) -> None:
    nodes = parts["nodes"][modality]
    parts["nodes"][modality] = replace(nodes, attributes={**nodes.attributes, name: value})


def with_edges(parts: Parts, relation: tuple[str, str, str], **change: object) -> None:
    parts["edges"][relation] = replace(parts["edges"][relation], **change)


def int32(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.int32)


def test_good_parts_are_taken() -> None:
    assert len(GraphBatch.build(**good())) == 2


VALUES: list[tuple[Callable[[Parts], Any], str]] = [
    (
        lambda p: with_x(p, "image", 2, 1, math.nan),
        "sample 'dog', modality 'image': value nan at row 2, column 1 is not",
    ),
    (lambda p: with_x(p, "text", 0, 0, math.inf), "sample 'cat', modality 'text': value inf at row 0, column 0 is not"),
    (
        lambda p: with_edges(p, NEAR, features=torch.tensor([[0.0], [-math.inf], [0.0]])),
        r"sample 'cat', relation \('image', 'near', 'image'\): value -inf at row 1, column 0 is not finite",
    ),
    (
        lambda p: with_attribute(p, "image", "pose", torch.full((3, 2, 2), math.nan)),
        "sample 'cat', modality 'image', attribute 'pose': value nan at row 0, column 0, column 0 is not finite",
    ),
    (
        lambda p: with_attribute(p, "text", "span", torch.tensor([[0.0, 1], [0, 1], [2, 1.5]])),
        r"sample 'dog', modality 'text', attribute 'span': span \[2.0, 1.5\] ends before it starts",
    ),
    (
        lambda p: with_attribute(p, "image", "box", torch.tensor([[0.0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 640, 480]])),
        r"sample 'dog', modality 'image', attribute 'box': box \[0.0, 0.0, 640.0, 480.0\] is not .* in 0..1",
    ),
    (
        lambda p: with_attribute(p, "image", "box", torch.tensor([[0.5, 0, 0.25, 1]] * 3)),
        r"sample 'cat', modality 'image', attribute 'box': box \[0.5, 0.0, 0.25, 1.0\] is not x1 <= x2, y1 <= y2",
    ),
    (
        lambda p: with_attribute(p, "text", "token", torch.tensor([0, 5, 1])),
        "sample 'dog', modality 'text', attribute 'token': 5 is not in 0..4",
    ),
    (
        lambda p: p["targets"].update(label=torch.tensor([0, -1])),
        "sample 'dog', target 'label': -1 is not in 0..2",
    ),
    (
        lambda p: p["targets"].update(tag=torch.tensor([0.0, math.nan, 0.0])),
        "sample 'dog', target 'tag': value nan at row 1 is not finite",
    ),
    (
        lambda p: with_edges(p, WITH, src=int32(0, 0, 2)),
        r"sample 'dog', relation \('text', 'with', 'image'\): edge 2 has src 2, but the graph has 2 such nodes",
    ),
    (
        lambda p: with_edges(p, WITH, dst=int32(1, 0, 1)),
        r"sample 'dog', relation \('text', 'with', 'image'\): edge 2 has dst 1, but the graph has 1 such nodes",
    ),
    (
        lambda p: with_edges(p, WITH, src=int32(-1, 0, 0)),
        r"sample 'cat', relation \('text', 'with', 'image'\): edge 0 has src -1",
    ),
    (
        lambda p: with_edges(p, NEAR, dst=int32(1, 0, 0)),
        r"sample 'cat', relation \('image', 'near', 'image'\): edges are not sorted by destination: 1 comes before 0;",
    ),
]


@pytest.mark.parametrize(("change", "message"), VALUES)
def test_a_wrong_value_is_named_with_its_sample_and_place(change: Callable[[Parts], Any], message: str) -> None:
    parts = good()
    change(parts)
    with pytest.raises(ValueError, match=message):
        GraphBatch.build(**parts)


FORMS: list[tuple[Callable[[Parts], Any], str]] = [
    (
        lambda p: p["nodes"].update(text=replace(p["nodes"]["text"], x=torch.zeros(3, 4))),
        r"modality 'text' has 1 channels in the schema, got features of shape \[3, 4\]",
    ),
    (
        lambda p: p["nodes"].update(text=replace(p["nodes"]["text"], x=torch.zeros(3))),
        r"modality 'text' has 1 channels in the schema, got features of shape \[3\]",
    ),
    (
        lambda p: p["nodes"].update(text=replace(p["nodes"]["text"], x=torch.zeros(3, 1).half())),
        "modality 'text': features are float32 or float64, got torch.float16",
    ),
    (
        lambda p: p["nodes"].update(text=replace(p["nodes"]["text"], x=torch.zeros(3, 1).double())),
        "modality 'text' has torch.float64 features, modality 'image' has torch.float32: give all the same",
    ),
    (
        lambda p: with_edges(p, NEAR, features=torch.zeros(3, 1).double()),
        r"relation \('image', 'near', 'image'\) has torch.float64 features, modality 'image' has torch.float32",
    ),
    (
        lambda p: with_edges(p, NEAR, features=torch.zeros(3, 2)),
        r"relation \('image', 'near', 'image'\) has 1 channels in the schema, got features of shape \[3, 2\]",
    ),
    (
        lambda p: with_edges(p, NEAR, features=torch.zeros(2, 1)),
        r"relation \('image', 'near', 'image'\): 2 rows of features for 3 edges",
    ),
    (lambda p: with_edges(p, NEAR, features=None), "has 1 edge features in the schema, got none"),
    (lambda p: with_edges(p, WITH, features=torch.zeros(3, 1)), r"has 0 edge features in the schema, got .* \[3, 1\]"),
    (lambda p: with_edges(p, WITH, features=torch.zeros(3, 0)), r"has 0 edge features in the schema, got .* \[3, 0\]"),
    (
        lambda p: with_edges(p, WITH, src=torch.tensor([0, 0, 1])),
        r"relation \('text', 'with', 'image'\): src is int32 of shape \[3\], got torch.int64",
    ),
    (
        lambda p: with_edges(p, WITH, dst=int32(1, 0)),
        r"relation \('text', 'with', 'image'\): dst is int32 of shape \[3\], got torch.int32 \[2\]",
    ),
    (
        lambda p: with_edges(p, WITH, ptr=torch.tensor([0, 2, 1])),
        r"relation .*: ptr is int64 and rises from 0 to the 3 rows, got torch.int64 \[0, 2, 1\]",
    ),
    (
        lambda p: with_edges(p, WITH, ptr=torch.tensor([0, 4, 3])),
        r"relation .*: ptr is int64 and rises from 0 to the 3 rows, got torch.int64 \[0, 4, 3\]",
    ),
    (
        lambda p: p["nodes"].update(text=replace(p["nodes"]["text"], ptr=torch.tensor([1, 1, 3]))),
        r"modality 'text': ptr is int64 and rises from 0 to the 3 rows, got torch.int64 \[1, 1, 3\]",
    ),
    (
        lambda p: p["nodes"].update(text=replace(p["nodes"]["text"], ptr=int32(0, 1, 3))),
        "modality 'text': ptr is int64 and rises from 0 to the 3 rows, got torch.int32",
    ),
    (
        lambda p: p["nodes"].update(text=replace(p["nodes"]["text"], ptr=torch.tensor(3))),
        r"nodes of 'text': ptr has one entry more than there are graphs, got shape \[\]",
    ),
    (
        lambda p: p["nodes"].update(text=replace(p["nodes"]["text"], ptr=torch.tensor([0, 1, 2, 3]))),
        r"the parts disagree about the number of graphs: \{\"nodes of 'image'\": 2, \"nodes of 'text'\": 3",
    ),
    (
        lambda p: with_attribute(p, "text", "colour", torch.zeros(3)),
        r"modality 'text': the schema has attributes \['span', 'text', 'token'\], the nodes \['colour', 'span'",
    ),
    (
        lambda p: with_attribute(p, "text", "token", torch.zeros(3)),
        r"modality 'text', attribute 'token': expected int64 \[3\], got torch.float32 \[3\]",
    ),
    (
        lambda p: with_attribute(p, "text", "span", torch.zeros(2, 2)),
        r"modality 'text', attribute 'span': expected float32 \[3, 2\], got torch.float32 \[2, 2\]",
    ),
    (
        lambda p: with_attribute(p, "text", "text", torch.zeros(3)),
        "modality 'text', attribute 'text' is text, got Tensor",
    ),
    (
        lambda p: with_attribute(p, "text", "token", p["nodes"]["text"].attributes["text"]),
        "modality 'text', attribute 'token' is int64, got Texts",
    ),
    (
        lambda p: with_attribute(p, "text", "text", p["nodes"]["text"].attributes["text"].narrow(0, 2)),
        "modality 'text', attribute 'text': 2 texts for 3 nodes",
    ),
    (
        lambda p: p["targets"].update(label=torch.tensor([0, 1, 2])),
        r"target 'label': expected int64 \[2\], got torch.int64 \[3\]",
    ),
    (lambda p: p["targets"].update(label=7), "target 'label' is a tensor or a Target, got 7; use torch.tensor"),
    (
        lambda p: p["targets"].update(tag=Target(torch.zeros(3), torch.ones(3))),
        r"target 'tag': the mask is bool of shape \[3\], got torch.float32 \[3\]",
    ),
    (
        lambda p: p["targets"].update(tag=Target(torch.zeros(3), torch.ones(2, dtype=torch.bool))),
        r"target 'tag': the mask is bool of shape \[3\], got torch.bool \[2\]",
    ),
    (lambda p: p["targets"].pop("tag"), "target 'tag' is in the schema, but was not given; mask what is unknown"),
    (
        lambda p: p["targets"].update(answer=torch.zeros(2)),
        r"unknown target 'answer'; the schema has \['label', 'tag'\]",
    ),
    (lambda p: p["nodes"].update(sound=p["nodes"]["text"]), "unknown modality 'sound'; the schema has image, text"),
    (
        lambda p: p["edges"].update({("text", "near", "text"): p["edges"][WITH]}),
        r"unknown relation \('text', 'near', 'text'\)",
    ),
    (lambda p: p.update(ids=["cat"]), "1 ids for 2 graphs"),
    (lambda p: p.update(ids=["cat", 2]), "expected a string, got 2"),
    (lambda p: p.update(nodes={}, edges={}), "empty data set: there is no graph"),
    (
        lambda p: p.update(nodes={"text": NodeSet(torch.zeros(0, 1), torch.tensor([0]))}, edges={}, ids=[]),
        "empty data set: there is no graph",
    ),
]


@pytest.mark.unchecked
@pytest.mark.parametrize(("change", "message"), FORMS)
def test_a_part_of_another_form_is_named(change: Callable[[Parts], Any], message: str) -> None:
    parts = good()
    change(parts)
    with pytest.raises(ValueError, match=message):
        GraphBatch.build(**parts)


@pytest.mark.parametrize("place", ["modality 'text'", r"relation \('text', 'with', 'image'\)", "target 'tag'"])
def test_graphs_are_built_on_the_cpu(place: str) -> None:
    parts = good()
    if place.startswith("modality"):
        parts["nodes"]["text"] = parts["nodes"]["text"].map(lambda tensor: tensor.to("meta"))
    elif place.startswith("relation"):
        with_edges(parts, WITH, src=parts["edges"][WITH].src.to("meta"))
    else:
        parts["targets"]["tag"] = parts["targets"]["tag"].to("meta")
    with pytest.raises(ValueError, match=f"{place} is on meta: build graphs on the CPU, then move them with .to"):
        GraphBatch.build(**parts)


def test_a_graph_without_any_node_is_named() -> None:
    nodes = {"text": NodeSet.of([torch.zeros(1, 1), torch.zeros(0, 1)])}
    with pytest.raises(ValueError, match="sample 'dog' is empty: it has no node of any modality"):
        GraphBatch.build(GraphSchema({"text": 1, "image": 3}), nodes, {}, ids=["cat", "dog"])


def test_what_a_mask_hides_may_be_anything() -> None:
    parts = good()
    parts["targets"] = {
        "label": Target(torch.tensor([-100, 1]), torch.tensor([False, True])),
        "tag": Target(torch.tensor([math.nan, 0.0, math.inf]), torch.tensor([False, True, False])),
    }
    batch = GraphBatch.build(**parts)
    assert batch.targets["label"].values.tolist() == [-100, 1]


def test_the_limits_themselves_are_allowed() -> None:
    parts = good()
    with_attribute(parts, "image", "box", torch.tensor([[0.0, 0, 1, 1], [0.5, 0.5, 0.5, 0.5], [1, 1, 1, 1]]))
    with_attribute(parts, "text", "span", torch.tensor([[1.0, 1.0], [-1.0, 0.0], [0.0, 9.0]]))
    GraphBatch.build(**parts)
