"""A blueprint reaches what is allowed, and nothing else."""

from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from mmgraph.graph import GraphSchema
from mmgraph.training import Blueprint, FitSettings, Name

SCHEMA = GraphSchema({"text": 3})


def test_it_builds_what_the_call_would_have() -> None:
    assert Blueprint("mmgraph.training:FitSettings", {"epochs": 2}).build() == FitSettings(epochs=2)


def test_it_is_made_from_a_call_and_prefers_the_public_name() -> None:
    blueprint = Blueprint.of(FitSettings, epochs=2)
    assert blueprint == Blueprint("mmgraph.training:FitSettings", {"epochs": 2})


def test_classes_among_the_arguments_become_names_and_come_back(tiny_models: Any) -> None:
    blueprint = Blueprint.of(tiny_models.gather, layers=[FitSettings, nn.ReLU], schema=SCHEMA)
    assert blueprint.arguments["layers"] == [Name("mmgraph.training:FitSettings"), Name("torch.nn:ReLU")]
    assert blueprint.modules == ("tiny_models", "mmgraph.training", "torch.nn")
    assert blueprint.build(allow=["tiny_models", "torch"]) == {"layers": [FitSettings, nn.ReLU], "schema": SCHEMA}


def test_a_module_is_reached_only_if_it_is_allowed(tiny_models: ModuleType) -> None:
    blueprint = Blueprint("tiny_models:MeanModel", {"schema": SCHEMA})
    with pytest.raises(ValueError, match=r"outside of mmgraph; if you trust it, pass allow=\['tiny_models'\]"):
        blueprint.build()
    assert isinstance(blueprint.build(allow=["tiny_models"]), nn.Module)


def test_an_argument_is_reached_only_if_it_is_allowed() -> None:
    blueprint = Blueprint("mmgraph.training:FitSettings", {"epochs": Name("os:system")})
    with pytest.raises(ValueError, match="os:system is outside of mmgraph"):
        blueprint.build()


@pytest.mark.parametrize("module", ["mmgraphx", "mmgraph_evil", "xmmgraph.models"])
def test_a_name_that_only_begins_alike_is_outside(module: str) -> None:
    with pytest.raises(ValueError, match="is outside of mmgraph"):
        Blueprint(f"{module}:make").build()


@pytest.mark.parametrize("function", ["mmgraph.training.checkpoint:Path", "mmgraph.training.checkpoint:os"])
def test_what_a_module_of_mmgraph_imports_is_out_of_reach(function: str) -> None:
    with pytest.raises(ValueError, match="not a function or class that was defined in mmgraph"):
        Blueprint(function).build()


def test_what_an_allowed_module_imports_is_out_of_reach(tiny_models: ModuleType) -> None:
    with pytest.raises(ValueError, match="not a function or class that was defined in"):
        Blueprint("tiny_models:system", {"command": "exit"}).build(allow=["tiny_models"])


@pytest.mark.parametrize("function", ["mmgraph.training:nothing", "mmgraph.nowhere:nothing"])
def test_a_name_that_is_not_there_is_named(function: str) -> None:
    with pytest.raises(ValueError, match=f"{function} cannot be imported"):
        Blueprint(function).build()


def test_arguments_that_the_function_does_not_take_are_named() -> None:
    with pytest.raises(ValueError, match=r"mmgraph.training:FitSettings takes other arguments: .*'epoch'"):
        Blueprint("mmgraph.training:FitSettings", {"epoch": 3}).build()


@pytest.mark.parametrize(
    "function", ["", "os", "mmgraph.training", "mmgraph.training:", "mmgraph.training:a.b", "a b:c", "a:_b", "a:b\n"]
)
def test_another_form_of_name_is_refused(function: str) -> None:
    with pytest.raises(ValueError, match="is not 'module:name'"):
        Blueprint(function)


def test_local_functions_are_refused() -> None:
    def make() -> nn.Module:
        return nn.Identity()

    with pytest.raises(ValueError, match="is not 'module:name'"):
        Blueprint.of(make)


def test_names_of_a_script_are_refused() -> None:
    with pytest.raises(ValueError, match="names of a script cannot be found again"):
        Blueprint("__main__:make")


def test_tensors_are_no_arguments() -> None:
    with pytest.raises(ValueError, match="argument 'weight' is a tensor"):
        Blueprint("torch.nn:Linear", {"weight": torch.ones(1)})


def test_objects_are_no_arguments() -> None:
    with pytest.raises(ValueError, match="activation is a ReLU; a file can keep"):
        Blueprint("torch.nn:Linear", {"activation": nn.ReLU()})


@pytest.mark.unchecked
def test_arguments_have_names() -> None:
    with pytest.raises(ValueError, match=r"arguments are a dict, got \[3\]"):
        Blueprint("torch.nn:Linear", [3])  # type: ignore[arg-type]
