"""Modules can be kept under every name that a schema may have."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mmgraph.graph import Field, GraphBatch, GraphSchema
from mmgraph.models import ConcatMLP, GraphFusion, NodeTransformer
from mmgraph.nn import ASAPool
from mmgraph.nn.by_name import ByName

TAKEN = ["type", "values", "keys", "items", "training", "forward", "T_destination", "_modules", "image.left", "<type>"]


@given(st.lists(st.sampled_from(TAKEN) | st.text("a.%<>2E5", min_size=1), unique=True))
def test_what_was_put_in_under_a_name_comes_out_under_it(names: list[str]) -> None:
    parts = {name: nn.Linear(i, 1) for i, name in enumerate(names, 1)}
    kept = ByName(parts)
    assert dict(kept.items()) == parts
    assert list(kept) == list(kept.keys()) == names
    assert all(kept[name] is part and name in kept for name, part in parts.items())
    assert [kept.get_submodule(place) for place, _ in kept.named_children()] == list(parts.values())


def test_ordinary_names_stand_in_the_state_dict_as_they_are() -> None:
    assert list(ByName({"text": nn.Linear(1, 1), "a b": nn.Linear(1, 1, bias=False)}).state_dict()) == [
        "text.weight",
        "text.bias",
        "a b.weight",
    ]


def test_parts_can_be_exchanged_and_taken_out() -> None:
    kept, part = ByName({"type": nn.ReLU(), "text": nn.ReLU()}), nn.Tanh()
    kept["type"] = part
    assert kept.pop("type") is part
    assert list(kept) == ["text"]
    assert "type" not in kept


@pytest.mark.parametrize("name", TAKEN)
def test_models_take_modalities_and_attributes_of_any_name(name: str) -> None:
    schema = GraphSchema({name: 3}, [(name, "to", name)], {name: {name: Field("int64", num_classes=4)}})
    graph = GraphBatch.single(
        {name: torch.rand(2, 3)},
        {(name, "to", name): torch.tensor([[0], [1]])},
        schema=schema,
        attributes={name: {name: torch.tensor([1, 3])}},
    )
    models = (
        GraphFusion(schema, 2, hidden_channels=4),
        ConcatMLP(schema, 2, {name: 2}),
        NodeTransformer(schema, 2, hidden_channels=4),
    )
    for model in models:
        model.load_state_dict(model.state_dict())
        assert model(graph).shape == (1, 2)
    assert ASAPool(schema, 3)({name: graph.nodes[name].x}, graph.flat).x[name].shape == (1, 3)
