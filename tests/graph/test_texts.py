import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.graph import Texts

STRINGS = st.lists(st.text(max_size=5), max_size=5)


@given(STRINGS, st.data())
def test_strings_are_kept_selected_and_cut_like_a_list(strings: list[str], data: st.DataObject) -> None:
    texts = Texts.of(strings)
    assert texts.tolist() == list(texts) == strings
    assert len(texts) == len(strings)
    assert [texts[i] for i in range(-len(strings), 0)] == strings
    rows = data.draw(st.lists(st.integers(0, len(strings) - 1), max_size=5)) if strings else []
    assert texts.select(torch.tensor(rows, dtype=torch.int32)).tolist() == [strings[i] for i in rows]
    start = data.draw(st.integers(0, len(strings)))
    assert texts.narrow(start, len(strings)).tolist() == strings[start:]


@given(STRINGS, STRINGS)
def test_equality_is_that_of_the_lists(one: list[str], other: list[str]) -> None:
    assert (Texts.of(one) == Texts.of(other)) == (one == other)
    assert Texts.concat([Texts.of(one), Texts.of(other)]) == Texts.of([*one, *other])
    assert pickle.loads(pickle.dumps(Texts.of(one))) == Texts.of(one)


def test_a_lone_surrogate_becomes_one_replacement_sign_and_a_pair_its_character() -> None:
    assert Texts.of(["a\ud800b", "\ud83d\ude00"]).tolist() == ["a\ufffdb", "😀"]


def test_a_pickled_piece_does_not_carry_the_whole() -> None:
    texts = Texts.of(["word"] * 10_000).narrow(3, 5)
    assert len(pickle.dumps(texts)) < 2_000
    assert pickle.loads(pickle.dumps(texts)).tolist() == ["word", "word"]


def test_texts_are_neither_hashable_nor_equal_to_a_list() -> None:
    assert Texts.of(["a"]) != ["a"]
    with pytest.raises(TypeError):
        hash(Texts.of(["a"]))


def test_an_index_out_of_range_is_refused() -> None:
    with pytest.raises(IndexError, match="string 2 of 2"):
        Texts.of(["a", "b"])[2]


@pytest.mark.unchecked
def test_what_is_no_list_of_strings_is_refused() -> None:
    with pytest.raises(ValueError, match="got the string 'abc'; put it in a list"):
        Texts.of("abc")
    with pytest.raises(ValueError, match="expected a string, got 3"):
        Texts.of(["a", 3])  # type: ignore[list-item]
