"""`RunFolder`: where a run leaves its checkpoints, log and record."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mmgraph.training.blueprint import Blueprint
from mmgraph.training.checkpoint import load_checkpoint, replace_file, save_checkpoint
from mmgraph.training.history import to_csv
from mmgraph.training.model_file import require_same_weights
from mmgraph.training.record import RunRecord
from mmgraph.training.tree import flatten


@dataclass(frozen=True)
class Snapshot:
    """A run after a full epoch, copied to CPU memory: all that the next epoch depends on.

    Attributes:
        rows: a row of measurements per epoch.
        best_epoch: the best epoch on validation; 0 before the first.
        model: the weights.
        best_model: the weights of the best epoch.
        engine: states of optimizer, shuffling and loss scaling.
    """

    rows: tuple[Mapping[str, float], ...]
    best_epoch: int
    model: Mapping[str, Tensor]
    best_model: Mapping[str, Tensor]
    engine: Mapping[str, Any]

    @property
    def epoch(self) -> int:
        """Full epochs so far."""
        return len(self.rows)


@dataclass(frozen=True)
class RunFolder:
    """`last/` and `best/` (checkpoints), `log.csv` (a row per epoch), `record.jsonl` (a record per start).

    `last/` alone decides: it holds everything, is replaced in one step, and the others follow from it.

    Attributes:
        path: the folder.
        record: of this start of the run.
        blueprint: builds the model, for `load_model`.
    """

    path: Path
    record: RunRecord
    blueprint: Blueprint | None = None

    def begin(self, start: Snapshot) -> None:
        """Begins a new run here, with its state before the first epoch.

        Raises:
            ValueError: if the folder holds a run already.
        """
        if (self.path / "last" / "state.json").exists():
            raise ValueError(
                f"{self.path} holds a run already: pass resume=True to go on with it, or take another folder"
            )
        self._note()
        self.save(start)

    def resume(self, model: nn.Module) -> Snapshot:
        """Where the run in this folder was left.

        Args:
            model: what goes on training; it is compared, not changed.

        Raises:
            ValueError: naming the difference, if that run had other settings, data, task or model; or the file that
                is missing or damaged.
        """
        state = load_checkpoint(self.path / "last")
        try:
            record, blueprint = RunRecord(**state["record"]), state["blueprint"]
            snapshot = Snapshot(model=state["model"], **state["run"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"{self.path / 'last'} is not the checkpoint of a run: {error!r}") from error
        try:
            self._compare(record, blueprint)
            require_same_weights(model.state_dict(), snapshot.model)
        except ValueError as error:
            error.add_note(f"the run in {self.path} cannot be resumed: give what it was begun with, or another folder")
            raise
        self._note()
        self._follow(snapshot)
        return snapshot

    def save(self, snapshot: Snapshot) -> None:
        """Writes a full epoch. Interrupted at any point, it leaves this epoch or the one before."""
        state = {name: value for name, value in vars(snapshot).items() if name != "model"}
        save_checkpoint(self._content(snapshot.model) | {"run": state}, self.path / "last")
        self._follow(snapshot)

    def _follow(self, snapshot: Snapshot) -> None:
        """Brings `best/` and the log up to date with `last/`."""
        if snapshot.best_epoch:
            row = dict(snapshot.rows[snapshot.best_epoch - 1])
            best = self._content(snapshot.best_model) | {"epoch": snapshot.best_epoch, "metrics": row}
            if snapshot.best_epoch == snapshot.epoch or not (self.path / "best").exists():
                save_checkpoint(best, self.path / "best")
        replace_file(self.path / "log.csv", to_csv(snapshot.rows).encode())

    def _content(self, model: Mapping[str, Tensor]) -> dict[str, Any]:
        blueprint = None if self.blueprint is None else self.blueprint.to_tree()
        return {"record": asdict(self.record), "blueprint": blueprint, "model": dict(model)}

    def _note(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "record.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(flatten(asdict(self.record))[0], allow_nan=False) + "\n")

    def _compare(self, before: RunRecord, blueprint: Any) -> None:
        old, new = before.settings, self.record.settings
        if old["schedule"] == new["schedule"] == "constant" and old["epochs"] < new["epochs"]:
            before = replace(before, settings={**old, "epochs": new["epochs"]})  # the epochs so far are the same
        difference = self.record.difference(before)
        if difference is None and blueprint != self._content({})["blueprint"]:
            difference = f"blueprint was {blueprint}, is now {self._content({})['blueprint']}"
        if difference is not None:
            raise ValueError(difference)
        changed = self.record.environment_difference(before)
        if changed is not None:
            warnings.warn(
                f"the run in {self.path} goes on, but not bit by bit as it would have without a break: {changed}",
                stacklevel=5,  # the caller of fit
            )
