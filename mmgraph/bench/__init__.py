"""Suites of models on the same data: run, recorded, compared with intervals, reported."""

from mmgraph.bench.report import report
from mmgraph.bench.result import Measured, RunResult, read_result
from mmgraph.bench.runner import run_suite
from mmgraph.bench.statistics import Interval, difference, interval, resample, smallest_p
from mmgraph.bench.suite import Candidate, Splits, Suite, load_suite

__all__ = [
    "Candidate",
    "Interval",
    "Measured",
    "RunResult",
    "Splits",
    "Suite",
    "difference",
    "interval",
    "load_suite",
    "read_result",
    "report",
    "resample",
    "run_suite",
    "smallest_p",
]
