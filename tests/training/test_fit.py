"""Training as a whole: selection, stopping, what is left in the model and on disk."""

import csv
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmgraph.graph import GraphBatch
from mmgraph.tasks import Classification
from mmgraph.training import Blueprint, FitSettings, evaluate, fit, load_checkpoint, load_model

TASK = Classification("label", 2)
Data = Callable[..., GraphBatch]
Model = Callable[..., nn.Module]
Settings = Callable[..., FitSettings]


class Script:
    """A task whose validation metrics are written down beforehand, one `(accuracy, loss)` per epoch."""

    target, out_channels, monitor, higher_is_better = "label", 2, "accuracy", True

    def __init__(self, *epochs: tuple[float, float]) -> None:
        self.epochs = list(epochs)

    def __repr__(self) -> str:
        return "Script()"

    def __getattr__(self, name: str) -> Any:  # check, known, loss, predict
        return getattr(TASK, name)

    def metrics(self, outputs: Tensor, batch: GraphBatch) -> dict[str, float]:
        accuracy, loss = self.epochs.pop(0)
        return {"accuracy": accuracy, "loss": loss}


def test_a_model_learns_and_keeps_its_best_epoch(data: Data, model: Model, settings: Settings) -> None:
    net, train, val = model(dropout=0.1), data(20), data(10, seed=1)
    history = fit(net, TASK, train, val, settings(epochs=8, batch_size=10, learning_rate=0.2))
    assert history.best["val_accuracy"] >= 0.9
    assert history.best["val_accuracy"] == max(row["val_accuracy"] for row in history.rows)
    assert evaluate(net, TASK, val, batch_size=10)["loss"] == history.best["val_loss"]
    assert net.training


def test_the_best_epoch_has_the_best_metric_then_the_lowest_loss_then_comes_first(
    data: Data, model: Model, settings: Settings
) -> None:
    task = Script((0.5, 1.0), (0.8, 0.9), (0.8, 0.4), (0.8, 0.4), (0.7, 0.1))
    assert fit(model(), task, data(4), data(2), settings(epochs=5)).best_epoch == 3


def test_a_metric_may_be_better_when_lower(data: Data, model: Model, settings: Settings) -> None:
    task = Script((0.9, 3.0), (0.1, 1.0), (0.5, 2.0))
    task.monitor, task.higher_is_better = "loss", False
    assert fit(model(), task, data(4), data(2), settings()).best_epoch == 2


def test_the_weights_at_the_end_are_those_of_the_best_epoch(data: Data, model: Model, settings: Settings) -> None:
    net, seen, task = model(), [], Script((0.5, 1.0), (0.9, 1.0), (0.1, 1.0))
    net.register_forward_hook(lambda module, *_: None if module.training else seen.append(module.linear.weight.clone()))
    fit(net, task, data(4), data(2), settings())
    assert torch.equal(net.linear.weight, seen[1])
    assert not torch.equal(net.linear.weight, seen[2])


def test_it_stops_when_patience_ends(data: Data, model: Model, settings: Settings) -> None:
    metrics = [(0.5, 1.0), (0.9, 1.0), (0.9, 1.0), (0.8, 0.5), (0.99, 0.1)]
    history = fit(model(), Script(*metrics), data(4), data(2), settings(epochs=5, patience=2))
    assert (len(history.rows), history.best_epoch) == (4, 2)
    assert len(fit(model(), Script(*metrics), data(4), data(2), settings(epochs=5, patience=None)).rows) == 5


def test_the_seed_decides_the_run(data: Data, model: Model, settings: Settings) -> None:
    runs = [fit(model(), TASK, data(8), data(4), settings(seed=seed)).rows for seed in (0, 0, 1)]
    losses = [[(row["train_loss"], row["val_loss"]) for row in rows] for rows in runs]
    assert losses[0] == losses[1] != losses[2]


def test_validation_graphs_teach_nothing(data: Data, model: Model, settings: Settings) -> None:
    nets = [model(), model()]
    for net, val in zip(nets, (data(4), data(6, seed=3)), strict=True):
        fit(net, Script((0.1, 1.0), (0.2, 1.0), (0.3, 1.0)), data(8), val, settings())
    assert torch.equal(nets[0].linear.weight, nets[1].linear.weight)


def test_test_data_has_no_way_in() -> None:
    assert list(inspect.signature(fit).parameters)[:5] == ["model", "task", "train", "val", "settings"]
    assert not [name for name in inspect.signature(fit).parameters if "test" in name]


def test_masked_validation_graphs_do_not_select(
    data: Data, model: Model, settings: Settings, masked: Callable[..., GraphBatch]
) -> None:
    val = data(6)
    sets = (masked(val, [0, 5]), val[1:5])
    rows = [fit(model(), TASK, data(8), graphs, settings(batch_size=8)).rows for graphs in sets]
    assert [row["val_accuracy"] for row in rows[0]] == [row["val_accuracy"] for row in rows[1]]


def test_training_leaves_global_random_state_and_modes(data: Data, model: Model, settings: Settings) -> None:
    net = model()
    net.dropout.eval()
    before = torch.get_rng_state()
    fit(net, TASK, data(4), data(2), settings())
    assert torch.equal(before, torch.get_rng_state())
    assert (net.training, net.dropout.training) == (True, False)


def test_bfloat16_runs_and_learns(data: Data, model: Model, settings: Settings) -> None:
    net = model(dropout=0.0)
    history = fit(
        net,
        TASK,
        data(20),
        data(10, seed=1),
        settings(precision="bf16-mixed", epochs=8, batch_size=10, learning_rate=0.2),
    )
    assert history.best["val_accuracy"] >= 0.9
    assert evaluate(net, TASK, data(10, seed=1), batch_size=10)["loss"] == history.best["val_loss"]  # in float32


def test_the_log_has_a_row_per_epoch_with_every_digit(
    tmp_path: Path, data: Data, model: Model, settings: Settings
) -> None:
    history = fit(model(), TASK, data(6), data(4), settings(), out=tmp_path)
    with (tmp_path / "log.csv").open() as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    assert rows == [dict(row) for row in history.rows]
    names = ["epoch", "train_loss", "val_loss", "val_accuracy", "val_balanced_accuracy", "val_macro_f1"]
    assert list(rows[0]) == [*names, "learning_rate", "seconds"]


def test_last_and_best_hold_the_weights_of_last_and_best_epoch(
    tmp_path: Path, data: Data, model: Model, settings: Settings
) -> None:
    net = model()
    fit(net, Script((0.5, 1.0), (0.9, 1.0), (0.1, 1.0)), data(4), data(2), settings(), out=tmp_path)
    assert load_checkpoint(tmp_path / "best")["epoch"] == 2
    assert torch.equal(load_checkpoint(tmp_path / "best")["model"]["linear.weight"], net.linear.weight)
    last = load_checkpoint(tmp_path / "last")
    assert len(last["run"]["rows"]) == 3
    assert torch.equal(last["run"]["best_model"]["linear.weight"], net.linear.weight)
    assert not torch.equal(last["model"]["linear.weight"], net.linear.weight)


def test_with_a_blueprint_the_best_model_is_loaded_from_the_folder(
    tmp_path: Path, data: Data, settings: Settings, tiny_models: Any
) -> None:
    train, val = data(8), data(4, seed=1)
    blueprint = Blueprint.of(tiny_models.MeanModel, schema=train.schema)
    net = blueprint.build(allow=["tiny_models"])
    fit(net, TASK, train, val, settings(), out=tmp_path, blueprint=blueprint)
    assert evaluate(load_model(tmp_path / "best", allow=["tiny_models"]), TASK, val) == evaluate(net, TASK, val)


def test_data_that_does_not_fit_is_named(data: Data, model: Model, settings: Settings) -> None:
    other = GraphBatch.single({"text": torch.ones(1, 3)}, {}, targets={"label": torch.tensor(0)})
    for train, val, name in ((other, data(2), "train"), (data(2), other, "val")):
        with pytest.raises(ValueError, match="schema mismatch") as caught:
            fit(model(), TASK, train, val, settings())
        assert caught.value.__notes__ == [f"in {name}, given to fit"]
    with pytest.raises(ValueError, match="empty data set"):
        fit(model(), TASK, data(2), data(2)[:0], settings())


def test_a_blueprint_of_another_model_is_refused_before_training(
    data: Data, model: Model, settings: Settings, tiny_models: Any
) -> None:
    graphs = data(2)
    blueprint = Blueprint.of(tiny_models.MeanModel, schema=graphs.schema, out_channels=5)
    with pytest.raises(ValueError, match=r"weight 'linear.weight' is float32 \[2, 5\], the model has float32 \[5, 5\]"):
        fit(model(), TASK, graphs, graphs, settings(), blueprint=blueprint)


def test_a_model_with_other_outputs_is_named(data: Data, model: Model, settings: Settings) -> None:
    with pytest.raises(ValueError, match="build the model with out_channels=2"):
        fit(model(out_channels=3), TASK, data(4), data(2), settings())


def test_metrics_without_the_monitored_one_are_named(data: Data, model: Model, settings: Settings) -> None:
    task = Script((0.5, 1.0))
    task.monitor = "auc"
    with pytest.raises(ValueError, match=r"Script.metrics gives accuracy, loss; fit needs 'auc' too"):
        fit(model(), task, data(4), data(2), settings())


def test_a_validation_loss_that_is_not_finite_is_named(data: Data, model: Model, settings: Settings) -> None:
    with pytest.raises(ValueError, match="epoch 2: loss on val is inf"):
        fit(model(), Script((0.5, 1.0), (0.5, float("inf"))), data(4), data(2), settings())


def test_the_bar_is_shown_only_if_asked_for(
    data: Data, model: Model, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(model(), TASK, data(4), data(2), settings())
    assert capsys.readouterr() == ("", "")
    fit(model(), TASK, data(4), data(2), settings(), progress=True)
    assert "3/3" in capsys.readouterr().err


def test_training_starts_no_process(
    data: Data, model: Model, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        pytest.fail("a process was started")

    monkeypatch.setattr("os.fork", fail)
    monkeypatch.setattr("subprocess.Popen.__init__", fail)
    fit(model(), TASK, data(4), data(2), settings())


def test_importing_the_room_imports_no_fabric() -> None:
    code = "import sys, mmgraph.training; sys.exit('lightning_fabric' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
