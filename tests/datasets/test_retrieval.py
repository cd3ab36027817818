"""Ranks of right candidates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.datasets import pair_auc, recall_at, retrieval_ranks


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=8), st.integers(0, 99))
def test_ranks_are_those_of_a_slow_count(names, seed):
    scores = np.random.default_rng(seed).integers(0, 4, (len(names), len(names))).astype(float)
    for i, rank in enumerate(retrieval_ranks(scores, names, names).tolist()):
        best = max(score for score, name in zip(scores[i], names, strict=True) if name == names[i])
        wrong = [score for score, name in zip(scores[i], names, strict=True) if name != names[i]]
        assert rank == 1 + sum(score >= best for score in wrong)


def test_equal_scores_find_nothing():
    ranks = retrieval_ranks(np.zeros((3, 3)), ["a", "b", "c"], ["a", "b", "c"])
    assert ranks.tolist() == [3, 3, 3] and recall_at(ranks, 1) == 0 and recall_at(ranks, 3) == 1
    assert pair_auc(np.zeros((3, 3)), ["a", "b", "c"], ["a", "b", "c"]) == 0.5


def test_scores_and_names_have_to_fit():
    with pytest.raises(ValueError, match=r"scores\.shape=\(2, 2\)"):
        retrieval_ranks(np.zeros((2, 2)), ["a"], ["a", "b"])
    with pytest.raises(ValueError, match="a finite number per pair"):
        retrieval_ranks(np.full((1, 1), np.nan), ["a"], ["a"])
    with pytest.raises(ValueError, match="query 0, 'x', has no right candidate"):
        retrieval_ranks(np.zeros((1, 1)), ["x"], ["a"])
