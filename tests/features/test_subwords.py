"""`Subwords`; what every front end promises is asked in test_front_ends.py."""

import pickle
import sys
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from mmgraph.features import Subwords

KINDS: tuple[Literal["bpe", "wordpiece"], ...] = ("bpe", "wordpiece")
kinds = pytest.mark.parametrize("kind", KINDS)
TEXTS = ["low lower lowest, slow slower", "new newer newest and wide wider widest", "Größe, größer, am größten"] * 3


@pytest.fixture(scope="module")
def fitted() -> dict[str, Subwords]:
    return {kind: Subwords(kind, size=320).fit(TEXTS) for kind in KINDS}


@kinds
@given(st.text(max_size=40))
def test_pieces_are_where_they_say_and_in_order(kind: str, fitted: dict[str, Subwords], text: str) -> None:
    nodes = fitted[kind]([text])
    places = nodes.attribute("characters").tolist()
    clean = "".join("\ufffd" if 0xD800 <= ord(letter) < 0xE000 else letter for letter in text)
    assert nodes.attributes["text"].tolist() == [clean[start:end] for start, end in places]
    assert places == sorted(places)
    assert (nodes.attribute("token") < (fitted[kind].attributes["token"].num_classes or 0)).all()
    assert not text.strip() or kind == "wordpiece" or nodes.num_nodes


@kinds
def test_fit_depends_on_the_texts_and_nothing_else(kind: Literal["bpe", "wordpiece"]) -> None:
    one, other = Subwords(kind, size=320).fit(TEXTS), Subwords(kind, size=320).fit(TEXTS[::-1])
    assert one.state == other.state
    assert hash(one) == hash(other)


@kinds
def test_a_fitted_one_travels_to_a_worker(kind: str, fitted: dict[str, Subwords]) -> None:
    again = pickle.loads(pickle.dumps(fitted[kind]))
    assert again == fitted[kind]
    assert again(["lowest"]).attribute("token").equal(fitted[kind](["lowest"]).attribute("token"))


def test_a_frequent_word_is_one_piece_and_a_rare_one_several(fitted: dict[str, Subwords]) -> None:
    for front_end in fitted.values():
        assert front_end(["lower"]).num_nodes <= 2
        assert front_end(["newlow"]).num_nodes >= 2


def test_bytes_know_every_text_and_characters_do_not(fitted: dict[str, Subwords]) -> None:
    assert (fitted["bpe"](["日本"]).attribute("token") > 0).all()
    assert fitted["wordpiece"](["日 low"]).attribute("token").tolist()[0] == 0


def test_case_and_accents_are_one_to_wordpiece(fitted: dict[str, Subwords]) -> None:
    token = [fitted["wordpiece"]([text]).attribute("token").tolist() for text in ("Größer", "grosser", "größer")]
    assert token[0] == token[2]


@kinds
def test_spaces_are_no_tokens(kind: str, fitted: dict[str, Subwords]) -> None:
    assert fitted[kind](["", " \n\t "]).counts.tolist() == [0, 0]


@kinds
def test_texts_without_a_word_teach_nothing(kind: Literal["bpe", "wordpiece"]) -> None:
    with pytest.raises(ValueError, match="Subwords found no text to learn from"):
        Subwords(kind).fit(["", "  "])


def test_without_a_vocabulary_the_way_to_one_is_said() -> None:
    with pytest.raises(ValueError, match=r"no vocabulary: learn it with Subwords\(\)\.fit"):
        Subwords()(["a"])


def test_a_tokenizer_of_another_kind_is_refused(fitted: dict[str, Subwords]) -> None:
    with pytest.raises(ValueError, match="state is a tokenizer of kind 'bpe', not 'wordpiece'"):
        Subwords("wordpiece", state=fitted["bpe"].state)
    with pytest.raises(ValueError, match="state is a tokenizer of kind 'unigram', not 'bpe'"):
        Subwords(state=Tokenizer(models.Unigram([("a", 0.0)], 0)).to_str())
    with pytest.raises(ValueError, match="state is not a tokenizer in the JSON format"):
        Subwords(state="{}")


def test_a_tokenizer_that_says_so_does_not_cut_texts(fitted: dict[str, Subwords]) -> None:
    tokenizer = Tokenizer.from_str(fitted["bpe"].state)
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=50)
    words = "low " * 20
    assert Subwords(state=tokenizer.to_str())([words]).num_nodes == fitted["bpe"]([words]).num_nodes


@pytest.mark.unchecked
@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"kind": "bytes"}, "kind='bytes' is not"), ({"size": 299}, "size=299"), ({"min_count": 0}, "min_count=0")],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Subwords(**wrong)


def test_without_tokenizers_the_way_to_install_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match=r'tokenizers is not installed: pip install "mmgraph\[text\]"'):
        Subwords().fit(["a"])
