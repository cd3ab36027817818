"""What `mmgraph bench` says while it runs."""

from pathlib import Path
from typing import Any

import pytest
import typer

from mmgraph.bench import Measured, RunResult
from mmgraph.cli import bench

TINY = Path(__file__).resolve().parents[1] / "bench" / "tiny_suite.py"
MEASURED = Measured(
    metric="accuracy",
    parameters=10,
    epochs=3,
    best_epoch=2,
    seconds=12.4,
    val={"accuracy": 0.5},
    test={"accuracy": 0.25},
    predictions=[0],
    resampled=[0.25],
)
FINISHED = RunResult(key={"suite": "tiny", "model": "wide", "seed": 2}, command="", measured=MEASURED)


def test_a_run_is_one_line() -> None:
    line = "wide, seed 2: val accuracy 0.5000, test 0.2500, "
    assert bench.describe_run(FINISHED, ran=True) == f"{line}12 s"
    assert bench.describe_run(FINISHED, ran=False) == f"{line}kept from an earlier start"


def test_an_interruption_says_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "run_suite", interrupted)
    with pytest.raises(typer.Exit) as caught:
        bench.run_bench(TINY, out=tmp_path, num_seeds=None, jobs=1)
    assert caught.value.exit_code == 130
    assert capsys.readouterr().err == f"stopped; finished runs are kept in {tmp_path}: the same command goes on\n"


def test_the_command_in_the_records_has_no_folder_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(bench, "run_suite", lambda *_, **named: given.update(named) or [])
    monkeypatch.setattr("sys.argv", ["/somewhere/bin/mmgraph", "bench", "a b.py", "--out", "out"])
    assert bench.run_bench(TINY, out=tmp_path, num_seeds=2, jobs=3) == 0
    assert given["command"] == "mmgraph bench 'a b.py' --out out"
    assert (given["seeds"], given["jobs"]) == ((0, 1), 3)
