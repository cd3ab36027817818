"""`RunRecord`: what a run can be repeated from."""

import hashlib
import platform
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph import __version__
from mmgraph.graph import GraphBatch, Texts
from mmgraph.training.settings import FitSettings

PACKAGES = ("torch", "numpy", "lightning-fabric", "numba", "triton", "torch-scatter")
"""Installed packages whose versions may change a result."""

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # of functions that a module prints: another one in every process


@dataclass(frozen=True)
class RunRecord:
    """Seed, schema, data, task, model, versions, threads, device and command of a run, as plain JSON values.

    Attributes:
        settings: the `FitSettings`, the seed among them.
        schema: digest of the schema.
        data: digest of the content of each data set, by name.
        task: the task with its settings.
        model: the class of the model and of each of its modules, with what they print about themselves.
        environment: versions of Python and packages, threads, device: results may differ in the last bits between two.
        command: how the process was started.
        started: date and time, UTC.
        augment: how the training graphs were changed, with its settings; "None" if they were not.
        options: the plain attributes of each module of the model, such as a conv's scope, which neither its weights nor
            what it prints may show.
    """

    settings: Mapping[str, Any]
    schema: str
    data: Mapping[str, str]
    task: str
    model: Mapping[str, str]
    environment: Mapping[str, Any]
    command: str
    started: str
    augment: str = "None"
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        model: nn.Module,
        task: object,
        data: Mapping[str, GraphBatch],
        settings: FitSettings,
        device: torch.device,
        *,
        augment: object = None,
        weights: Float[Tensor, " graphs"] | None = None,
    ) -> "RunRecord":
        """The record of a run that starts now in this process. Weights count as data.

        Example:
            >>> from mmgraph.tasks import Classification
            >>> graph = GraphBatch.single({"text": torch.ones(1, 2)}, {})
            >>> task, settings = Classification("label", 2), FitSettings(seed=3)
            >>> record = RunRecord.of(nn.Linear(2, 2), task, {"train": graph}, settings, torch.device("cpu"))
            >>> record.settings["seed"], record.model
            (3, {'': 'torch.nn.modules.linear:Linear(in_features=2, out_features=2, bias=True)'})
        """
        digests = {name: data_digest(graphs) for name, graphs in data.items()}
        if weights is not None:
            digests["weights"] = _digest(hashlib.sha256(), [weights])
        return cls(
            asdict(settings),
            next(iter(data.values())).schema.digest,
            digests,
            f"{type(task).__module__}:{_ADDRESS.sub('', repr(task))}",
            describe_model(model),
            environment(device),
            shlex.join(sys.orig_argv),
            datetime.now(UTC).isoformat(timespec="seconds"),
            _ADDRESS.sub("", repr(augment)),
            {name: plain_attributes(module) for name, module in model.named_modules()},
        )

    def difference(self, other: "RunRecord") -> str | None:
        """The first thing that decides the result and differs from `other`; None if nothing does."""
        parts = ["settings", "schema", "data", "task", "model", "augment"]
        if other.options:  # a record that an earlier version wrote has none
            parts.append("options")
        for part in parts:
            found = _difference(getattr(self, part), getattr(other, part), part)
            if found:
                return found
        return None

    def environment_difference(self, other: "RunRecord") -> str | None:
        """The first difference between the environments; None if there is none."""
        return _difference(self.environment, other.environment, "environment")


def environment(device: torch.device) -> dict[str, Any]:
    """Versions of Python, mmgraph and the packages that compute, threads, and what computes.

    Example:
        >>> environment(torch.device("cpu"))["mmgraph"] == __version__
        True
    """
    versions = {name: _version(name) for name in PACKAGES}
    return {
        "python": platform.python_version(),
        "mmgraph": __version__,
        **{name: version for name, version in versions.items() if version},
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu {platform.machine()}",
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "system": platform.system(),
    }


def describe_model(model: nn.Module) -> dict[str, str]:
    """The class of every module, with what it prints about itself: a changed dropout shows here and in no weight.

    Example:
        >>> describe_model(nn.Sequential(nn.Dropout(0.5)))["0"]
        'torch.nn.modules.dropout:Dropout(p=0.5, inplace=False)'
    """
    return {
        name: f"{type(module).__module__}:{type(module).__qualname__}({_ADDRESS.sub('', module.extra_repr())})"
        for name, module in model.named_modules()
    }


def plain_attributes(module: nn.Module) -> dict[str, str]:
    """The public attributes of a module that are numbers, texts, or lists, tuples and dicts of such, as text.

    Example:
        >>> plain_attributes(nn.Flatten())
        {'end_dim': '-1', 'start_dim': '1'}
    """
    return {
        name: repr(value)
        for name, value in sorted(vars(module).items())
        if name[0] != "_" and name != "training" and is_plain(value)
    }


def is_plain(value: object) -> bool:
    """Whether a value is a number, a text, None, or a list, tuple or dict of such.

    Example:
        >>> is_plain({"text": (3, None)}), is_plain([nn.ReLU])
        (True, False)
    """
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    if isinstance(value, Mapping):
        return all(is_plain(part) for pair in value.items() for part in pair)
    return value is None or isinstance(value, bool | int | float | str)


def data_digest(graphs: GraphBatch) -> str:
    """A short hash of everything the graphs hold, in order; the same on every device and in every process.

    Example:
        >>> graph = GraphBatch.single({"text": torch.ones(1, 2)}, {})
        >>> data_digest(graph) == data_digest(graph.to("cpu")), data_digest(graph) == data_digest(graph.double())
        (True, False)
    """
    return _digest(hashlib.sha256(graphs.schema.digest.encode()), _tensors(graphs))


def _digest(digest: Any, tensors: Iterable[Tensor]) -> str:
    for tensor in tensors:
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{values.dtype} {tuple(values.shape)}".encode())
        digest.update(values.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def _tensors(graphs: GraphBatch) -> Iterator[Tensor]:
    """Every tensor of the graphs, in the order of the schema."""
    yield from (graphs.ids.data, graphs.ids.ptr)
    for modality, names in graphs.schema.attributes.items():
        nodes = graphs.nodes[modality]
        yield from (nodes.x, nodes.ptr)
        for name in names:
            value = nodes.attributes[name]
            yield from (value.data, value.ptr) if isinstance(value, Texts) else (value,)
    edges = graphs.edges
    yield from (edges.ptr, edges.src, edges.relation, edges.degree, edges.relation_ptr)
    yield from (edges.features[relation] for relation in graphs.schema.edge_types if relation in edges.features)
    for name in graphs.schema.targets:
        yield from (graphs.targets[name].values, graphs.targets[name].mask)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _difference(mine: Any, other: Any, place: str) -> str | None:
    if not isinstance(mine, Mapping) or not isinstance(other, Mapping):
        return None if mine == other else f"{place} was {other}, is now {mine}"
    for key in [*mine, *(key for key in other if key not in mine)]:
        found = _difference(mine.get(key), other.get(key), f"{place}.{key}")
        if found:
            return found
    return None
