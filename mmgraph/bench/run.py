"""One run of a suite: build, train, choose on validation, and only then measure on the test graphs."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmgraph.bench.result import Measured
from mmgraph.bench.statistics import resample
from mmgraph.bench.suite import Candidate, Splits, Suite, Train
from mmgraph.graph import GraphBatch, GraphSchema, NodeSet
from mmgraph.tasks import Task
from mmgraph.training import FitSettings, History, data_digest, predict
from mmgraph.training.record import is_plain


@dataclass(frozen=True, eq=False)
class OpenSuite:
    """A suite with its data in memory."""

    suite: Suite
    splits: Splits

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """Number of graphs and digest of every split."""
        return {
            split: {"graphs": graphs.num_graphs, "digest": data_digest(graphs)}
            for split, graphs in self.splits.graphs.items()
        }

    def key(self, model: str, seed: int) -> dict[str, Any]:
        """What decides the result of a run, as JSON values, but for the architecture."""
        return {
            "suite": self.suite.name,
            "model": model,
            "seed": seed,
            "settings": asdict(run_settings(self.suite.models[model], seed)),
            "task": repr(self.splits.task),
            "train": name_of(self.suite.train),
            "data": self.data,
            "resamples": self.suite.resamples,
        }


def name_of(function: object) -> str:
    """Module and name of a function, or of the class of a callable object; of a `partial` with its arguments."""
    if isinstance(function, partial):
        given = [*map(repr, function.args), *(f"{name}={value!r}" for name, value in sorted(function.keywords.items()))]
        return f"{name_of(function.func)}({', '.join(given)})"
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}:{getattr(named, '__qualname__', '')}"


def run_settings(candidate: Candidate, seed: int) -> FitSettings:
    """The candidate's settings with the seed of the run."""
    return replace(candidate.settings, seed=seed)


def build_model(candidate: Candidate, train: GraphBatch, task: Task, seed: int) -> nn.Module:
    """The untrained model of a run. The global random state stays as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return candidate.build(train, task)


def train_model(
    model: nn.Module, task: Task, train: GraphBatch, val: GraphBatch, settings: FitSettings, function: Train
) -> History:
    """Trains `model`. All that the suite's training function gets passes here: no test graphs."""
    return function(model, task, train, val, settings)


def measure(model: nn.Module, history: History, splits: Splits, resamples: int) -> Measured:
    """What the trained model is worth; nothing of it goes back into the model."""
    task = splits.task
    outputs = predict(model, splits.test)
    test, parameters = task.metrics(outputs, splits.test), sum(p.numel() for p in model.parameters() if p.requires_grad)
    return Measured(
        metric=task.monitor,
        parameters=parameters,
        epochs=len(history.rows),
        best_epoch=history.best_epoch,
        seconds=round(history.seconds, 2),
        val=task.metrics(predict(model, splits.val), splits.val),
        test=test,
        predictions=task.predict(outputs).tolist(),
        resampled=resampled_metric(task, outputs, splits.test, resamples),
    )


def resampled_metric(task: Task, outputs: Tensor, graphs: GraphBatch, times: int) -> list[float]:
    """The task's monitored metric on resamples of the graphs whose target is known, to six digits."""
    targets = targets_only(graphs)
    known = torch.nonzero(task.known(targets)).squeeze(1)

    def value(drawn: np.ndarray) -> float:
        rows = known[torch.from_numpy(drawn)]
        return task.metrics(outputs[rows], targets.select(rows))[task.monitor]

    return [float(f"{metric:.6g}") for metric in resample(value, len(known), times=times)]


def targets_only(graphs: GraphBatch) -> GraphBatch:
    """The same graphs with their targets, but without edges, features and attributes: fast to select from."""
    schema = GraphSchema(dict.fromkeys(graphs.schema.modalities, 0), (), {}, graphs.schema.targets)
    nodes = {name: NodeSet(value.x[:, :0], value.ptr, {}) for name, value in graphs.nodes.items()}
    return GraphBatch.build(schema, nodes, {}, graphs.targets, graphs.ids)


def architecture_digest(model: nn.Module) -> str:
    """A short hash of how a model is made: classes, plain attributes and shapes of all its modules; not of its weights.

    Example:
        >>> digests = {architecture_digest(nn.Dropout(p)) for p in (0.1, 0.1, 0.2)}
        >>> len(digests)
        2
    """
    parts = [
        [
            name,
            f"{type(module).__module__}:{type(module).__qualname__}",
            module.extra_repr(),
            {
                key: repr(value)
                for key, value in sorted(vars(module).items())
                if key[0] != "_" and (isinstance(value, tuple) or is_plain(value))
            },
        ]
        for name, module in model.named_modules()
    ]
    shapes = [[name, str(value.dtype), list(value.shape)] for name, value in model.state_dict().items()]
    return hashlib.sha256(json.dumps([parts, shapes]).encode()).hexdigest()[:16]
