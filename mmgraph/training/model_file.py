"""Models in files: weights as safetensors, the architecture as a `Blueprint`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmgraph.training.blueprint import Blueprint, within
from mmgraph.training.checkpoint import load_checkpoint, save_checkpoint


def save_model(model: nn.Module, path: Path | str, blueprint: Blueprint) -> None:
    """Writes a model's weights, and how to build it, to the folder `path`.

    Args:
        model: what `blueprint` builds, with any weights.
        path: a folder; what an earlier save left there is replaced in one step.
        blueprint: builds the model; best build the model with it in the first place.

    Raises:
        ValueError: if the blueprint builds something else than this model.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> blueprint = Blueprint.of(nn.Linear, in_features=2, out_features=1)
        >>> model = blueprint.build(allow=["torch.nn"])
        >>> with TemporaryDirectory() as folder:
        ...     save_model(model, folder, blueprint)
        ...     torch.equal(load_model(folder, allow=["torch.nn"]).weight, model.weight)
        True
    """
    check_blueprint(blueprint, model)
    save_checkpoint({"blueprint": blueprint.to_tree(), "model": model.state_dict()}, Path(path))


def load_model(path: Path | str, *, allow: Iterable[str] = ()) -> nn.Module:
    """The model that `save_model`, or `fit` with a blueprint, left in a folder: on the CPU, in evaluation mode.

    Nothing is unpickled, and only names inside `mmgraph` or `allow` are imported; in `mmgraph` only classes of modules,
    because its functions read and run files too. The global random state is untouched.

    Args:
        path: such a folder, for a run `out / "best"` or `out / "last"`.
        allow: modules or packages besides `mmgraph` that you trust.

    Raises:
        ValueError: naming the file, if it is missing, damaged, has no blueprint, or weights that do not fit.
    """
    folder = Path(path)
    state = load_checkpoint(folder)
    if not isinstance(state, dict) or not isinstance(state.get("model"), dict):
        raise ValueError(f"{folder} holds no model")
    plan, trusted = state.get("blueprint"), tuple(allow)
    if not isinstance(plan, dict) or set(plan) != {"function", "arguments"}:
        raise ValueError(
            f"{folder} holds weights but no blueprint: give `fit` one, or load the weights into a model yourself"
        )
    try:
        blueprint = Blueprint(**plan)
        _require_modules(blueprint, trusted)
        model = _build(blueprint, trusted)
        require_same_weights(model.state_dict(), state["model"])
    except ValueError as error:
        error.add_note(f"while loading the model in {folder}")
        raise
    model.load_state_dict(state["model"])
    return model.eval()


def check_blueprint(blueprint: Blueprint, model: nn.Module) -> None:
    """Raises ValueError, naming the first difference, unless the blueprint builds a model with the same weights."""
    try:
        require_same_weights(_build(blueprint, blueprint.modules).state_dict(), model.state_dict())
    except ValueError as error:
        error.add_note(f"the blueprint {blueprint.function} does not build this {type(model).__name__}")
        raise


def require_same_weights(ours: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raises ValueError, naming the first difference, unless both state dicts have the same names, shapes, dtypes."""
    for name in [*ours, *given]:
        if name not in given or name not in ours:
            raise ValueError(f"weight {name!r} is {'missing' if name in ours else 'unknown to the model'}")
        mine, other = _describe(ours[name]), _describe(given[name])
        if mine != other:
            raise ValueError(f"weight {name!r} is {other}, the model has {mine}")


def _require_modules(blueprint: Blueprint, trusted: tuple[str, ...]) -> None:
    """Raises ValueError if something that a file names is not trusted and could do more than be a part of a model."""
    for name, found in blueprint.named(trusted).items():
        if not (isinstance(found, type) and issubclass(found, nn.Module)) and not within(found.__module__, trusted):
            module = name.partition(":")[0]
            raise ValueError(f"{name} is no class of modules; if you trust it, pass allow=[{module!r}]")


def _build(blueprint: Blueprint, allow: Iterable[str]) -> nn.Module:
    with torch.random.fork_rng(devices=[]):  # first weights are drawn here only to be replaced
        model = blueprint.build(allow)
    if not isinstance(model, nn.Module):
        raise ValueError(f"{blueprint.function} gives a {type(model).__name__}, which is no torch.nn.Module")
    return model


def _describe(value: Any) -> str:
    if not isinstance(value, Tensor):
        return type(value).__name__
    return f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
