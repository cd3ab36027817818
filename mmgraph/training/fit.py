"""`fit`: trains a model, chooses its best epoch on validation data, and can be interrupted and resumed."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import GraphBatch
from mmgraph.tasks import Task
from mmgraph.training.augment import Augmentation
from mmgraph.training.blueprint import Blueprint
from mmgraph.training.device import resolve_device
from mmgraph.training.engine import Engine
from mmgraph.training.evaluate import check_schema, evaluate, keep_modes
from mmgraph.training.folder import RunFolder, Snapshot
from mmgraph.training.history import History
from mmgraph.training.loader import Loader
from mmgraph.training.model_file import check_blueprint
from mmgraph.training.record import RunRecord
from mmgraph.training.settings import FitSettings
from mmgraph.training.tree import copy_to_cpu

_SHOWN = ("epoch", "train_loss", "val_loss", "val_accuracy")


def fit(
    model: nn.Module,
    task: Task,
    train: GraphBatch,
    val: GraphBatch,
    settings: FitSettings | None = None,
    *,
    augment: Augmentation | None = None,
    weights: Float[Tensor, " graphs"] | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    blueprint: Blueprint | None = None,
    progress: bool = False,
) -> History:
    """Trains `model` in place; afterwards it has the weights of the epoch that was best on `val`, where it was trained.

    The best epoch is the one with the best `task.monitor`, between equals the one with the lower validation loss, then
    the earlier. Test data has no place here: see `evaluate`.

    Ctrl-C at any point (KeyboardInterrupt, which is raised on) and any error leave the last full epoch: in the model,
    and in `out`. From there `resume=True` goes on bit by bit as if nothing had happened, given the same versions and
    number of threads on a CPU; on CUDA some kernels add in no fixed order. The global random state stays as it was.

    Args:
        model: has a `schema`, and gives [graphs, out_channels] for a `GraphBatch`. Its first weights are the caller's.
        task: target, loss, and the metric that chooses.
        train: the only graphs that the weights learn from.
        val: graphs for early stopping and for choosing the best epoch.
        settings: everything else that decides the result, `FitSettings()` if not given.
        augment: changes the mini-batches of `train`, anew in every epoch, by the seed; `val` stays as it is.
        weights: one per graph of `train`: how often an epoch shows it, from `balance`; None shows each once.
        out: a folder for `last/`, `best/`, `log.csv` and `record.jsonl`; None writes nothing.
        resume: go on with the run in `out`; with a constant learning rate `settings.epochs` may be more than before.
        blueprint: how to build the model; with it `load_model(out / "best")` works.
        progress: shows a bar.

    Raises:
        ValueError: if data, task and model do not fit together; if `out` holds a run already, or one with other data,
            settings, task, model, weights or augmentation; if a loss is not finite, naming epoch and step.

    Example:
        >>> import torch
        >>> from mmgraph.tasks import Classification
        >>> def graph(label):
        ...     x = torch.full((1, 3), float(label))
        ...     return GraphBatch.single({"text": x}, {}, targets={"label": torch.tensor(label)})
        >>> graphs = GraphBatch.concat([graph(0), graph(1)])
        >>> class OneWord(nn.Linear):  # stands for a model of `mmgraph.models`
        ...     schema = graphs.schema
        ...     def forward(self, batch):
        ...         return super().forward(batch.nodes["text"].x)
        >>> settings = FitSettings(epochs=2, batch_size=2, device="cpu")
        >>> history = fit(OneWord(3, 2), Classification("label", 2), train=graphs, val=graphs, settings=settings)
        >>> [row["epoch"] for row in history.rows]
        [1, 2]
    """
    settings = settings or FitSettings()
    _check(model, task, train, val, blueprint)
    if weights is not None and weights.shape != (train.num_graphs,):
        raise ValueError(f"weights {list(weights.shape)} for {train.num_graphs} training graphs: give one each")
    if resume and out is None:
        raise ValueError("resume=True needs out: the folder of the run to go on with")
    engine = Engine(model, settings, resolve_device(settings.device), augment=augment, weights=weights)
    data = {"train": train, "val": val}
    record = RunRecord.of(model, task, data, settings, engine.device, augment=augment, weights=weights)
    folder = None if out is None else RunFolder(Path(out), record, blueprint)
    done = _resume(engine, folder) if resume and folder else _begin(engine, folder)
    done = _run(engine, task, train, val, done, folder, progress=progress)
    return History(done.rows, done.best_epoch, record)


def _run(
    engine: Engine,
    task: Task,
    train: GraphBatch,
    val: GraphBatch,
    done: Snapshot,
    folder: RunFolder | None,
    *,
    progress: bool,
) -> Snapshot:
    """All epochs from `done` on; leaves the model with its best weights, or with those of the last full epoch."""
    settings, model = engine.settings, engine.model
    steps = len(Loader(train, settings.batch_size))
    with keep_modes(model), _bar(done.epoch * steps, settings.epochs * steps, progress=progress) as bar:
        try:
            while not _finished(done, settings):
                done = _epoch(engine, task, train, val, done, bar.update)
                bar.set_postfix({name: f"{value:.4g}" for name, value in done.rows[-1].items() if name in _SHOWN})
                if folder is not None:
                    folder.save(done)
        except KeyboardInterrupt:
            if folder is not None:
                folder.save(done)  # it may have been the writing that was interrupted
            raise
        finally:
            model.load_state_dict(done.model)
    model.load_state_dict(done.best_model)
    return done


def _check(model: nn.Module, task: Task, train: GraphBatch, val: GraphBatch, blueprint: Blueprint | None) -> None:
    for name, graphs in (("train", train), ("val", val)):
        try:
            check_schema(model, graphs)
            task.check(graphs)
        except ValueError as error:
            error.add_note(f"in {name}, given to fit")
            raise
    if blueprint is not None:
        check_blueprint(blueprint, model)


def _begin(engine: Engine, folder: RunFolder | None) -> Snapshot:
    """The state before the first epoch, written too: a run that is interrupted in its first epoch can be resumed."""
    weights = copy_to_cpu(engine.model.state_dict())
    start = Snapshot((), 0, weights, weights, copy_to_cpu(engine.state()))
    if folder is not None:
        folder.begin(start)
    return start


def _resume(engine: Engine, folder: RunFolder) -> Snapshot:
    done = folder.resume(engine.model)
    engine.model.load_state_dict(done.model)
    engine.load_state(done.engine)
    return done


def _finished(done: Snapshot, settings: FitSettings) -> bool:
    waited = done.epoch - done.best_epoch
    return done.epoch >= settings.epochs or (settings.patience is not None and waited >= settings.patience)


def _epoch(
    engine: Engine, task: Task, train: GraphBatch, val: GraphBatch, before: Snapshot, tick: Callable[[], object]
) -> Snapshot:
    """One epoch of training and validation; `before` is untouched, so that an interrupt in here loses nothing else."""
    started, epoch = perf_counter(), before.epoch + 1
    trained = engine.train_epoch(task, train, epoch, tick)
    metrics = evaluate(engine.model, task, val, batch_size=engine.settings.batch_size)
    _check_metrics(task, metrics, epoch)
    row = {
        "epoch": epoch,
        "train_loss": trained["train_loss"],
        **{f"val_{name}": value for name, value in metrics.items()},
        "learning_rate": trained["learning_rate"],
        "seconds": perf_counter() - started,
    }
    better = not before.rows or _rank(task, row) > _rank(task, before.rows[before.best_epoch - 1])
    weights = copy_to_cpu(engine.model.state_dict())
    return Snapshot(
        (*before.rows, row),
        epoch if better else before.best_epoch,
        weights,
        weights if better else before.best_model,
        copy_to_cpu(engine.state()),
    )


def _rank(task: Task, row: Mapping[str, float]) -> tuple[float, float]:
    """Larger is better: the monitored metric, then the loss."""
    value = row[f"val_{task.monitor}"]
    return value if task.higher_is_better else -value, -row["val_loss"]


def _check_metrics(task: Task, metrics: Mapping[str, float], epoch: int) -> None:
    for name in ("loss", task.monitor):
        if name not in metrics:
            raise ValueError(f"{type(task).__name__}.metrics gives {', '.join(metrics)}; fit needs {name!r} too")
        if not math.isfinite(metrics[name]):
            raise ValueError(f"epoch {epoch}: {name} on val is {metrics[name]}; try a lower learning_rate")


def _bar(initial: int, total: int, *, progress: bool) -> Any:
    from tqdm import tqdm

    return tqdm(initial=initial, total=total, desc="fit", unit="step", disable=not progress)
