"""What a run leaves on disk."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from mmgraph.graph import GraphBatch
from mmgraph.tasks import Classification
from mmgraph.training import Blueprint, FitSettings, RunRecord, load_checkpoint, save_checkpoint
from mmgraph.training.folder import RunFolder, Snapshot

MODEL = nn.Linear(2, 2)


@pytest.fixture
def record(data: Callable[..., GraphBatch]) -> RunRecord:
    graphs = data(2)
    settings = FitSettings(epochs=4, schedule="constant")
    return RunRecord.of(MODEL, Classification("label", 2), {"train": graphs}, settings, torch.device("cpu"))


def snapshot(epoch: int, best: int) -> Snapshot:
    """The weights say which epoch they are of."""
    rows = tuple({"epoch": number, "val_loss": 1 / number} for number in range(1, epoch + 1))
    weights = [{"weight": torch.full((2, 2), float(number)), "bias": torch.zeros(2)} for number in (epoch, best)]
    return Snapshot(rows, best, *weights, engine={"optimizer": {"state": {0: torch.ones(1)}}})


def test_a_run_can_go_on_from_what_was_saved(tmp_path: Path, record: RunRecord) -> None:
    folder = RunFolder(tmp_path, record)
    folder.begin(snapshot(0, 0))
    folder.save(snapshot(3, 2))
    found = folder.resume(MODEL)
    assert (found.epoch, found.best_epoch, found.rows) == (3, 2, snapshot(3, 2).rows)
    assert float(found.model["weight"][0, 0]) == 3
    assert float(found.best_model["weight"][0, 0]) == 2
    assert torch.equal(found.engine["optimizer"]["state"][0], torch.ones(1))


def test_best_changes_only_with_a_new_best(tmp_path: Path, record: RunRecord) -> None:
    folder = RunFolder(tmp_path, record)
    for state in (snapshot(1, 1), snapshot(2, 1), snapshot(3, 3), snapshot(4, 3)):
        folder.save(state)
        best = load_checkpoint(tmp_path / "best")
        assert best["epoch"] == best["metrics"]["epoch"] == state.best_epoch == int(best["model"]["weight"][0, 0])


def test_what_follows_from_last_is_mended_on_resume(tmp_path: Path, record: RunRecord) -> None:
    folder = RunFolder(tmp_path, record)
    folder.save(snapshot(1, 1))
    best = sorted((tmp_path / "best").iterdir())
    kept = {path.name: path.read_bytes() for path in best}
    folder.save(snapshot(2, 2))
    for path in (tmp_path / "best").iterdir():  # as if the process had died after last/ was written
        path.unlink()
    for name, content in kept.items():
        (tmp_path / "best" / name).write_bytes(content)
    (tmp_path / "log.csv").unlink()
    folder.resume(MODEL)
    assert load_checkpoint(tmp_path / "best")["epoch"] == 2
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


def test_every_start_leaves_a_record(tmp_path: Path, record: RunRecord) -> None:
    RunFolder(tmp_path, record).begin(snapshot(0, 0))
    RunFolder(tmp_path, replace(record, started="later")).resume(MODEL)
    lines = [json.loads(line) for line in (tmp_path / "record.jsonl").read_text().splitlines()]
    assert [line["started"] for line in lines] == [record.started, "later"]


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path: Path, record: RunRecord) -> None:
    RunFolder(tmp_path, record).begin(snapshot(0, 0))
    with pytest.raises(ValueError, match="holds a run already: pass resume=True"):
        RunFolder(tmp_path, record).begin(snapshot(0, 0))


def test_a_folder_without_a_run_cannot_be_resumed(tmp_path: Path, record: RunRecord) -> None:
    with pytest.raises(ValueError, match="last is no checkpoint"):
        RunFolder(tmp_path, record).resume(MODEL)


def test_another_kind_of_checkpoint_cannot_be_resumed(tmp_path: Path, record: RunRecord) -> None:
    save_checkpoint({"model": {}}, tmp_path / "last")
    with pytest.raises(ValueError, match="last is not the checkpoint of a run: KeyError"):
        RunFolder(tmp_path, record).resume(MODEL)


def test_a_run_with_other_settings_is_named(tmp_path: Path, record: RunRecord) -> None:
    RunFolder(tmp_path, record).begin(snapshot(0, 0))
    other = replace(record, settings={**record.settings, "seed": 5})
    with pytest.raises(ValueError, match=r"settings.seed was 0, is now 5") as caught:
        RunFolder(tmp_path, other).resume(MODEL)
    assert "cannot be resumed" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("schedule", "epochs", "allowed"), [("constant", 9, True), ("constant", 2, False), ("cosine", 9, False)]
)
def test_more_epochs_are_allowed_where_they_change_nothing_so_far(
    tmp_path: Path, record: RunRecord, schedule: str, epochs: int, allowed: bool
) -> None:
    record = replace(record, settings={**record.settings, "schedule": schedule})
    RunFolder(tmp_path, record).begin(snapshot(0, 0))
    longer = RunFolder(tmp_path, replace(record, settings={**record.settings, "epochs": epochs}))
    if allowed:
        assert longer.resume(MODEL).epoch == 0
    else:
        with pytest.raises(ValueError, match=f"settings.epochs was 4, is now {epochs}"):
            longer.resume(MODEL)


def test_other_weights_are_named(tmp_path: Path, record: RunRecord) -> None:
    RunFolder(tmp_path, record).begin(snapshot(0, 0))
    with pytest.raises(ValueError, match=r"weight 'weight' is float32 \[2, 2\], the model has float32 \[2, 3\]"):
        RunFolder(tmp_path, record).resume(nn.Linear(3, 2))


def test_another_blueprint_is_named(tmp_path: Path, record: RunRecord) -> None:
    RunFolder(tmp_path, record).begin(snapshot(0, 0))
    with pytest.raises(ValueError, match=r"blueprint was None, is now .*torch.nn:Linear"):
        RunFolder(tmp_path, record, Blueprint("torch.nn:Linear")).resume(MODEL)


def test_another_environment_is_a_warning(tmp_path: Path, record: RunRecord) -> None:
    RunFolder(tmp_path, record).begin(snapshot(0, 0))
    other = replace(record, environment={**record.environment, "threads": 64})
    with pytest.warns(UserWarning, match="not bit by bit .*: environment.threads was 1, is now 64"):
        RunFolder(tmp_path, other).resume(MODEL)
