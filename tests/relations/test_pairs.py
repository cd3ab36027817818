"""Index arithmetic that the rules share; the rules' own tests ask the rest."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.relations.pairs import portions


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(1, 12))
def test_portions_follow_each_other_and_are_small(counts: list[int], limit: int) -> None:
    parts = portions(torch.tensor(counts, dtype=torch.int64), limit)
    assert [row for start, stop in parts for row in range(start, stop)] == list(range(len(counts)))
    assert all(sum(counts[start + 1 : stop]) < limit for start, stop in parts)
