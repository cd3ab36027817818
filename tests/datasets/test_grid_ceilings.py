"""The ceilings against values worked out on paper, the docstring that states them, and samples."""

import itertools
import re
from fractions import Fraction

import numpy as np
import pytest

from mmgraph.datasets import SpokenGrid, ceilings
from mmgraph.datasets.instructions import QUESTIONS, neighbour_cells

TENTH = Fraction(1, 10)
# A text that says larger (or smaller) with one of the two digits known: P(max(a, H) = a) = (a + 1) / 10, mean .55.
ONE_OF_TWO = sum(Fraction(a + 1, 10) for a in range(10)) / 10
ON_PAPER = {
    "place": {
        (): TENTH,  # larger and smaller lean to opposite sides and cancel
        ("text",): (2 * TENTH + 2 * (1 - Fraction(9, 10) ** 2)) / 4,  # larger: nine, unless both are below
        # the digit heard: sound, or larger or smaller where it wins
        ("audio",): (1 + TENTH + 2 * ONE_OF_TWO) / 4,
        ("image", "text"): (1 + TENTH + 2 * ONE_OF_TWO) / 4,
        ("text", "audio"): (TENTH + 1 + 2 * ONE_OF_TWO) / 4,
        # each of four cells that differs from the digit heard gives it one of larger and smaller; an equal one, all
        ("image", "audio"): Fraction(1, 4) + Fraction(1, 4) * (TENTH + 1 + TENTH),
        ("image", "text", "audio"): Fraction(1),
    },
    "neighbour": {
        (): TENTH,
        ("text",): TENTH,
        ("audio",): Fraction(1, 5),  # same; any other digit has 4/5 / 9
        ("text", "audio"): Fraction(1, 5) + Fraction(4, 5) / 9,
        ("image",): 4 * Fraction(1, 5) / 6 + Fraction(1, 5) / 9,  # the middle answers any question
        ("image", "text"): 4 * Fraction(1, 5) / 6 + Fraction(1, 5) / 9,
        ("image", "audio"): 9 * Fraction(1, 5) / 6,  # any direction that exists; same is less likely
        ("image", "text", "audio"): Fraction(1),
    },
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_ceilings_equal_what_paper_gives(question):
    best = ceilings(question)
    for subset, value in ON_PAPER[question].items():
        assert best[frozenset(subset)] == pytest.approx(float(value), abs=1e-12), subset


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_docstring_states_every_ceiling(question):
    row = re.compile(r"^ +(none|(?:image|text|audio)(?:, (?:text|audio))*) +([.\d]+) +([.\d]+)$", re.MULTILINE)
    stated = {
        frozenset() if names == "none" else frozenset(names.split(", ")): float(values[QUESTIONS.index(question)])
        for names, *values in row.findall(SpokenGrid.__doc__)
    }
    assert stated == {subset: round(value + 1e-12, 4) for subset, value in ceilings(question).items()}


@pytest.mark.parametrize("question", QUESTIONS)
def test_two_modalities_reach_55_percent_at_most_and_more_never_hurt(question):
    best = ceilings(question)
    assert len(best) == 8
    assert all(value <= 0.55 for subset, value in best.items() if len(subset) < 3)
    assert all(best[small] <= best[large] for small, large in itertools.product(best, best) if small <= large)


def best_guess(observed: np.ndarray, answers: np.ndarray) -> float:
    """Accuracy of the most frequent answer to each observation, on the samples it was counted on."""
    table = np.zeros((observed.max() + 1, 10), dtype=np.int64)
    np.add.at(table, (observed, answers), 1)
    return table.max(axis=1).sum() / len(answers)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("split", ["train", "test"])
def test_samples_reach_the_ceilings_that_can_be_counted(question, split):
    grid = SpokenGrid(split, 200_000, seed=5, question=question)
    text = grid.operations * 4 + grid.cells if question == "place" else grid.operations
    observations = {(): np.zeros_like(text), ("text",): text, ("audio",): grid.spoken}
    observations["text", "audio"] = text * 10 + grid.spoken
    if question == "place":  # the cell that the text names is all of the picture that can help
        observations["image", "text"] = text * 10 + grid.digits[np.arange(len(grid)), grid.cells]
    for subset, observed in observations.items():
        assert best_guess(observed, grid.answers) == pytest.approx(ceilings(question)[frozenset(subset)], abs=0.01)


@pytest.mark.parametrize(("subset", "observe"), [(("image",), False), (("image", "audio"), True)])
def test_bayes_rule_on_random_pictures_reaches_the_ceiling_with_the_image(subset, observe):
    """The slow way: every operation, place and digit for each of some hundred pictures drawn at random."""
    total, pictures = 0.0, np.random.default_rng(0).integers(10, size=(2000, 4))
    for picture in pictures:
        chance = np.zeros((10, 10))  # [spoken, answer]
        for spoken, seen in itertools.product(range(10), picture):
            for answer in (seen, spoken, max(seen, spoken), min(seen, spoken)):
                chance[spoken, answer] += 1 / 160
        total += chance.max(axis=1).sum() if observe else chance.sum(axis=0).max()
    assert total / len(pictures) == pytest.approx(ceilings("place")[frozenset(subset)], abs=0.005)


def test_the_neighbour_ceilings_hold_for_any_arrangement_of_digits():
    arrangement = np.random.default_rng(1).permutation(10)[:9]
    chance = np.zeros((10, 10))  # [spoken, answer]
    for pairs in neighbour_cells():
        for spoken, answer in pairs:
            chance[arrangement[spoken], arrangement[answer]] += 1 / 5 / len(pairs)
    best = ceilings("neighbour")
    assert chance.max(axis=1).sum() == pytest.approx(best[frozenset({"image", "audio"})])
    assert chance.sum(axis=0).max() == pytest.approx(best[frozenset({"image"})])


def test_an_unknown_question_is_an_error():
    with pytest.raises(ValueError, match="question='colour' must be one of"):
        ceilings("colour")
