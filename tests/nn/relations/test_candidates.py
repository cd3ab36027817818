"""The choice of edges against a slow one."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.nn.relations.candidates import choose


@given(st.integers(0, 2**16), st.integers(1, 4), st.none() | st.integers(1, 6), st.integers(0, 4), st.integers(0, 4))
def test_the_best_of_each_destination_and_then_of_each_graph(
    seed: int, k: int, per_graph: int | None, destinations: int, sources: int
) -> None:
    """With many equal scores, of which the first are taken."""
    draw = torch.Generator().manual_seed(seed)
    score = torch.randint(3, (2, destinations, sources), generator=draw).float()
    possible = torch.rand(score.shape, generator=draw) < 0.7
    expected = torch.zeros_like(possible)
    for g in range(2):
        kept = []
        for d in range(destinations):
            row = sorted((-float(score[g, d, s]), d, s) for s in range(sources) if possible[g, d, s])
            kept += row[:k]
        for _, d, s in sorted(kept)[:per_graph]:
            expected[g, d, s] = True
    assert torch.equal(choose(score, possible, k, per_graph), expected)
