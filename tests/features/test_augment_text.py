"""Changes of texts; what holds for every change is asked in test_augment_samples.py."""

import numpy as np
import pytest

from mmgraph.features import DropWords


def test_words_go_with_their_chance_and_keep_their_order() -> None:
    text = " ".join(str(number) for number in range(200))
    kept = DropWords("text", 0.3)({"text": text}, np.random.default_rng(0))["text"].split()
    assert 110 < len(kept) < 170
    assert [int(word) for word in kept] == sorted(int(word) for word in kept)


def test_one_word_stays_and_each_may_be_it() -> None:
    found = {DropWords("text", 1.0)({"text": "a b c"}, np.random.default_rng(seed))["text"] for seed in range(40)}
    assert found == {"a", "b", "c"}


def test_a_rate_is_a_chance_and_a_text_a_str() -> None:
    with pytest.raises(ValueError, match=r"rate=2\.0 is not in 0\.\.1"):
        DropWords("text", 2.0)
    with pytest.raises(ValueError, match="DropWords takes str, got int"):
        DropWords("text")({"text": 7}, np.random.default_rng(0))
