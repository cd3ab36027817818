"""Files of runs: whole or not there."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mmgraph.bench import RunResult, read_result
from mmgraph.bench.result import result_path, write_result

Make = Callable[..., RunResult]


def test_a_result_reads_back_equal(tmp_path: Path, make_result: Make) -> None:
    result = make_result(resampled=[0.1, 1 / 3], predictions=[[0.5], [1.5]])
    write_result(tmp_path / "runs" / "wide-0.json", result)
    assert read_result(tmp_path / "runs" / "wide-0.json") == result


def test_a_failed_result_keeps_its_traceback(tmp_path: Path) -> None:
    failed = RunResult(key={"suite": "tiny", "model": "wide", "seed": 3}, command="mmgraph", error="line\n  'line' | ü")
    write_result(tmp_path / "wide-3.json", failed)
    assert read_result(tmp_path / "wide-3.json") == failed
    assert json.loads((tmp_path / "wide-3.json").read_text())["status"] == failed.status == "failed"


def test_a_file_that_is_not_there_is_no_result(tmp_path: Path) -> None:
    assert read_result(result_path(tmp_path, "wide", 0)) is None


@pytest.mark.parametrize("break_at", ["write_bytes", "replace"])
def test_an_interrupted_writing_leaves_the_file_as_it_was(
    tmp_path: Path, make_result: Make, monkeypatch: pytest.MonkeyPatch, break_at: str
) -> None:
    path = tmp_path / "wide-0.json"
    write_result(path, make_result(test=0.25))
    whole = path.read_bytes()

    def write_half(self: Path, data: bytes) -> None:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise KeyboardInterrupt

    def refuse(*_: object) -> None:
        raise KeyboardInterrupt

    if break_at == "write_bytes":
        monkeypatch.setattr(Path, "write_bytes", write_half)
    else:
        monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(KeyboardInterrupt):
        write_result(path, make_result(test=0.75))
    assert path.read_bytes() == whole
    assert [file.name for file in tmp_path.glob("*.json")] == ["wide-0.json"]


def test_a_value_that_is_not_a_number_is_refused(tmp_path: Path, make_result: Make) -> None:
    with pytest.raises(ValueError, match="model 'wide', seed 0, is NaN or infinite"):
        write_result(tmp_path / "wide-0.json", make_result(test=float("nan")))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ['{"format": 1, "stat', "[]", "{}", '{"format": 99, "measured": null}', "\x80"])
def test_a_file_of_another_kind_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "wide-0.json").write_text(text, "latin-1")
    with pytest.raises(ValueError, match=r"wide-0\.json is not the result of a run .*: remove it"):
        read_result(tmp_path / "wide-0.json")


def test_a_result_is_one_line_for_each_part(tmp_path: Path, make_result: Make) -> None:
    write_result(tmp_path / "wide-0.json", make_result())
    lines = (tmp_path / "wide-0.json").read_text().splitlines()
    assert [line.partition(":")[0] for line in lines[1:-1]] == [
        '"format"', '"status"', '"key"', '"command"', '"measured"', '"error"', '"record"',
    ]  # fmt: skip
