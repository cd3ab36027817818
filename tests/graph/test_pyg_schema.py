from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from torch_geometric.data import HeteroData

from mmgraph.graph import STANDARD_ATTRIBUTES, Field, GraphBatch, GraphSchema
from mmgraph.graph.pyg import from_pyg, to_pyg
from mmgraph.graph.pyg_schema import infer_schema
from tests.strategies import batches

NEXT, WITH = ("text", "next", "text"), ("text", "with", "image")


def test_the_schema_is_the_union_of_all_graphs_in_order_of_appearance() -> None:
    first, second = HeteroData(), HeteroData()
    first["text"].x, first["text"].text = torch.zeros(1, 3), ["a"]
    first["y"] = torch.tensor([[0.5, 1.0]])
    second["image"].x, second["image"].box = torch.zeros(1, 2), torch.zeros(1, 4)
    second["text"].x, second["text"].span = torch.zeros(0, 3), torch.zeros(0, 2)
    second[WITH].edge_index, second[WITH].edge_attr = torch.zeros(2, 0).long(), torch.zeros(0, 2)
    second[NEXT].edge_index = torch.zeros(2, 0).long()
    second["y"], second["label"] = torch.tensor([[0.5, 1.0]]), torch.tensor([3])
    second["image"].y, second["image"].y_mask = torch.zeros(1), torch.ones(1).bool()
    del second["y"]
    assert infer_schema([first]) == GraphSchema(
        {"text": 3}, {}, {"text": {"text": STANDARD_ATTRIBUTES["text"]}}, {"y": Field("float32", (2,))}
    )
    assert infer_schema([second]) == GraphSchema(
        {"image": 2, "text": 3},
        {WITH: ("feature_0", "feature_1"), NEXT: ()},
        {"image": {"box": STANDARD_ATTRIBUTES["box"]}, "text": {"span": STANDARD_ATTRIBUTES["span"]}},
        {"y": Field("float32", of="image"), "label": Field("int64")},
    )
    del second["image"].y, second["image"].y_mask
    assert infer_schema([first, second]) == GraphSchema(
        {"text": 3, "image": 2},
        {WITH: ("feature_0", "feature_1"), NEXT: ()},
        {
            "text": {"text": STANDARD_ATTRIBUTES["text"], "span": STANDARD_ATTRIBUTES["span"]},
            "image": {"box": STANDARD_ATTRIBUTES["box"]},
        },
        {"y": Field("float32", (2,)), "label": Field("int64")},
    )


def test_a_mask_belongs_to_the_target_it_is_named_for() -> None:
    data = HeteroData({"text": {"x": torch.zeros(2, 1)}})
    data["y"], data["y_mask"], data["train_mask"] = torch.tensor([1.0]), torch.tensor([False]), torch.tensor([True])
    assert list(infer_schema([data]).targets) == ["y", "train_mask"]
    data["text"].train_mask = torch.tensor([True, False])
    assert infer_schema([data]).attributes["text"] == {"train_mask": Field("bool")}


def test_what_has_a_mask_beside_it_is_a_target_of_nodes_whose_unknown_values_may_be_anything() -> None:
    one, other = (HeteroData({"text": {"x": torch.zeros(2, 1)}}) for _ in range(2))
    one["text"].gaze, one["text"].gaze_mask = torch.tensor([1.0, torch.nan]), torch.tensor([True, False])
    other["text"].gaze = torch.tensor([3.0, 4.0])
    for graphs in ([one, other], [other, one]):
        assert dict(infer_schema(graphs).targets) == {"gaze": Field("float32", of="text")}
        assert sorted(from_pyg(graphs).targets["gaze"].mask.tolist()) == [False, True, True, True]


@pytest.mark.unchecked
@given(batches())
def test_an_inferred_schema_holds_the_same_graphs_but_for_what_it_cannot_know(batch: GraphBatch) -> None:
    graphs = to_pyg(batch)
    once = from_pyg(graphs)
    assert dict(once.schema.modalities) == dict(batch.schema.modalities)
    assert once.schema.edge_types == batch.schema.edge_types
    assert (
        once.relation(once.schema.edge_types[0]).src.equal(batch.relation(batch.schema.edge_types[0]).src)
        if (batch.schema.edge_types)
        else True
    )
    assert from_pyg(to_pyg(once), once.schema).equal(once)


@pytest.mark.unchecked
@pytest.mark.parametrize(
    ("place", "key", "value", "message"),
    [
        (None, "caption", "a cat", r"graph 0: 'caption' is 'a cat'; a GraphBatch holds tensors"),
        (None, "y", 3, r"graph 0: 'y' is 3; a GraphBatch holds tensors .* \[1, ...\], as PyG's batching"),
        (None, "y", torch.tensor(3), r"graph 0: 'y' is tensor\(3\)"),
        (None, "y", torch.tensor([1, 2]), r"graph 0: 'y' is tensor\(\[1, 2\]\)"),
        (None, "y", torch.zeros(1).half(), "'y' has torch.float16"),
        ("text", "colour", np.zeros(1), r"graph 0, modality 'text': 'colour' is array\(\[0.\]\); a GraphBatch holds"),
        ("text", "colour", torch.tensor(1), r"graph 0, modality 'text': 'colour' is tensor\(1\)"),
        ("text", "words", ["a", 3], r"graph 0, modality 'text': 'words' is \['a', 3\]"),
        ("text", "count", torch.zeros(1, dtype=torch.int16), "'count' has torch.int16; graphs hold float32"),
        ("text", "span", torch.zeros(1, 2).double(), r"'span': expected float32 \[1, 2\], got torch.float64"),
        (
            "text",
            "x",
            torch.tensor([3]),
            r"graph 0, modality 'text': 'x' is tensor\(\[3\]\); a GraphBatch holds features",
        ),
        ("text", "x", torch.tensor([[3]]), "modality 'text': features are float32 or float64, got torch.int64"),
        (NEXT, "edge_attr", torch.ones(1), r"graph 0, relation \('text', .*: 'edge_attr' is tensor\(\[1.\]\)"),
        (NEXT, "edge_weight", torch.ones(1), "the batch cannot hold 'edge_weight'"),
        (("text", "with", "sound"), "edge_index", torch.zeros(2, 1).long(), "names the unknown modality 'sound'"),
    ],
)
def test_what_no_schema_can_say_is_named(place: Any, key: str, value: Any, message: str) -> None:
    data = HeteroData({"text": {"x": torch.zeros(1, 1)}})
    (data if place is None else data[place])[key] = value
    with pytest.raises(ValueError, match=message):
        from_pyg([data])


def test_a_target_of_two_places_is_refused() -> None:
    data = HeteroData({"text": {"x": torch.zeros(1, 1), "y": torch.zeros(1)}, "image": {"x": torch.zeros(1, 1)}})
    data["image"].y = torch.zeros(1)
    with pytest.raises(ValueError, match="graph 0, modality 'image': 'y' is also a target of 'text'; rename one"):
        infer_schema([data])
    del data["image"].y
    data["y"] = torch.zeros(1)
    with pytest.raises(ValueError, match="graph 0: 'y' is also a target of 'text'"):
        infer_schema([data])
