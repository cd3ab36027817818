"""`Suite`: which models are compared, on which data, with which seeds."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from torch import nn

from mmgraph.graph import GraphBatch
from mmgraph.tasks import Task
from mmgraph.training import FitSettings, History, fit

Build = Callable[[GraphBatch, Task], nn.Module]
"""Makes a model from the training graphs (their schema, their sizes) and the task."""

_NAME = re.compile(r"\w[\w.+-]*")  # becomes part of a file's name


class Train(Protocol):
    """Trains a model in place, as `mmgraph.training.fit` does. Test graphs have no place."""

    def __call__(
        self, model: nn.Module, task: Task, train: GraphBatch, val: GraphBatch, settings: FitSettings, /
    ) -> History:
        """What the training measured."""


@dataclass(frozen=True, eq=False)
class Splits:
    """What is learned, and the graphs to learn from, to choose by and to judge by.

    Args:
        task: what is predicted, and the metric that is reported: its `monitor`.
        train: graphs that weights learn from.
        val: graphs that choose the best epoch.
        test: graphs that judge, once, at the end.

    Raises:
        ValueError: if two splits share a sample id or have different schemas, or the target does not fit the task.

    Example:
        >>> import torch
        >>> from mmgraph.tasks import Classification
        >>> graphs = [GraphBatch.single({"text": torch.ones(1, 2)}, {}, targets={"label": torch.tensor(0)}, id=name)
        ...           for name in "abc"]
        >>> Splits(Classification("label", 2), *graphs).counts
        {'train': 1, 'val': 1, 'test': 1}
    """

    task: Task
    train: GraphBatch
    val: GraphBatch
    test: GraphBatch

    def __post_init__(self) -> None:
        split_of: dict[str, str] = {}
        for split, graphs in self.graphs.items():
            try:
                self.train.schema.require(graphs.schema)
                self.task.check(graphs)
            except ValueError as error:
                error.add_note(f"in the {split} split")
                raise
            ids = graphs.ids.tolist()
            for name in ids:
                if name in split_of:
                    raise ValueError(
                        f"sample {name!r} is in {split_of[name]} and in {split}: splits must not share samples; "
                        "if they are different samples, give them different ids"
                    )
            split_of |= dict.fromkeys(ids, split)

    @property
    def graphs(self) -> Mapping[str, GraphBatch]:
        """The graphs by the name of their split."""
        return {"train": self.train, "val": self.val, "test": self.test}

    @property
    def counts(self) -> dict[str, int]:
        """Graphs per split."""
        return {split: graphs.num_graphs for split, graphs in self.graphs.items()}


@dataclass(frozen=True)
class Candidate:
    """One model of a suite: how it is built and how it is trained.

    Args:
        build: makes the model from training graphs and task; it is called with torch seeded by the run.
        settings: of the training; the seed in them is replaced by the run's.

    Example:
        >>> from mmgraph.models import GraphFusion
        >>> Candidate(lambda train, task: GraphFusion(train.schema, task.out_channels)).settings.epochs
        100
    """

    build: Build
    settings: FitSettings = field(default_factory=FitSettings)


@dataclass(frozen=True, eq=False)
class Suite:
    """A comparison of models on the same data. A run is one model with one seed.

    Seeds decide first weights, order of training graphs and dropout; the data is the same for all runs.

    Args:
        name: of the suite.
        data: makes task and graphs, the same ones in every process.
        models: candidate of each model; the names become names of files.
        seeds: one run per model and seed, when nothing else is asked for.
        baseline: the model that the others are compared with; the first if not given.
        train: trains a model; it is never given test graphs.
        about: what is measured, in Markdown, for the report.
        resamples: how many times the test graphs are resampled for the intervals.

    Attributes:
        path: the file that the suite was loaded from, see `load_suite`: worker processes load it again. None otherwise,
            also of a changed copy.

    Raises:
        ValueError: if there is no model, a name cannot be a file's name, the baseline is none of the models, a seed is
            repeated or negative, or there are no resamples.

    Example:
        >>> from mmgraph.models import GraphFusion
        >>> build = lambda train, task: GraphFusion(train.schema, task.out_channels)
        >>> suite = Suite("example", lambda: None, {"GraphFusion": Candidate(build, FitSettings(epochs=3))})
        >>> suite.baseline, suite.seeds
        ('GraphFusion', (0, 1, 2))
    """

    name: str
    data: Callable[[], Splits]
    models: Mapping[str, Candidate]
    _: KW_ONLY
    seeds: tuple[int, ...] = (0, 1, 2)
    baseline: str = ""
    train: Train = fit
    about: str = ""
    resamples: int = 1000
    path: Path | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if not self.models:
            raise ValueError(f"suite {self.name!r} has no model: give at least one Candidate")
        for name in (self.name, *self.models):
            if not _NAME.fullmatch(name):
                raise ValueError(f"name {name!r} is to be part of a file's name: take letters, digits and _ . + -")
        object.__setattr__(self, "models", MappingProxyType(dict(self.models)))
        object.__setattr__(self, "baseline", self.baseline or next(iter(self.models)))
        object.__setattr__(self, "seeds", check_seeds(self.seeds))
        if self.resamples < 1:
            raise ValueError(f"resamples={self.resamples} must be at least 1")
        if self.baseline not in self.models:
            raise ValueError(f"baseline={self.baseline!r} is none of the models {', '.join(self.models)}")


def check_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """The seeds as a tuple. Raises ValueError unless they are different, not negative, and at least one."""
    given = tuple(seeds)
    if not given or len(set(given)) != len(given) or min(given) < 0:
        raise ValueError(f"seeds={seeds!r}: give different numbers, not negative, at least one, such as (0, 1, 2)")
    return given


def load_suite(path: Path | str) -> Suite:
    """The object `suite` of a Python file. Running a suite runs its file: load only files that you trust.

    Args:
        path: a Python file that defines `suite = Suite(...)`.

    Raises:
        ValueError: if there is no such file, or it has no `suite`.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> text = '''from mmgraph.bench import Candidate, Suite
        ... suite = Suite("one", lambda: None, {"A": Candidate(lambda train, task: None)})
        ... '''
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "tiny.py").write_text(text)
        ...     load_suite(Path(folder, "tiny.py")).name
        'one'
    """
    path = Path(path).resolve()
    name = f"mmgraph_suite_{path.stem}"
    spec = spec_from_file_location(name, path) if path.is_file() and path.suffix == ".py" else None
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is not a Python file: give one that defines suite = Suite(...)")
    module = module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses and pickle look up what the file defines
    spec.loader.exec_module(module)
    suite = getattr(module, "suite", None)
    if not isinstance(suite, Suite):
        raise ValueError(f"{path} defines no `suite`: it has to hold suite = mmgraph.bench.Suite(...)")
    object.__setattr__(suite, "path", path)
    return suite
