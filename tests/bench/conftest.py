"""The tiny suite, and results made by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmgraph.bench import Measured, RunResult, Suite, load_suite

TINY = Path(__file__).with_name("tiny_suite.py")


@pytest.fixture
def suite() -> Suite:
    return load_suite(TINY)


@pytest.fixture
def make_result() -> Callable[..., RunResult]:
    """A finished run, with made-up values where none are given."""

    def make(model: str = "wide", seed: int = 0, test: float = 0.5, val: float = 0.5, **changes: Any) -> RunResult:
        measured: dict[str, Any] = {
            "metric": "accuracy",
            "parameters": 1234,
            "epochs": 4,
            "best_epoch": 3,
            "seconds": 2.0,
            "val": {"accuracy": val},
            "test": {"accuracy": test},
            "predictions": [0, 1],
            "resampled": [test, test],
        }
        return RunResult(
            key={
                "suite": "tiny",
                "model": model,
                "seed": seed,
                "settings": {"epochs": 4, "seed": seed},
                "data": {"train": {"graphs": 1200, "digest": "abc"}, "test": {"graphs": 12, "digest": "def"}},
            },
            command="mmgraph bench tiny.py",
            record={"environment": {"python": "3.11", "threads": 1}},
            measured=Measured(**(measured | changes)),
        )

    return make
