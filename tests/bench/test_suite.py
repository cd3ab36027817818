"""What a suite is made of, and the file that it comes from."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mmgraph.bench import Candidate, Splits, Suite, load_suite
from mmgraph.graph import GraphBatch
from mmgraph.tasks import Classification

TINY = Path(__file__).with_name("tiny_suite.py")


def labelled(name: str, channels: int = 2, label: int = 0) -> GraphBatch:
    return GraphBatch.single({"text": torch.ones(1, channels)}, {}, targets={"label": torch.tensor(label)}, id=name)


def test_splits_must_not_share_a_sample() -> None:
    both = GraphBatch.concat([labelled("c"), labelled("a")])
    with pytest.raises(ValueError, match="sample 'a' is in train and in test"):
        Splits(Classification("label", 2), labelled("a"), labelled("b"), both)


def test_splits_have_one_schema() -> None:
    with pytest.raises(ValueError, match="schema") as caught:
        Splits(Classification("label", 2), labelled("a"), labelled("b", channels=3), labelled("c"))
    assert caught.value.__notes__ == ["in the val split"]


def test_the_target_of_every_split_fits_the_task() -> None:
    with pytest.raises(ValueError, match=r"class 7 is not in 0\.\.1") as caught:
        Splits(Classification("label", 2), labelled("a"), labelled("b"), labelled("c", label=7))
    assert caught.value.__notes__ == ["in the test split"]


def test_the_first_model_is_the_baseline_unless_another_is_named(suite: Suite) -> None:
    assert suite.baseline == "wide"
    assert replace(suite, baseline="narrow").baseline == "narrow"


def test_a_baseline_that_is_no_model_is_refused(suite: Suite) -> None:
    with pytest.raises(ValueError, match="baseline='other' is none of the models wide, narrow"):
        replace(suite, baseline="other")


def test_a_suite_without_resamples_is_refused(suite: Suite) -> None:
    with pytest.raises(ValueError, match="resamples=0 must be at least 1"):
        replace(suite, resamples=0)


def test_a_suite_without_models_is_refused(suite: Suite) -> None:
    with pytest.raises(ValueError, match="suite 'tiny' has no model"):
        replace(suite, models={})


@pytest.mark.parametrize("name", ["", "a/b", "../up", ".hidden", "two words"])
def test_a_name_that_cannot_be_a_file_name_is_refused(suite: Suite, name: str) -> None:
    with pytest.raises(ValueError, match="is to be part of a file's name"):
        replace(suite, models={name: suite.models["wide"]}, baseline="")


@pytest.mark.parametrize("seeds", [(), (0, 0), (2, -1)])
def test_no_seeds_and_seeds_that_are_repeated_or_negative_are_refused(suite: Suite, seeds: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"seeds=.*: give different numbers"):
        replace(suite, seeds=seeds)


def test_the_models_of_a_suite_cannot_be_changed(suite: Suite) -> None:
    with pytest.raises(TypeError):
        suite.models["more"] = Candidate(lambda train, task: None)  # type: ignore[index]


def test_a_suite_is_loaded_from_its_file_and_knows_it() -> None:
    suite = load_suite(str(TINY))
    assert suite.name == "tiny" and suite.path == TINY
    assert suite.data().counts == {"train": 20, "val": 10, "test": 12}


def test_a_changed_copy_does_not_claim_to_be_the_file(suite: Suite) -> None:
    assert replace(suite, seeds=(5,)).path is None


@pytest.mark.parametrize("name", ["missing.py", "folder", "notes.txt"])
def test_what_is_no_python_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match=f"{name} is not a Python file"):
        load_suite(tmp_path / name)


@pytest.mark.parametrize("text", ["", "suite = 3"])
def test_a_file_without_a_suite_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "empty.py").write_text(text)
    with pytest.raises(ValueError, match="defines no `suite`"):
        load_suite(tmp_path / "empty.py")
