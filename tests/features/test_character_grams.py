"""`CharacterGrams`; what every front end promises is asked in test_front_ends.py."""

import pytest

from mmgraph.features import CharacterGrams, Words


def test_words_are_those_of_the_front_end_words() -> None:
    text = "Isn't größer, 3x?"
    nodes = CharacterGrams(16)([text, ""])
    assert nodes.attributes["text"] == Words(("a",))([text]).attributes["text"]
    assert nodes.counts.tolist() == [5, 0]
    assert nodes.attribute("position").tolist() == [0, 1, 2, 3, 4]


def test_forms_of_a_word_are_nearer_than_other_words() -> None:
    x = CharacterGrams(256)(["größer größten kleiner"]).x
    assert x[0] @ x[1] > x[0] @ x[2] + 0.2


def test_what_is_no_str_is_refused() -> None:
    with pytest.raises(ValueError, match="CharacterGrams takes str, got bytes"):
        CharacterGrams()([b"left"])
