"""Interrupted at any point, a run leaves its last full epoch, and goes on from there bit by bit."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmgraph.graph import GraphBatch
from mmgraph.tasks import Classification
from mmgraph.training import FitSettings, History, evaluate, fit, load_checkpoint

TASK = Classification("label", 2)
Data = Callable[..., GraphBatch]
Model = Callable[..., nn.Module]
Settings = Callable[..., FitSettings]


class Stopped(KeyboardInterrupt):
    """Ctrl-C."""


def interrupt(net: nn.Module, at: int) -> nn.Module:
    """Raises in the model's forward pass number `at`, from 1."""
    calls = []

    def hook(*_: object) -> None:
        calls.append(1)
        if len(calls) == at:
            raise Stopped

    net.register_forward_hook(hook)
    return net


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def without_seconds(history: History) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history.rows]


RESUMED = [
    {},
    {"schedule": "constant", "clip_norm": None},
    {"warmup_epochs": 2, "precision": "bf16-mixed"},
    {"patience": 2, "learning_rate": 2.0},
]


@pytest.mark.unchecked
@pytest.mark.parametrize("changes", RESUMED)
@pytest.mark.parametrize("at", [1, 9, 12])  # epoch 1, validation of epoch 2, epoch 3: 3 + 2 batches an epoch
def test_a_resumed_run_is_bit_by_bit_the_run_without_a_break(
    tmp_path: Path, data: Data, model: Model, settings: Settings, changes: dict[str, Any], at: int
) -> None:
    train, val, how = data(11), data(5, seed=1), settings(epochs=4, **changes)
    straight, broken = model(), interrupt(model(), at)
    expected = fit(straight, TASK, train, val, how, out=tmp_path / "straight")
    with pytest.raises(Stopped):
        fit(broken, TASK, train, val, how, out=tmp_path / "broken")
    resumed = model(seed=9)  # its weights come from the folder
    torch.manual_seed(9)
    history = fit(resumed, TASK, train, val, how, out=tmp_path / "broken", resume=True)
    assert without_seconds(history) == without_seconds(expected)
    assert history.best_epoch == expected.best_epoch
    assert same(resumed.state_dict(), straight.state_dict())
    ends = [load_checkpoint(tmp_path / name / "last") for name in ("straight", "broken")]
    assert same(ends[0]["model"], ends[1]["model"])
    for i, state in ends[0]["run"]["engine"]["optimizer"]["state"].items():
        assert same(state, ends[1]["run"]["engine"]["optimizer"]["state"][i])
    assert torch.equal(ends[0]["run"]["engine"]["shuffle"], ends[1]["run"]["engine"]["shuffle"])


@pytest.mark.unchecked
def test_two_epochs_and_two_more_are_four(tmp_path: Path, data: Data, model: Model, settings: Settings) -> None:
    train, val = data(11), data(5, seed=1)
    four, two = settings(epochs=4, schedule="constant"), settings(epochs=2, schedule="constant")
    straight, parts = model(), model()
    expected = fit(straight, TASK, train, val, four)
    fit(parts, TASK, train, val, two, out=tmp_path)
    assert without_seconds(fit(parts, TASK, train, val, four, out=tmp_path, resume=True)) == without_seconds(expected)
    assert same(parts.state_dict(), straight.state_dict())


def test_resuming_a_finished_run_gives_its_result(tmp_path: Path, data: Data, model: Model, settings: Settings) -> None:
    net, again = model(), model(seed=5)
    first = fit(net, TASK, data(6), data(4), settings(), out=tmp_path)
    second = fit(again, TASK, data(6), data(4), settings(), out=tmp_path, resume=True)
    assert (second.rows, second.best_epoch) == (first.rows, first.best_epoch)
    assert same(again.state_dict(), net.state_dict())


@pytest.mark.parametrize("out", [True, False])
def test_ctrl_c_leaves_the_last_full_epoch(
    tmp_path: Path, data: Data, model: Model, settings: Settings, out: bool
) -> None:
    """Forward pass 7 is the second of the second epoch: 3 training and 2 validation batches an epoch."""
    train, val = data(11), data(5, seed=1)
    one = model()
    one_epoch = settings(epochs=1, schedule="constant")
    fit(one, TASK, train, val, one_epoch)
    net = interrupt(model(), 7)
    with pytest.raises(Stopped):
        fit(net, TASK, train, val, settings(schedule="constant"), out=tmp_path if out else None)
    assert same(net.state_dict(), one.state_dict())
    assert net.training
    if out:
        last = load_checkpoint(tmp_path / "last")
        assert len(last["run"]["rows"]) == 1
        assert same(last["model"], one.state_dict())
        assert len((tmp_path / "log.csv").read_text().splitlines()) == 2


def test_a_loss_that_is_not_finite_loses_nothing(tmp_path: Path, data: Data, model: Model, settings: Settings) -> None:
    train, val = data(11), data(5, seed=1)
    net, calls = model(), []

    def spoil(_: nn.Module, __: object, output: Tensor) -> Tensor:
        calls.append(1)
        return output * float("nan") if len(calls) == 8 else output

    net.register_forward_hook(spoil)
    with pytest.raises(ValueError, match="epoch 2, step 3 of 3: the loss is nan"):
        fit(net, TASK, train, val, settings(), out=tmp_path)
    assert same(load_checkpoint(tmp_path / "last")["model"], net.state_dict())
    assert fit(model(), TASK, train, val, settings(), out=tmp_path, resume=True).rows[-1]["epoch"] == 3


@contextmanager
def interrupted(at: int) -> Iterator[list[int]]:
    """Raises KeyboardInterrupt at the given line of fit.py, folder.py or checkpoint.py, counted as they run."""
    count, before = [0], sys.gettrace()
    files = ("training/fit.py", "training/folder.py", "training/checkpoint.py", "training/history.py")

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.endswith(files):
            return None
        if event == "line":
            count[0] += 1
            if count[0] == at:
                raise Stopped
        return trace

    sys.settrace(trace)
    try:
        yield count
    finally:
        sys.settrace(before)


@pytest.mark.unchecked
def test_an_interrupt_at_any_line_of_fit_and_its_files_leaves_a_full_epoch_to_resume(
    tmp_path: Path, data: Data, model: Model, settings: Settings
) -> None:
    train, val, how = data(4), data(2, seed=1), settings(epochs=2)
    expected = model()
    with interrupted(0) as count:
        history = fit(expected, TASK, train, val, how, out=tmp_path / "expected")
    for at in range(1, count[0], 11):
        out, net = tmp_path / str(at), model()
        with pytest.raises(Stopped), interrupted(at):
            fit(net, TASK, train, val, how, out=out)
        begun = (out / "last" / "state.json").exists()
        if begun:
            last, log = load_checkpoint(out / "last"), out / "log.csv"
            rows = last["run"]["rows"]
            weights = [state["model"] for state in (last, load_checkpoint(tmp_path / "expected" / "best"))]
            assert any(same(net.state_dict(), weight) for weight in weights)
            assert not log.exists() or len(log.read_text().splitlines()) in (0, len(rows) + 1)
        resumed = fit(net, TASK, train, val, how, out=out, resume=begun)
        assert without_seconds(resumed) == without_seconds(history)
        assert same(net.state_dict(), expected.state_dict())


def test_another_run_is_not_resumed(tmp_path: Path, data: Data, model: Model, settings: Settings) -> None:
    train, val = data(6), data(4, seed=1)
    fit(model(), TASK, train, val, settings(), out=tmp_path)

    def resume(net: nn.Module, task: Any, train: GraphBatch, val: GraphBatch, how: FitSettings) -> None:
        fit(net, task, train, val, how, out=tmp_path, resume=True)

    with pytest.raises(ValueError, match=r"settings.batch_size was 4, is now 2"):
        resume(model(), TASK, train, val, settings(batch_size=2))
    with pytest.raises(ValueError, match=r"data.train was"):
        resume(model(), TASK, train[1:], val, settings())
    with pytest.raises(ValueError, match=r"data.val was"):
        resume(model(), TASK, train, train, settings())
    with pytest.raises(ValueError, match=r"task was .*label_smoothing=0.0"):
        resume(model(), Classification("label", 2, label_smoothing=0.1), train, val, settings())
    with pytest.raises(ValueError, match=r"model.dropout was .*p=0.5.* is now .*p=0.1"):
        resume(model(dropout=0.1), TASK, train, val, settings())
    net = model()
    net.scope = "relation"  # stands for what a module keeps as a plain attribute and does not print
    with pytest.raises(ValueError, match=r"options\.\.scope was None, is now .relation"):
        resume(net, TASK, train, val, settings())
    with pytest.raises(ValueError, match="holds a run already"):
        fit(model(), TASK, train, val, settings(), out=tmp_path)


def test_resuming_needs_a_folder(data: Data, model: Model, settings: Settings) -> None:
    with pytest.raises(ValueError, match="resume=True needs out"):
        fit(model(), TASK, data(2), data(2), settings(), resume=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_it_trains_and_resumes_on_cuda(
    tmp_path: Path, data: Data, model: Model, settings: Settings, precision: str
) -> None:
    train, val, how = data(20), data(10, seed=1), settings(epochs=6, precision=precision, device="cuda")
    net = interrupt(model(dropout=0.1), 12)
    with pytest.raises(Stopped):
        fit(net, TASK, train, val, how, out=tmp_path)
    net = model(dropout=0.1)
    history = fit(net, TASK, train, val, how, out=tmp_path, resume=True)
    assert next(net.parameters()).device.type == "cuda"
    assert history.best["val_accuracy"] >= 0.9
    assert evaluate(net, TASK, val, batch_size=4)["accuracy"] == history.best["val_accuracy"]
