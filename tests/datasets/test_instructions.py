"""What the texts of SpokenGrid say: a reader with a dozen rules understands every one of them."""

import re
from itertools import product

import pytest

from mmgraph.datasets.instructions import OPERATIONS, PLACES, QUESTIONS, instruction, neighbour_cells, wordings

WORDS = {
    "larger": {"larger", "bigger", "greater", "maximum"},
    "smaller": {"smaller", "lesser", "minimum"},
    "sound": {"listen", "repeat", "spoken"},
    "picture": {"look", "written", "drawn", "see", "picture"},
}


def understand_place(text: str) -> tuple[str, str]:
    words = set(re.findall("[a-z]+", text))
    upper, lower = words & {"upper", "top", "first"}, words & {"lower", "bottom", "second"}
    left, right = words & {"left"}, words & {"right"}
    assert bool(upper) != bool(lower) and bool(left) != bool(right), text
    operations = [operation for operation, keys in WORDS.items() if words & keys]
    assert len(operations) == 1, text
    return operations[0], f"{'upper' if upper else 'lower'} {'left' if left else 'right'}"


def understand_neighbour(text: str) -> str:
    words = set(re.findall("[a-z]+", text))
    found = [name for name in ("left", "right", "above", "below") if name in words]
    assert len(found) <= 1, text
    return found[0] if found else "same"


def all_wordings(question: str) -> list[tuple[int, int, int, int]]:
    phrases, names, openings, closings = (range(number) for number in wordings(question))
    return list(product(phrases, names, openings, closings))


@pytest.mark.parametrize("operation", OPERATIONS["place"])
@pytest.mark.parametrize("place", PLACES["place"])
def test_every_wording_tells_operation_and_place(operation, place):
    for wording in all_wordings("place"):
        assert understand_place(instruction("place", operation, place, wording)) == (operation, place)


@pytest.mark.parametrize("operation", OPERATIONS["neighbour"])
def test_every_wording_of_a_neighbour_question_tells_the_direction(operation):
    for wording in all_wordings("neighbour"):
        assert understand_neighbour(instruction("neighbour", operation, "centre", wording)) == operation


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_combination_is_another_text_in_lower_case_with_simple_punctuation(question):
    place = PLACES[question][0]
    texts = [instruction(question, op, place, w) for op in OPERATIONS[question] for w in all_wordings(question)]
    assert len(set(texts)) == len(texts)
    assert all(re.fullmatch(r"[a-z]+(,? [a-z]+)*\??", text) for text in texts)


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_length_of_a_text_says_nothing_about_operation_or_place(question):
    phrases, names, _, _ = wordings(question)
    for phrase, name in product(range(phrases), range(names)):
        wording, places = (phrase, name, 0, 0), PLACES[question]  # openings and closings are the same for all
        texts = [instruction(question, op, place, wording) for op in OPERATIONS[question] for place in places]
        assert len({len(text.split()) for text in texts}) == 1, texts


def test_texts_have_four_to_sixteen_words():
    lengths = {len(instruction("place", "sound", "lower left", wording).split()) for wording in all_wordings("place")}
    assert lengths == set(range(4, 17))


def test_a_neighbour_is_one_step_away_and_on_the_grid():
    steps = {"left": (0, -1), "right": (0, 1), "above": (-1, 0), "below": (1, 0), "same": (0, 0)}
    for operation, pairs in zip(OPERATIONS["neighbour"], neighbour_cells(), strict=True):
        for spoken, answer in pairs:
            row, column = spoken // 3 + steps[operation][0], spoken % 3 + steps[operation][1]
            assert 0 <= row < 3 and 0 <= column < 3 and answer == 3 * row + column
        assert len(pairs) == (9 if operation == "same" else 6)
