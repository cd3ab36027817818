"""`Words`; what every front end promises is asked in test_front_ends.py."""

import time
from typing import Any

import pytest

from mmgraph.features import Words
from mmgraph.features.words import tokens
from mmgraph.graph import NodeSet


def numbers(nodes: NodeSet) -> list[int]:
    return nodes.attribute("token").tolist()


def test_tokens_get_the_number_of_their_place_in_the_vocabulary_and_0_is_unknown() -> None:
    nodes = Words(("left", "right", "?"))(["Left, or RIGHT?", None, "right"])
    assert nodes.ptr.tolist() == [0, 5, 5, 6]
    assert numbers(nodes) == [1, 0, 0, 2, 3, 2]
    assert nodes.attribute("position").tolist() == [0, 1, 2, 3, 4, 0]
    assert nodes.attributes["text"].tolist() == ["Left", ",", "or", "RIGHT", "?", "right"]
    assert Words(("left", "right", "?")).attributes["token"].num_classes == 4


def test_fit_orders_by_count_and_then_by_the_alphabet() -> None:
    assert Words().fit(["b a c", "c B", "c"]).vocabulary == ("c", "b", "a")
    assert Words(max_size=2).fit(["b a c", "c B", "c"]).vocabulary == ("c", "b")
    assert Words(min_count=2).fit(["b a c", "c B", "c"]).vocabulary == ("c", "b")
    assert Words().fit(["z y", "x"]).vocabulary == ("x", "y", "z")


def test_fit_does_not_depend_on_the_order_of_texts() -> None:
    texts = ["one two", "two three", "four one", "five"]
    assert Words().fit(texts) == Words().fit(texts[::-1])


def test_an_empty_text_has_no_nodes_like_a_missing_one() -> None:
    assert Words(("a",))(["", "  \n", None]).counts.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("don't stop", ["don't", "stop"]),
        ("'quoted' it’s", ["'", "quoted", "'", "it’s"]),
        ("a_b 3.5 x--y", ["a_b", "3", ".", "5", "x", "-", "-", "y"]),
        ("größer", ["größer"]),
        ("cafe\u0301", ["café"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("❤\ufe0f ok", ["❤\ufe0f", "ok"]),
        ("слева сверху?", ["слева", "сверху", "?"]),
    ],
)
def test_words_of_many_scripts_stay_whole(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_a_long_text_takes_time_in_proportion() -> None:
    start = time.process_time()
    assert len(tokens("ab'" * 200_000)) == 2
    assert time.process_time() - start < 2


def test_a_lone_surrogate_does_not_break_the_nodes() -> None:
    assert Words(("a",))(["a \ud800"]).attributes["text"].tolist() == ["a", "\ufffd"]


def test_an_untrained_vocabulary_is_an_error_that_says_how_to_train_it() -> None:
    with pytest.raises(ValueError, match=r"no vocabulary: learn it with Words\(\)\.fit\(texts\) or GraphBuilder\.fit"):
        Words()(["left"])


@pytest.mark.parametrize("texts", [[], ["", " "], ["once only"]])
def test_texts_without_a_frequent_token_teach_nothing(texts: list[str]) -> None:
    with pytest.raises(ValueError, match="no token that occurs min_count=2 times"):
        Words(min_count=2).fit(texts)


@pytest.mark.parametrize("raw", [b"left", 7, ["left"]])
def test_what_is_no_str_is_refused(raw: Any) -> None:
    with pytest.raises(ValueError, match=f"Words takes str, got {type(raw).__name__}"):
        Words(("left",))([raw])
    with pytest.raises(ValueError, match=f"Words takes str, got {type(raw).__name__}"):
        Words().fit([raw])


@pytest.mark.parametrize("vocabulary", [("a", "b", "a"), ("",), ("Left",)])
def test_a_vocabulary_is_of_different_lower_case_tokens(vocabulary: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="repeated, empty or not in lower case"):
        Words(vocabulary)


def test_one_text_is_no_vocabulary() -> None:
    with pytest.raises(ValueError, match="vocabulary='left right' is one text"):
        Words("left right")


@pytest.mark.parametrize("wrong", [{"min_count": 0}, {"max_size": 0}])
def test_sizes_are_at_least_one(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="give at least 1"):
        Words(**wrong)  # type: ignore[arg-type]
