"""The report, against numbers worked out by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mmgraph.bench import RunResult, Suite, report

Make = Callable[..., RunResult]
PLAN = [("wide", 0), ("narrow", 0), ("wide", 1), ("narrow", 1)]


def table(text: str, title: str) -> list[dict[str, str]]:
    """The rows of the first table under a heading."""
    lines = text.partition(f"## {title}\n")[2].partition("\n## ")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("|")]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def test_each_model_has_a_row_with_the_means_of_its_runs(suite: Suite, make_result: Make) -> None:
    results = [
        make_result("wide", 0, test=0.5, val=0.6, seconds=10.0, best_epoch=1),
        make_result("wide", 1, test=0.75, val=0.9, seconds=15.0, best_epoch=2),
        make_result("narrow", 0, test=0.25, val=0.5, parameters=7),
    ]
    wide, narrow = table(report(suite, PLAN, results, "mmgraph bench"), "Results")
    test = wide.pop("test accuracy [95% interval]")
    assert test.startswith("0.6250 [")
    assert wide == {
        "model": "wide",
        "parameters": "1,234",
        "seeds": "2",
        "val accuracy": "0.7500",
        "smallest – largest seed": "0.5000 – 0.7500",
        "best epoch": "1.5 of 4.0",
        "seconds": "12",
    }
    assert narrow["test accuracy [95% interval]"] == "0.2500 [0.2500, 0.2500]"
    assert (narrow["model"], narrow["parameters"], narrow["seeds"]) == ("narrow", "7", "1")


def test_differences_are_to_the_baseline(suite: Suite, make_result: Make) -> None:
    results = [
        make_result("wide", test=0.5, resampled=[0.4, 0.6]),
        make_result("narrow", test=0.75, resampled=[0.65, 0.85]),
    ]
    (row,) = table(report(suite, PLAN, results, "mmgraph bench"), "Differences")
    assert row == {"model": "narrow", "test accuracy minus wide [95% interval]": "+0.2500 [+0.2500, +0.2500]"}
    (row,) = table(report(replace(suite, baseline="narrow"), PLAN, results, "mmgraph bench"), "Differences")
    assert row == {"model": "wide", "test accuracy minus narrow [95% interval]": "-0.2500 [-0.2500, -0.2500]"}


def test_without_runs_of_the_baseline_there_are_no_differences(suite: Suite, make_result: Make) -> None:
    text = report(suite, PLAN, [make_result("narrow")], "mmgraph bench")
    assert "None can be computed: they need finished runs of wide and of another model." in text


@pytest.mark.parametrize(("seeds", "few"), [(3, True), (4, False)])
def test_too_few_seeds_for_a_p_value_are_called_too_few(suite: Suite, make_result: Make, seeds: int, few: bool) -> None:
    results = [make_result(model, seed) for model in suite.models for seed in range(seeds)]
    text = report(suite, PLAN, results, "mmgraph bench")
    assert ("3 and 3 seeds are too few" in text and "cannot fall below p = 0.1 then" in text) == few
    assert "There are no p-values" in text


def test_failed_runs_are_listed_with_their_error_and_count_nowhere(suite: Suite, make_result: Make) -> None:
    error = 'Traceback (most recent call last):\n  File "x.py"\nKeyError: `a|b`\nin sample 3\n'
    failed = RunResult(key={"suite": "tiny", "model": "wide", "seed": 1}, command="mmgraph", error=error)
    text = report(suite, PLAN, [make_result("wide", 0, test=0.5), failed], "mmgraph bench")
    assert "2 of 4 runs are through: 1 finished, 1 failed." in text
    assert "| wide | 1 | `KeyError: 'a\\|b'; in sample 3` |" in text
    assert table(text, "Results")[0]["seeds"] == "1"


def test_without_a_failure_there_is_no_such_part(suite: Suite, make_result: Make) -> None:
    assert "Failed" not in report(suite, PLAN, [make_result()], "mmgraph bench")


def test_command_description_data_settings_and_versions_are_there(suite: Suite, make_result: Make) -> None:
    text = report(replace(suite, about="What it *measures*."), PLAN, [make_result()], "mmgraph bench a.py --jobs 2")
    assert text.startswith("# Suite tiny\n\nWhat it *measures*.\n\n`mmgraph bench a.py --jobs 2`\n")
    assert "| train | 1,200 | `abc` |" in text
    assert "- wide: epochs 4\n" in text
    assert text.endswith("## Versions\n\npython 3.11, threads 1\n")


def test_runs_made_with_other_versions_are_told_apart(suite: Suite, make_result: Make) -> None:
    def with_threads(result: RunResult, threads: int) -> RunResult:
        record: dict[str, Any] = {"environment": {"python": "3.11", "threads": threads}}
        return replace(result, record=record)

    results = [with_threads(make_result("wide", seed), threads) for seed, threads in ((0, 1), (1, 2), (2, 1))]
    text = report(suite, PLAN, results, "mmgraph bench")
    assert "not all made with the same versions" in text
    assert "- wide-0, wide-2: python 3.11, threads 1\n- wide-1: python 3.11, threads 2\n" in text


def test_before_the_first_run_the_report_says_so(suite: Suite) -> None:
    text = report(suite, PLAN, [], "mmgraph bench")
    assert "0 of 4 runs are through" in text and "## Results" not in text and "## Versions" not in text


def test_the_report_says_that_training_is_not_given_the_test_graphs(suite: Suite, make_result: Make) -> None:
    text = report(suite, PLAN, [make_result()], "mmgraph bench")
    assert "The function that trains is not given the test graphs" in text
    assert "the epoch is chosen by accuracy on the validation graphs" in text
