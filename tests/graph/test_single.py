from typing import Any

import numpy as np
import pytest
import torch

from mmgraph.graph import STANDARD_ATTRIBUTES, Field, GraphBatch, GraphSchema, Target
from mmgraph.graph.single import field_of

WITH = ("text", "with", "image")
X = {"image": torch.zeros(2, 4), "text": torch.ones(3, 5)}


def test_edges_of_any_order_are_sorted_with_their_features() -> None:
    graph = GraphBatch.single(
        X, {WITH: torch.tensor([[0, 2, 1, 0], [1, 0, 0, 1]])}, edge_features={WITH: torch.arange(4.0)[:, None]}
    )
    edges = graph.relation(WITH)
    assert torch.stack([edges.src, edges.dst]).tolist() == [[2, 1, 0, 0], [0, 0, 1, 1]]
    assert edges.features is not None
    assert edges.features[:, 0].tolist() == [1, 2, 0, 3]


def test_a_schema_is_made_from_what_is_given() -> None:
    graph = GraphBatch.single(
        X,
        {WITH: torch.zeros(2, 1, dtype=torch.int32)},
        attributes={"text": {"text": ["a", "b", "c"], "token": torch.tensor([1, 2, 3]), "note": ["", "", ""]}},
        edge_features={WITH: torch.zeros(1, 2)},
        targets={"score": torch.tensor([0.5, 1.0]), "label": Target(torch.tensor([3]), torch.tensor([False]))},
        id="cat",
    )
    assert graph.schema == GraphSchema(
        {"image": 4, "text": 5},
        {WITH: ("feature_0", "feature_1")},
        {"text": {"text": Field("text"), "token": Field("int64"), "note": Field("text")}},
        {"score": Field("float32", (2,)), "label": Field("int64")},
    )
    assert graph.ids.tolist() == ["cat"]
    assert graph.targets["label"].mask.tolist() == [False]


@pytest.mark.unchecked
@pytest.mark.parametrize("rows", [np.zeros((2, 4)), [[0.0]], torch.tensor(2.0), None])
def test_what_is_no_tensor_is_named(rows: Any) -> None:
    with pytest.raises(ValueError, match=r"(?s)x of 'image' is a tensor \[nodes, channels\], got .*torch.as_tensor"):
        GraphBatch.single({"image": rows}, {})
    with pytest.raises(ValueError, match=r"edge_index of \('text', 'with', 'image'\) is a tensor \[2, edges\], got"):
        GraphBatch.single(X, {WITH: rows})
    with pytest.raises(
        ValueError, match=r"edge_features of \('text', 'with', 'image'\) are a tensor \[edges, channels"
    ):
        GraphBatch.single(X, {WITH: torch.tensor([[0], [1]])}, edge_features={WITH: rows})


def test_targets_of_nodes_are_rows_of_their_nodes() -> None:
    schema = GraphSchema(
        {"image": 4, "text": 5}, targets={"tag": Field("int64", of="text"), "y": Field("float32", (2,))}
    )
    tag, y = torch.tensor([3, 1, 2]), torch.tensor([0.5, 1.0])
    graph = GraphBatch.single(X, {}, schema=schema, targets={"tag": tag, "y": y})
    assert graph.targets["tag"].values.tolist() == [3, 1, 2]
    assert graph.targets["y"].values.tolist() == [[0.5, 1.0]]
    assert GraphBatch.concat([graph, graph])[[1, 0]].targets["tag"].values.tolist() == [3, 1, 2, 3, 1, 2]
    masked: dict[str, Target | torch.Tensor] = {"tag": Target(tag, torch.tensor([True, False, True])), "y": y}
    assert GraphBatch.single(X, {}, schema=schema, targets=masked).targets["tag"].mask.tolist() == [True, False, True]
    with pytest.raises(ValueError, match=r"target 'tag': expected int64 \[3\], got torch.int64 \[1\]"):
        GraphBatch.single(X, {}, schema=schema, targets={"tag": tag[:1], "y": y})


def test_a_modality_of_the_schema_may_be_missing() -> None:
    schema = GraphSchema({"image": 4, "text": 5, "sound": 1}, {("sound", "with", "text"): ()})
    assert GraphBatch.single({"text": X["text"]}, {}, schema=schema).present.tolist() == [[False, True, False]]


def test_a_standard_attribute_keeps_its_meaning_and_another_its_dtype() -> None:
    assert field_of("span", torch.zeros(1, 2)) == STANDARD_ATTRIBUTES["span"]
    assert field_of("pose", torch.zeros(1, 2, 3)) == Field("float32", (2, 3))
    assert field_of("note", ["a"]) == Field("text")
    with pytest.raises(ValueError, match=r"'pose' has torch\.int16"):
        field_of("pose", torch.zeros(1, dtype=torch.int16))


def test_what_belongs_to_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"edge features are given for \('text', 'with', 'image'\), but no edge_index"):
        GraphBatch.single(X, {}, edge_features={WITH: torch.zeros(1, 1)})
    with pytest.raises(ValueError, match="attributes are given for 'sound', but no x"):
        GraphBatch.single(X, {}, attributes={"sound": {"position": torch.zeros(0).long()}})
    with pytest.raises(ValueError, match="sample 'cat' is empty: it has no node of any modality"):
        GraphBatch.single({}, {}, id="cat")
    with pytest.raises(ValueError, match="target 'y' is a tensor or a Target, got 3"):
        GraphBatch.single(X, {}, targets={"y": 3})  # type: ignore[dict-item]


@pytest.mark.unchecked
@pytest.mark.parametrize("index", [torch.zeros(2, 1), torch.zeros(3, 1).long(), torch.zeros(2).long()])
def test_an_edge_index_of_another_form_is_refused(index: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"relation \('text', 'with', 'image'\): edge_index is integer \[2, edges\]"):
        GraphBatch.single(X, {WITH: index})


def test_a_node_beyond_int32_is_refused_with_its_relation() -> None:
    with pytest.raises(ValueError, match=r"edge 0 has src 4294967296[\s\S]*in relation \('text', 'with', 'image'\)"):
        GraphBatch.single(X, {WITH: torch.tensor([[2**32], [0]])})
