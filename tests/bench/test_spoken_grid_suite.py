"""The shipped suite, in its smallest form."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mmgraph import ops
from mmgraph.bench import Suite, load_suite, run_suite

FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "spoken_grid.py"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Suite:
    """A few samples and one epoch."""
    suite = load_suite(FILE)
    module = sys.modules[suite.data.__module__]
    monkeypatch.setattr(module, "SIZES", {"train": 24, "val": 8, "test": 12})
    models = {
        name: replace(one, settings=replace(one.settings, epochs=1, warmup_epochs=0))
        for name, one in suite.models.items()
    }
    return replace(suite, models=models)


def test_the_shipped_suite_compares_three_models_with_three_seeds() -> None:
    suite = load_suite(FILE)
    assert list(suite.models) == ["GraphFusion", "ConcatMLP", "NodeTransformer"]
    assert suite.seeds == (0, 1, 2) and suite.baseline == "NodeTransformer"


def test_its_models_train_with_the_same_batches_without_early_stopping() -> None:
    settings = [candidate.settings for candidate in load_suite(FILE).models.values()]
    assert len({(one.batch_size, one.schedule, one.weight_decay, one.patience) for one in settings}) == 1


def test_the_shipped_suite_runs_end_to_end(small: Suite, tmp_path: Path) -> None:
    with ops.backend("reference"):
        results = run_suite(replace(small, resamples=10), tmp_path, seeds=[0])
    assert [result.error for result in results] == [None] * 3
    splits = small.data()
    for result in results:
        candidate, measured = small.models[result.model], result.measured
        assert measured is not None
        model = candidate.build(splits.train, splits.task)
        assert measured.parameters == sum(weight.numel() for weight in model.parameters())
        assert len(measured.predictions) == 12
    assert "SpokenGrid with synthetic speech" in (tmp_path / "report.md").read_text()


def test_what_is_learned_from_data_is_learned_from_its_training_split(small: Suite) -> None:
    """The vocabulary of the graphs holds no word that training never saw."""
    splits = small.data()
    seen = {word.lower() for word in splits.train.nodes["text"].attributes["text"].tolist()}
    vocabulary = splits.train.schema.attributes["text"]["token"].num_classes
    assert vocabulary == len(seen) + 1
