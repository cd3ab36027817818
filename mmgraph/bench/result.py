"""`RunResult`: what one run of a suite left behind, and its file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmgraph.training.checkpoint import replace_file

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured in a run that went through.

    Attributes:
        metric: the metric that is reported, the same that chose the epoch.
        parameters: trained numbers of the model.
        epochs: epochs that were trained.
        best_epoch: the epoch that validation chose.
        seconds: training and validation of all epochs.
        val: every metric on the validation graphs, at the best epoch.
        test: every metric on the test graphs.
        predictions: the task's prediction for each test graph, in their order.
        resampled: the reported metric on resamples of the test graphs, see `statistics.resample`.
    """

    metric: str
    parameters: int
    epochs: int
    best_epoch: int
    seconds: float
    val: Mapping[str, float]
    test: Mapping[str, float]
    predictions: Sequence[Any]
    resampled: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """One run: one model with one seed.

    Attributes:
        key: suite, model, seed and everything else that decides the result: settings, task, data, architecture. A run
            whose file has the same key is not run again.
        command: how the suite was started.
        record: the `RunRecord` of the training, as plain values: schema, data digests, versions, device, start.
        measured: what came out; None if the run failed.
        error: the traceback if the run failed.

    Example:
        >>> RunResult(key={"suite": "example", "model": "A", "seed": 0}, command="mmgraph bench", error="...").status
        'failed'
    """

    key: Mapping[str, Any]
    command: str
    record: Mapping[str, Any] | None = None
    measured: Measured | None = None
    error: str | None = None

    @property
    def status(self) -> str:
        """Whether the run is `"finished"` or `"failed"`."""
        return "finished" if self.measured is not None else "failed"

    @property
    def reason(self) -> str:
        """The error with its notes, in one line; "" if there is none."""
        lines = (self.error or "").strip().splitlines()
        frames = [number for number, line in enumerate(lines) if line.startswith(" ")]
        return "; ".join(lines[frames[-1] + 1 if frames else 0 :])

    @property
    def model(self) -> str:
        """Name of the model in its suite."""
        return str(self.key["model"])

    @property
    def seed(self) -> int:
        """The run's seed."""
        return int(self.key["seed"])


def result_path(out: Path, model: str, seed: int) -> Path:
    """Where the result of a run is kept.

    Example:
        >>> result_path(Path("out"), "GraphFusion", 2).as_posix()
        'out/runs/GraphFusion-2.json'
    """
    return out / "runs" / f"{model}-{seed}.json"


def write_result(path: Path, result: RunResult) -> None:
    """Writes the result as JSON. Whenever the process dies, the file is there whole or as it was before.

    Raises:
        ValueError: if a measured value is NaN or infinite.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> failed = RunResult(key={"suite": "example", "model": "A", "seed": 0}, command="mmgraph bench", error="...")
        >>> with TemporaryDirectory() as folder:
        ...     write_result(Path(folder, "runs", "A-0.json"), failed)
        ...     read_result(Path(folder, "runs", "A-0.json")) == failed
        True
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lines = [
            f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in _content(result).items()
        ]
    except ValueError as error:
        raise ValueError(f"a result of model {result.model!r}, seed {result.seed}, is NaN or infinite") from error
    # One line for each part: long lists stay out of the way of a reader, and a diff says what changed.
    replace_file(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())


def read_result(path: Path) -> RunResult | None:
    """The result that `write_result` left, None if there is none.

    Raises:
        ValueError: if the file is something else.
    """
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
        measured = content["measured"]
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}, this version of mmgraph reads {FORMAT}")
        return RunResult(
            key=content["key"],
            command=content["command"],
            record=content["record"],
            measured=None if measured is None else Measured(**measured),
            error=content["error"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not the result of a run ({error}): remove it to run it again") from error


def _content(result: RunResult) -> dict[str, Any]:
    measured = None if result.measured is None else asdict(result.measured)
    head = {"format": FORMAT, "status": result.status, "key": dict(result.key), "command": result.command}
    return {**head, "measured": measured, "error": result.error, "record": result.record}
