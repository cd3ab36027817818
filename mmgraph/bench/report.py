"""The report of a suite as Markdown."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mmgraph.bench.result import Measured, RunResult
from mmgraph.bench.statistics import LEVEL, Interval, difference, interval, smallest_p
from mmgraph.bench.suite import Suite
from mmgraph.training.checkpoint import replace_file

Runs = Mapping[str, Sequence[Measured]]
"""What was measured, per model, in the order of the seeds."""


def write_report(
    path: Path, suite: Suite, plan: Sequence[tuple[str, int]], results: Sequence[RunResult], command: str
) -> None:
    """Writes the report, whole or not at all; makes the folder if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, report(suite, plan, results, command).encode())


def report(suite: Suite, plan: Sequence[tuple[str, int]], results: Sequence[RunResult], command: str) -> str:
    """The results so far, as Markdown: a row per model, differences, failed runs, protocol, data and versions.

    Args:
        suite: what is compared.
        plan: model and seed of every run that was asked for.
        results: of the runs that are through.
        command: how the suite was started.

    Example:
        >>> from mmgraph.bench import Candidate
        >>> suite = Suite("example", lambda: None, {"A": Candidate(lambda train, task: None)})
        >>> print(report(suite, [("A", 0)], [], "mmgraph bench example.py"))  # doctest: +ELLIPSIS
        # Suite example
        ...
        0 of 1 runs are through: 0 finished, 0 failed.
        ...
    """
    runs = {model: _measured(results, model) for model in suite.models}
    done = {model: found for model, found in runs.items() if found}
    finished = sum(len(found) for found in done.values())
    parts = [
        f"# Suite {suite.name}",
        suite.about.strip(),
        f"`{command}`",
        f"{len(results)} of {len(plan)} runs are through: {finished} finished, {len(results) - finished} failed.",
    ]
    if done:
        parts += ["## Results", _results(done), "## Differences", _differences(done, suite.baseline)]
    parts += [_failures(results), "## How it was measured", _protocol(suite, done), _data(results), _versions(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _measured(results: Sequence[RunResult], model: str) -> list[Measured]:
    found = [result for result in results if result.model == model]
    return [result.measured for result in sorted(found, key=lambda result: result.seed) if result.measured is not None]


def _results(runs: Runs) -> str:
    metric = _metric(runs)
    rows = []
    for model, found in runs.items():
        values = _values(found)
        seconds = float(np.mean([one.seconds for one in found]))
        rows.append(
            [
                model,
                " / ".join(dict.fromkeys(f"{one.parameters:,}" for one in found)),
                str(len(found)),
                f"{np.mean([one.val[metric] for one in found]):.4f}",
                f"{_interval(found):.4f}",
                f"{values.min():.4f} – {values.max():.4f}",
                f"{np.mean([one.best_epoch for one in found]):.1f} of {np.mean([one.epochs for one in found]):.1f}",
                f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}",
            ]
        )
    head = ["model", "parameters", "seeds", f"val {metric}", f"test {metric} [{LEVEL:.0%} interval]"]
    return _table([*head, "smallest – largest seed", "best epoch", "seconds"], rows)


def _differences(runs: Runs, baseline: str) -> str:
    others = [model for model in runs if model != baseline]
    if baseline not in runs or not others:
        return f"None can be computed: they need finished runs of {baseline} and of another model."
    theirs, metric = runs[baseline], _metric(runs)
    rows = [
        [
            model,
            f"{difference(_values(runs[model]), _resampled(runs[model]), _values(theirs), _resampled(theirs)):+.4f}",
        ]
        for model in others
    ]
    fewest = min(len(runs[model]) for model in others)
    lowest = smallest_p(fewest, len(theirs))
    few = (
        f"There are no p-values: {fewest} and {len(theirs)} seeds are too few. The exact rank test between two models' "
        f"runs (Mann-Whitney, two-sided) cannot fall below p = {lowest:.2g} then, whatever the results."
    )
    none = "There are no p-values: the intervals say how large the differences are."
    table = _table(["model", f"test {metric} minus {baseline} [{LEVEL:.0%} interval]"], rows)
    return f"{table}\n\n{few if lowest > 1 - LEVEL else none}"


def _failures(results: Sequence[RunResult]) -> str:
    failed = [result for result in results if result.error is not None]
    if not failed:
        return ""
    rows = [[result.model, str(result.seed), f"`{_cell(result.reason)}`"] for result in failed]
    return (
        "## Failed runs\n\n"
        + _table(["model", "seed", "error"], rows)
        + "\n\nTheir files in `runs/` hold the tracebacks."
    )


def _protocol(suite: Suite, runs: Runs) -> str:
    metric = _metric(runs) if runs else "the metric"
    lines = [
        "A run is one model with one seed. The seed decides first weights, order of the training graphs and dropout; "
        "the data is the same for all runs.",
        f"Weights learn from the training graphs, the epoch is chosen by {metric} on the validation graphs. The "
        "function that trains is not given the test graphs: they are read once, after it has returned.",
        f"*test {metric}* is the mean over seeds. Its interval is a bootstrap ({suite.resamples:,} resamples) over "
        "test graphs and seeds: what to expect with other test graphs and other seeds, the training data given. With "
        "few seeds that differ much it is too narrow; so the smallest and the largest seed stand beside it.",
        f"Differences are paired by test graphs, not by seeds, with {suite.baseline} as baseline. Intervals are not "
        "corrected for comparing several models.",
        "*best epoch* and *seconds* (training and validation, with the run's share of the machine) are means over "
        "seeds.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _data(results: Sequence[RunResult]) -> str:
    data = next((result.key["data"] for result in results if "data" in result.key), None)
    if data is None:
        return ""
    rows = [[split, f"{facts['graphs']:,}", f"`{facts['digest']}`"] for split, facts in data.items()]
    settings = [f"- {model}: {text}" for model, text in _settings(results).items()]
    return "\n".join(["## Data and settings", "", _table(["split", "graphs", "digest"], rows), "", *settings])


def _settings(results: Sequence[RunResult]) -> dict[str, str]:
    """The settings of each model, without the seed."""
    with_settings = [result for result in results if "settings" in result.key]
    return {
        result.model: ", ".join(f"{name} {value}" for name, value in result.key["settings"].items() if name != "seed")
        for result in with_settings
    }


def _versions(results: Sequence[RunResult]) -> str:
    """Versions and machine of the runs; more than one line if they were not all made with the same."""
    runs_with: dict[str, list[str]] = {}
    for result in results:
        if result.record is not None:
            text = ", ".join(f"{name} {value}" for name, value in result.record["environment"].items())
            runs_with.setdefault(text, []).append(f"{result.model}-{result.seed}")
    if not runs_with:
        return ""
    if len(runs_with) == 1:
        return f"## Versions\n\n{next(iter(runs_with))}"
    lines = [f"- {', '.join(names)}: {text}" for text, names in runs_with.items()]
    return "\n".join(["## Versions", "", "The runs were not all made with the same versions or machine:", "", *lines])


def _metric(runs: Runs) -> str:
    return next(iter(runs.values()))[0].metric


def _values(found: Sequence[Measured]) -> np.ndarray:
    return np.array([one.test[one.metric] for one in found])


def _resampled(found: Sequence[Measured]) -> np.ndarray:
    return np.array([one.resampled for one in found])


def _interval(found: Sequence[Measured]) -> Interval:
    return interval(_values(found), _resampled(found))


def _cell(text: str) -> str:
    """Text that can stand as code in a table."""
    short = text if len(text) <= 200 else text[:199] + "…"
    return short.replace("|", "\\|").replace("`", "'")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
