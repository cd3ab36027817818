"""Models come back from files without pickle."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.training import Blueprint, load_model, save_checkpoint, save_model
from mmgraph.training.model_file import require_same_weights
from mmgraph.training.tree import Name


def test_a_model_comes_back_with_every_weight(
    tmp_path: Path, tiny_models: Any, data: Callable[..., GraphBatch]
) -> None:
    graphs = data(4)
    blueprint = Blueprint.of(tiny_models.MeanModel, schema=graphs.schema, dropout=0.3)
    model = blueprint.build(allow=["tiny_models"])
    save_model(model, tmp_path, blueprint)
    back = load_model(tmp_path, allow=["tiny_models"])
    assert back.schema == graphs.schema
    assert back.dropout.p == 0.3
    assert not back.training
    assert torch.equal(back(graphs), model.eval()(graphs))


def test_loading_leaves_the_global_random_state(tmp_path: Path) -> None:
    blueprint = Blueprint.of(nn.Linear, in_features=2, out_features=2)
    save_model(nn.Linear(2, 2), tmp_path, blueprint)
    before = torch.get_rng_state()
    load_model(tmp_path, allow=["torch.nn"])
    assert torch.equal(before, torch.get_rng_state())


def test_code_outside_of_mmgraph_is_not_run_unless_allowed(tmp_path: Path) -> None:
    save_model(nn.Linear(2, 2), tmp_path, Blueprint.of(nn.Linear, in_features=2, out_features=2))
    with pytest.raises(ValueError, match=r"torch.nn:Linear is outside of mmgraph") as caught:
        load_model(tmp_path)
    assert f"while loading the model in {tmp_path}" in caught.value.__notes__


@pytest.mark.parametrize("function", ["mmgraph.bench:load_suite", "mmgraph.training:load_checkpoint"])
def test_a_file_cannot_have_a_function_of_mmgraph_called(tmp_path: Path, function: str) -> None:
    suite = tmp_path / "suite.py"  # load_suite would run it
    suite.write_text("from pathlib import Path\nPath(__file__).with_name('ran').touch()\n")
    name = "path" if function.endswith("suite") else "folder"
    tree = {"blueprint": {"function": function, "arguments": {name: str(suite)}}, "model": {}}
    save_checkpoint(tree, tmp_path / "model")
    with pytest.raises(ValueError, match=f"{function} is no class of modules; if you trust it, pass allow"):
        load_model(tmp_path / "model")
    assert not (tmp_path / "ran").exists()


def test_a_file_cannot_hand_a_function_of_mmgraph_to_a_model(tmp_path: Path) -> None:
    arguments = {"schema": GraphSchema({"text": 3}), "out_channels": 2, "conv": Name("mmgraph.bench:load_suite")}
    tree = {"blueprint": {"function": "mmgraph.models:GraphFusion", "arguments": arguments}, "model": {}}
    save_checkpoint(tree, tmp_path)
    with pytest.raises(ValueError, match=r"mmgraph\.bench:load_suite is no class of modules; if you trust it"):
        load_model(tmp_path)


def test_a_function_that_makes_a_model_is_called_if_it_is_trusted(tmp_path: Path, tiny_models: Any) -> None:
    tiny_models.make = lambda: tiny_models.MeanModel(GraphSchema({"text": 3}))
    tiny_models.make.__module__ = "tiny_models"
    blueprint = Blueprint("tiny_models:make")
    save_model(tiny_models.make(), tmp_path, blueprint)
    assert load_model(tmp_path, allow=iter(["tiny_models"])).schema == GraphSchema({"text": 3})


def test_a_blueprint_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"weight 'weight' is float32 \[2, 3\], the model has float32 \[2, 2\]"):
        save_model(nn.Linear(3, 2), tmp_path, Blueprint.of(nn.Linear, in_features=2, out_features=2))


def test_a_blueprint_of_no_module_is_refused(tmp_path: Path, tiny_models: ModuleType) -> None:
    with pytest.raises(ValueError, match="FitSettings gives a FitSettings, which is no torch"):
        save_model(nn.Linear(1, 1), tmp_path, Blueprint("mmgraph.training:FitSettings"))


def test_a_model_without_blueprint_cannot_be_built(tmp_path: Path) -> None:
    save_checkpoint({"model": nn.Linear(1, 1).state_dict(), "blueprint": None}, tmp_path)
    with pytest.raises(ValueError, match="holds weights but no blueprint"):
        load_model(tmp_path)


@pytest.mark.parametrize("tree", [{"epoch": 1}, [1], {"model": 3}])
def test_a_checkpoint_of_something_else_is_no_model(tmp_path: Path, tree: object) -> None:
    save_checkpoint(tree, tmp_path)
    with pytest.raises(ValueError, match="holds no model"):
        load_model(tmp_path)


def test_weights_are_compared_by_name_shape_and_dtype() -> None:
    one = {"weight": torch.ones(2)}
    require_same_weights(one, {"weight": torch.zeros(2)})
    for other, message in [
        ({}, "weight 'weight' is missing"),
        ({"weight": torch.ones(2), "bias": torch.ones(1)}, "weight 'bias' is unknown to the model"),
        ({"weight": torch.ones(2, dtype=torch.float64)}, r"is float64 \[2\], the model has float32 \[2\]"),
        ({"weight": None}, "is NoneType, the model has"),
    ]:
        with pytest.raises(ValueError, match=message):
            require_same_weights(one, other)


def test_a_schema_is_part_of_the_file(tmp_path: Path, tiny_models: Any) -> None:
    schema = GraphSchema({"sound": 7})
    blueprint = Blueprint.of(tiny_models.MeanModel, schema=schema)
    save_model(tiny_models.MeanModel(schema), tmp_path, blueprint)
    assert '"sound"' in (tmp_path / "state.json").read_text()
