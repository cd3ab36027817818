"""`run_suite`: every model with every seed, in worker processes, with one file per run and a report."""

import shlex
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from pickle import PicklingError
from uuid import uuid4

import torch

from mmgraph.bench.report import write_report
from mmgraph.bench.result import Measured, RunResult, read_result, result_path, write_result
from mmgraph.bench.run import OpenSuite, architecture_digest, build_model, measure, run_settings, train_model
from mmgraph.bench.suite import Splits, Suite, check_seeds, load_suite

Listen = Callable[[RunResult, bool], object]
"""Told of each result in turn, and whether it was run now (else its file was there already)."""


def run_suite(
    suite: Suite,
    out: Path | str,
    *,
    seeds: Sequence[int] | None = None,
    jobs: int = 1,
    command: str | None = None,
    listen: Listen | None = None,
) -> list[RunResult]:
    """Runs every model of the suite with every seed.

    `out` gets a file `runs/<model>-<seed>.json` per run and `report.md`, which is written anew after every run. A run
    that raises an error, or whose worker process is killed, is recorded and the rest goes on. A finished run whose
    settings, data, task and architecture are the same is not run again; a failed one is. Other changes of the code are
    not noticed: take a new folder after them. Ctrl-C leaves the finished runs.

    Args:
        suite: with `jobs` above 1 one from `load_suite`, or made of functions that can be imported in another process.
        out: a folder of this suite alone.
        seeds: instead of the suite's.
        jobs: runs at a time. 1 runs in this process; more in worker processes (joblib), which share torch's threads.
        command: how the suite was started, for the records; that of this process if not given.
        listen: told of every result.

    Returns:
        The results, seed by seed, models in the order of the suite.

    Raises:
        ValueError: if `jobs` is below 1, seeds are repeated or negative, the folder holds another suite's runs or a
            broken file, the suite's data is no `Splits` or differs between processes, or the suite cannot be handed to
            another process.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from mmgraph.bench import Candidate
        >>> from mmgraph.graph import GraphBatch
        >>> from mmgraph.models import NodeTransformer
        >>> from mmgraph.tasks import Classification
        >>> from mmgraph.training import FitSettings
        >>> def data():
        ...     graphs = [GraphBatch.single({"text": torch.ones(1, 2)}, {}, targets={"label": torch.tensor(0)}, id=name)
        ...               for name in "abc"]
        ...     return Splits(Classification("label", 2), *graphs)
        >>> build = lambda train, task: NodeTransformer(train.schema, task.out_channels, hidden_channels=8)
        >>> suite = Suite("example", data, {"NodeTransformer": Candidate(build, FitSettings(epochs=1))}, resamples=9)
        >>> with TemporaryDirectory() as folder:
        ...     [result.status for result in run_suite(suite, folder)]
        ['finished', 'finished', 'finished']
    """
    if jobs < 1:
        raise ValueError(f"jobs={jobs} must be at least 1")
    seeds, out = check_seeds(suite.seeds if seeds is None else seeds), Path(out)
    plan = [(model, seed) for seed in seeds for model in suite.models]
    jobs = min(jobs, len(plan))
    _require_own_folder(out, suite)
    started = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]) if command is None else command
    source = _Source(suite if jobs == 1 else suite.path or suite)
    work = _Work(source, suite.name, out.resolve(), started, max(1, torch.get_num_threads() // jobs))
    results: list[RunResult] = []
    write_report(out / "report.md", suite, plan, results, started)
    try:
        for result, ran in (_here if jobs == 1 else _in_workers)(work, plan, jobs):
            results.append(result)
            _require_same_data(results)
            write_report(out / "report.md", suite, plan, results, started)
            if listen is not None:
                listen(result, ran)
    finally:
        _open.cache_clear()  # the data is needed no longer
    return results


@dataclass(frozen=True)
class _Source:
    """Where a process gets the suite from, once: equal if it is of the same call of `run_suite`."""

    suite: Suite | Path = field(compare=False)
    token: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True)
class _Work:
    """What is the same for all runs."""

    source: _Source
    name: str
    out: Path
    command: str
    threads: int


_Run = tuple[str, int]  # model, seed


def _here(work: _Work, plan: Sequence[_Run], _jobs: int) -> Iterator[tuple[RunResult, bool]]:
    return (_execute(work, *run) for run in plan)


def _in_workers(work: _Work, plan: Sequence[_Run], jobs: int) -> Iterator[tuple[RunResult, bool]]:
    """The results in order. When a process is killed, joblib gives up all runs: they are then tried one at a time."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    waiting = list(plan)
    try:
        for outcome in Parallel(n_jobs=jobs, return_as="generator")(delayed(_execute)(work, *run) for run in plan):
            yield outcome
            waiting.pop(0)
        return
    except TerminatedWorkerError:
        pass
    except (BrokenExecutor, PicklingError) as error:  # could not be unpickled in the worker, or pickled here
        raise ValueError(
            f"suite {work.name!r} cannot be handed to another process: write it to a file and use load_suite, or jobs=1"
        ) from error
    for run in waiting:
        try:
            # Two jobs, as joblib would run a single one in this process.
            yield from Parallel(n_jobs=2)([delayed(_execute)(work, *run)])
        except TerminatedWorkerError:
            yield _killed(work, *run), True


def _killed(work: _Work, model: str, seed: int) -> RunResult:
    error = (
        "the process of this run was killed, perhaps because memory was short; with fewer jobs there is more for each"
    )
    result = RunResult(key={"suite": work.name, "model": model, "seed": seed}, command=work.command, error=error)
    path = result_path(work.out, model, seed)
    before = read_result(path)
    if before is None or before.status == "failed":  # a finished run may have been killed before it was recognised
        write_result(path, result)
    return result


def _execute(work: _Work, model: str, seed: int) -> tuple[RunResult, bool]:
    """One run, unless its file is there already; and whether it was run."""
    opened = _open(work.source)
    path = result_path(work.out, model, seed)
    before, key = read_result(path), opened.key(model, seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(work.threads)
    try:
        candidate, splits = opened.suite.models[model], opened.splits
        network = build_model(candidate, splits.train, splits.task, seed)
        key["architecture"] = architecture_digest(network)
        if before is not None and before.status == "finished" and before.key == key:
            return before, False
        settings = run_settings(candidate, seed)
        history = train_model(network, splits.task, splits.train, splits.val, settings, opened.suite.train)
        measured: Measured = measure(network, history, splits, opened.suite.resamples)
        record = asdict(history.record) | {"command": work.command}
        result = RunResult(key=key, command=work.command, record=record, measured=measured)
        write_result(path, result)
    except Exception:  # whatever a model does wrong, the other runs go on
        result = RunResult(key=key, command=work.command, error=traceback.format_exc())
        write_result(path, result)
    finally:
        torch.set_num_threads(threads)
    return result, True


@lru_cache(maxsize=1)
def _open(source: _Source) -> OpenSuite:
    """The suite and its data, made once per process."""
    suite = source.suite if isinstance(source.suite, Suite) else load_suite(source.suite)
    splits = suite.data()
    if not isinstance(splits, Splits):
        raise ValueError(f"data of suite {suite.name!r} gives a {type(splits).__name__}; it has to return Splits")
    return OpenSuite(suite, splits)


def _require_own_folder(out: Path, suite: Suite) -> None:
    for path in sorted((out / "runs").glob("*.json")):
        found = read_result(path)
        if found is not None and found.key["suite"] != suite.name:
            raise ValueError(
                f"{out} holds runs of the suite {found.key['suite']!r}: take another folder for {suite.name!r}"
            )


def _require_same_data(results: Sequence[RunResult]) -> None:
    data = [result.key["data"] for result in results if "data" in result.key]
    if data and data[-1] != data[0]:
        raise ValueError(
            f"the suite's data is not the same in every process: {data[0]} and {data[-1]}; make it from fixed seeds"
        )
