"""What a run measured."""

import csv
import io

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mmgraph.graph import GraphBatch
from mmgraph.training import FitSettings, History, RunRecord
from mmgraph.training.history import to_csv

ROWS = ({"epoch": 1, "val_loss": 0.5, "seconds": 1.0}, {"epoch": 2, "val_loss": 0.25, "seconds": 2.0})


def test_the_best_row_is_that_of_the_best_epoch_and_seconds_add_up() -> None:
    graph = GraphBatch.single({"text": torch.ones(1, 1)}, {})
    record = RunRecord.of(nn.Identity(), "task", {"train": graph}, FitSettings(), torch.device("cpu"))
    history = History(ROWS, 2, record)
    assert history.best["val_loss"] == 0.25
    assert history.seconds == 3


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=5))
def test_the_csv_keeps_every_digit(values: list[float]) -> None:
    rows = [{"epoch": epoch, "val_loss": value} for epoch, value in enumerate(values, 1)]
    back = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert [(int(row["epoch"]), float(row["val_loss"])) for row in back] == [tuple(row.values()) for row in rows]


def test_no_epoch_is_an_empty_file() -> None:
    assert to_csv([]) == ""
