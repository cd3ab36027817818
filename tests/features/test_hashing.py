"""Hashed character n-grams."""

import numpy as np
import pytest

from mmgraph.features.hashing import check_grams, hashed_grams


def test_a_vector_has_length_one_or_is_zero() -> None:
    assert np.linalg.norm(hashed_grams(["größer", "?"], 32, 3, 4)) == pytest.approx(1)
    assert not hashed_grams([], 32, 3, 4).any()


def test_case_and_unicode_form_do_not_count() -> None:
    assert np.array_equal(hashed_grams(["CAFÉ"], 64, 3, 4), hashed_grams(["cafe\u0301"], 64, 3, 4))


def test_the_order_of_words_does_not_count_and_their_number_does() -> None:
    one, two, other = (hashed_grams(words, 512, 3, 4) for words in (["ab", "cd"], ["cd", "ab"], ["ab", "ab", "cd"]))
    assert np.array_equal(one, two)
    assert not np.allclose(one, other)


def test_words_that_share_no_ngram_are_nearly_orthogonal() -> None:
    words = [f"{a}{b}{c}" for a in "abcdefgh" for b in "ijklmno" for c in "pqrstuv"]
    vectors = np.stack([hashed_grams([word], 256, 5, 5) for word in words])  # one 5-gram: the whole word
    products = (vectors @ vectors.T)[np.triu_indices(len(words), 1)]
    assert abs(products.mean()) < 0.002
    assert 0 < (products != 0).mean() < 1.2 / 256  # about how often two of 256 places are one


def test_a_short_word_counts_whole() -> None:
    assert np.count_nonzero(hashed_grams(["a"], 64, 4, 6)) == 1


def test_a_lone_surrogate_has_a_hash_too() -> None:
    assert hashed_grams(["\ud800"], 64, 3, 4).any()


@pytest.mark.parametrize("sizes", [(0, 3, 4), (8, 0, 4), (8, 4, 3)])
def test_sizes_that_make_no_sense_are_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="take channels >= 1 and 1 <= low <= high"):
        check_grams(*sizes)
