"""`Sentences`; what every front end promises is asked in test_front_ends.py."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.features import Sentences
from mmgraph.features.sentences import sentence_places


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four… Five", ["One.", "Two!", "Three?", "Four…", "Five"]),
        ('He said "Stop!" and left. "Why?" She knew.', ['He said "Stop!" and left.', '"Why?"', "She knew."]),
        ("Dr. J. Smith is 3.5 km away, e.g. here.", ["Dr. J. Smith is 3.5 km away, e.g. here."]),
        ("今日は。元気？はい！", ["今日は。", "元気？", "はい！"]),
        ("Title\n\nno stop\nsame line", ["Title", "no stop\nsame line"]),
        ("Windows.\r\n\r\nlines", ["Windows.", "lines"]),
        ("Vraiment ? Oui !", ["Vraiment ?", "Oui !"]),
        ("  a  ", ["a"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentence_places(text)] == expected


@given(st.text(alphabet=st.sampled_from("aB.!?。 \n\"'"), max_size=30))
def test_sentences_cover_all_but_spaces_in_order(text: str) -> None:
    places = sentence_places(text)
    covered = "".join(text[start:end] for start, end in places)
    assert "".join(covered.split()) == "".join(text.split())
    assert all(start < end for start, end in places)
    assert [border for place in places for border in place] == sorted(border for place in places for border in place)


def test_nodes_carry_the_sentence_and_its_place() -> None:
    nodes = Sentences(64)(["A cat. A dog.", None, ""])
    assert nodes.attributes["text"].tolist() == ["A cat.", "A dog."]
    assert nodes.attribute("characters").tolist() == [[0, 6], [7, 13]]
    assert nodes.counts.tolist() == [2, 0, 0]
    assert nodes.x.norm(dim=1).tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize("text", ["a. " * 50_000, "." + '"' * 100_000, "\n " * 50_000, "A. " * 50_000])
def test_a_long_text_takes_time_in_proportion(text: str) -> None:
    start = time.process_time()
    sentence_places(text)
    assert time.process_time() - start < 2
