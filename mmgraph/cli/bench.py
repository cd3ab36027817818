"""`mmgraph bench`: runs a suite and says how it goes."""

import shlex
import sys
from pathlib import Path

import typer

from mmgraph.bench import RunResult, load_suite, run_suite


def run_bench(path: Path, *, out: Path, num_seeds: int | None, jobs: int) -> int:
    """Runs the suite in a file, a line for every run.

    Args:
        path: a Python file that defines `suite = Suite(...)`.
        out: folder for results and report.
        num_seeds: seeds 0 to num_seeds - 1; None: the suite's.
        jobs: runs at a time.

    Returns:
        How many runs failed.
    """
    suite = load_suite(path)
    seeds = suite.seeds if num_seeds is None else tuple(range(num_seeds))
    total, done = len(suite.models) * len(seeds), 0

    def listen(result: RunResult, ran: bool) -> None:
        nonlocal done
        done += 1
        typer.echo(f"[{done}/{total}] {describe_run(result, ran=ran)}")

    typer.echo(f"{suite.name}: {', '.join(suite.models)}; seeds {', '.join(map(str, seeds))}; {jobs} at a time")
    try:
        results = run_suite(suite, out, seeds=seeds, jobs=jobs, command=_command(), listen=listen)
    except KeyboardInterrupt:
        typer.echo(f"stopped; finished runs are kept in {out}: the same command goes on", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"report: {out / 'report.md'}")
    return sum(result.status == "failed" for result in results)


def describe_run(result: RunResult, *, ran: bool) -> str:
    """One line about a run.

    Example:
        >>> failed = RunResult(key={"suite": "s", "model": "A", "seed": 1}, command="", error="KeyError: 'x'")
        >>> describe_run(failed, ran=True)
        "A, seed 1: FAILED, KeyError: 'x'"
    """
    name = f"{result.model}, seed {result.seed}"
    if result.measured is None:
        return f"{name}: FAILED, {result.reason}"
    metric = result.measured.metric
    values = f"val {metric} {result.measured.val[metric]:.4f}, test {result.measured.test[metric]:.4f}"
    return (
        f"{name}: {values}, {result.measured.seconds:.0f} s" if ran else f"{name}: {values}, kept from an earlier start"
    )


def _command() -> str:
    """The command as a user types it: without the folder that it is installed in."""
    return shlex.join(["mmgraph", *sys.argv[1:]])
