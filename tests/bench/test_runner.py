"""Suites as they run: recorded, resumed, in this process and in workers."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from mmgraph.bench import Candidate, RunResult, Splits, Suite, load_suite, read_result, run_suite
from mmgraph.bench.result import result_path, write_result
from mmgraph.bench.runner import _killed, _Source, _Work
from mmgraph.graph import GraphBatch
from mmgraph.tasks import Task
from mmgraph.training import FitSettings, fit

TINY = Path(__file__).with_name("tiny_suite.py")
IN_WORKERS = """
import os
from dataclasses import replace
from pathlib import Path
from mmgraph.bench import Candidate, load_suite

tiny = load_suite(Path({tiny!r}))

def killed(train, task):
    os._exit(1)

def wrong(train, task):
    raise RuntimeError("no such layer")

models = {{"wide": tiny.models["wide"], "wrong": Candidate(wrong), "killed": Candidate(killed)}}
suite = replace(tiny, models=models, baseline="")
"""


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / "runs").iterdir())}


def with_model(suite: Suite, name: str, build: Callable[[GraphBatch, Task], nn.Module], **changes: Any) -> Suite:
    """The suite with one more model, before the others."""
    settings = replace(suite.models["wide"].settings, **changes)
    return replace(suite, models={name: Candidate(build, settings), **suite.models}, baseline="")


def fails(train: GraphBatch, task: Task) -> nn.Module:
    raise RuntimeError("no such layer")


def test_every_model_runs_with_every_seed_and_leaves_a_file(suite: Suite, tmp_path: Path) -> None:
    results = run_suite(suite, tmp_path, command="mmgraph bench tiny.py")
    assert [(result.model, result.seed) for result in results] == [
        ("wide", 0),
        ("narrow", 0),
        ("wide", 1),
        ("narrow", 1),
    ]
    assert list(files(tmp_path)) == ["narrow-0.json", "narrow-1.json", "wide-0.json", "wide-1.json"]
    content = json.loads(files(tmp_path)["wide-1.json"])
    assert (content["status"], content["key"]["seed"], content["record"]["settings"]["seed"]) == ("finished", 1, 1)
    assert content["command"] == content["record"]["command"] == "mmgraph bench tiny.py"
    assert set(content["measured"]["test"]) == {"loss", "accuracy", "balanced_accuracy", "macro_f1"}
    assert "4 of 4 runs are through: 4 finished, 0 failed" in (tmp_path / "report.md").read_text()


def test_a_run_can_be_repeated_from_its_seed(suite: Suite, tmp_path: Path) -> None:
    torch.manual_seed(1)
    first = run_suite(suite, tmp_path / "first", seeds=[1])
    torch.manual_seed(2)
    again = run_suite(suite, tmp_path / "again", seeds=[1])
    for one, other in zip(first, again, strict=True):
        assert one.measured and other.measured
        assert replace(one.measured, seconds=0) == replace(other.measured, seconds=0)


def test_finished_runs_are_not_run_again(suite: Suite, tmp_path: Path) -> None:
    trained: list[int] = []

    def counting(*given: Any) -> Any:
        trained.append(1)
        return fit(*given)

    suite, told = replace(suite, train=counting), []
    first = run_suite(suite, tmp_path)
    before = files(tmp_path)
    assert len(trained) == 4
    again = run_suite(suite, tmp_path, listen=lambda result, ran: told.append(ran))
    assert len(trained) == 4 and told == [False] * 4
    assert again == first and files(tmp_path) == before
    run_suite(suite, tmp_path, seeds=[0, 1, 2])
    assert len(trained) == 6


@pytest.mark.parametrize("change", ["settings", "architecture", "data", "task", "resamples"])
def test_a_run_is_run_again_when_what_decides_it_has_changed(suite: Suite, tmp_path: Path, change: str) -> None:
    splits, wide, narrow = suite.data(), suite.models["wide"], suite.models["narrow"]
    suite = replace(suite, models={"wide": wide}, seeds=(0,))
    run_suite(suite, tmp_path)
    other = {
        "settings": replace(suite, models={"wide": replace(wide, settings=replace(wide.settings, epochs=3))}),
        "architecture": replace(suite, models={"wide": replace(wide, build=narrow.build)}),
        "data": replace(suite, data=lambda: replace(splits, train=splits.train[1:])),
        "resamples": replace(suite, resamples=5),
        "task": replace(suite, data=lambda: replace(splits, task=replace(splits.task, label_smoothing=0.1))),
    }
    told: list[bool] = []
    for _ in range(2):
        run_suite(other[change], tmp_path, listen=lambda result, ran: told.append(ran))
    assert told == [True, False]


def test_a_failing_run_is_recorded_and_the_rest_goes_on(suite: Suite, tmp_path: Path) -> None:
    results = run_suite(with_model(suite, "wrong", fails), tmp_path, seeds=[0])
    assert [(result.model, result.status) for result in results] == [
        ("wrong", "failed"),
        ("wide", "finished"),
        ("narrow", "finished"),
    ]
    content = json.loads(files(tmp_path)["wrong-0.json"])
    assert content["status"] == "failed" and content["measured"] is None
    assert content["error"].startswith("Traceback") and content["error"].endswith("RuntimeError: no such layer\n")
    assert "| wrong | 0 | `RuntimeError: no such layer` |" in (tmp_path / "report.md").read_text()


def test_a_run_that_fails_in_training_is_recorded_with_its_settings(suite: Suite, tmp_path: Path) -> None:
    broken = with_model(suite, "broken", suite.models["wide"].build, learning_rate=1e30, clip_norm=None, epochs=20)
    result = run_suite(broken, tmp_path, seeds=[0])[0]
    assert result.status == "failed" and "try a lower learning_rate" in (result.error or "")
    assert result.key["settings"]["learning_rate"] == 1e30


def test_a_failed_run_is_run_again(suite: Suite, tmp_path: Path) -> None:
    run_suite(with_model(suite, "late", fails), tmp_path, seeds=[0])
    told: dict[str, bool] = {}
    results = run_suite(
        with_model(suite, "late", suite.models["wide"].build),
        tmp_path,
        seeds=[0],
        listen=lambda result, ran: told.update({result.model: ran}),
    )
    assert told == {"late": True, "wide": False, "narrow": False}
    assert {result.status for result in results} == {"finished"}


def test_an_interruption_leaves_the_finished_runs_and_the_report(suite: Suite, tmp_path: Path) -> None:
    calls = itertools.count()

    def interrupted(*given: Any) -> Any:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return fit(*given)

    with pytest.raises(KeyboardInterrupt):
        run_suite(replace(suite, train=interrupted), tmp_path)
    assert list(files(tmp_path)) == ["narrow-0.json", "wide-0.json"]
    assert "2 of 4 runs are through" in (tmp_path / "report.md").read_text()


def test_the_training_function_is_never_given_a_test_graph(suite: Suite, tmp_path: Path) -> None:
    test_ids, seen = set(suite.data().test.ids.tolist()), set()

    def spying(model: nn.Module, task: Task, *rest: Any) -> Any:
        train, val, settings = rest
        assert isinstance(settings, FitSettings)
        for graphs in (train, val):
            seen.update(graphs.ids.tolist())
        return fit(model, task, *rest)

    results = run_suite(replace(suite, train=spying), tmp_path, seeds=[0])
    assert [result.status for result in results] == ["finished", "finished"]
    assert len(seen) == 30 and not seen & test_ids


def test_the_test_graphs_are_read_after_training_only(suite: Suite, tmp_path: Path) -> None:
    """The model sees its test graphs in no training call, and training is over by the time that it sees one."""
    splits, order = suite.data(), []
    test_ids = set(splits.test.ids.tolist())

    def build(train: GraphBatch, task: Task) -> nn.Module:
        model = suite.models["wide"].build(train, task)
        model.register_forward_pre_hook(lambda _, given: order.append(bool(set(given[0].ids.tolist()) & test_ids)))
        return model

    spy = {"spy": Candidate(build, suite.models["wide"].settings)}
    run_suite(replace(suite, models=spy, baseline=""), tmp_path, seeds=[0])
    assert order.count(True) == 1 and not any(order[: order.index(True)])


def test_a_folder_belongs_to_one_suite(suite: Suite, tmp_path: Path) -> None:
    run_suite(suite, tmp_path, seeds=[0])
    with pytest.raises(ValueError, match="holds runs of the suite 'tiny': take another folder for 'other'"):
        run_suite(replace(suite, name="other"), tmp_path)


def test_a_broken_file_is_named_before_anything_runs(suite: Suite, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "wide-0.json").write_text('{"format": 1')
    with pytest.raises(ValueError, match=r"wide-0\.json is not the result of a run"):
        run_suite(suite, tmp_path)


def test_less_than_one_job_is_refused(suite: Suite, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="jobs=0 must be at least 1"):
        run_suite(suite, tmp_path, jobs=0)


def test_repeated_seeds_are_refused(suite: Suite, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give different numbers"):
        run_suite(suite, tmp_path, seeds=[1, 1])


def test_data_of_another_kind_is_refused(suite: Suite, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="data of suite 'tiny' gives a GraphBatch; it has to return Splits"):
        run_suite(replace(suite, data=lambda: suite.data().train), tmp_path)  # type: ignore[arg-type, return-value]


def test_data_that_differs_between_processes_is_refused(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits, count = suite.data(), itertools.count(1)
    # Without its memory, this process opens the suite anew for every run, as several processes would.
    monkeypatch.setattr(_Source, "__hash__", lambda source: next(count))

    def data() -> Splits:
        return replace(splits, train=splits.train[next(count) % 3 :])

    with pytest.raises(ValueError, match="data is not the same in every process"):
        run_suite(replace(suite, data=data), tmp_path)


def test_a_run_has_all_threads_to_itself_and_gives_them_back(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 6)
    monkeypatch.setattr(torch, "set_num_threads", given.append)
    run_suite(replace(suite, models={"wide": suite.models["wide"]}), tmp_path, seeds=[0])
    assert given == [6, 6]  # for the run, and back


def test_a_suite_that_no_other_process_can_import_is_refused(suite: Suite, tmp_path: Path) -> None:
    """A changed copy of a suite from a file: its functions are in a module that only this process knows."""
    with pytest.raises(ValueError, match="suite 'tiny' cannot be handed to another process: write it to a file"):
        run_suite(replace(suite, about="changed"), tmp_path, jobs=2)


def test_one_run_needs_no_worker_however_many_jobs_there_are(suite: Suite, tmp_path: Path) -> None:
    changed = replace(suite, models={"wide": suite.models["wide"]})  # which no worker could import
    assert [result.status for result in run_suite(changed, tmp_path, seeds=[0], jobs=8)] == ["finished"]


@pytest.mark.parametrize("finished", [True, False])
def test_a_killed_process_leaves_the_file_of_an_earlier_finished_run(
    suite: Suite, tmp_path: Path, make_result: Callable[..., RunResult], finished: bool
) -> None:
    path = result_path(tmp_path, "wide", 0)
    write_result(path, make_result() if finished else replace(make_result(), measured=None, error="earlier"))
    result = _killed(_Work(_Source(suite), "tiny", tmp_path, "mmgraph bench", 1), "wide", 0)
    assert result.status == "failed"
    assert read_result(path) == (make_result() if finished else result)


def test_in_workers_a_killed_run_is_recorded_and_the_rest_goes_on(tmp_path: Path) -> None:
    """One model takes its process down, one raises; the third has the result that it has in this process."""
    (tmp_path / "suite.py").write_text(IN_WORKERS.format(tiny=str(TINY)))
    told: list[tuple[str, str]] = []
    results = run_suite(
        load_suite(tmp_path / "suite.py"),
        tmp_path / "workers",
        seeds=[0],
        jobs=2,
        listen=lambda result, ran: told.append((result.model, result.status)),
    )
    assert told == [("wide", "finished"), ("wrong", "failed"), ("killed", "failed")]
    assert "process of this run was killed" in (results[2].error or "")
    assert "RuntimeError: no such layer" in (results[1].error or "")
    here: RunResult = run_suite(load_suite(TINY), tmp_path / "here", seeds=[0])[0]
    assert here.measured and results[0].measured
    assert replace(here.measured, seconds=0) == replace(results[0].measured, seconds=0)
    assert results[0].record and results[0].record["environment"]["threads"] == 1
    assert list(files(tmp_path / "workers")) == ["killed-0.json", "wide-0.json", "wrong-0.json"]
