"""The highest of each group against a slow loop."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.nn.ranking import highest, share_of


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3))), st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_as_many_as_there_is_room_for_and_the_first_among_equals(rows: list[tuple[int, int]], room: list[int]) -> None:
    expected = [False] * len(rows)
    for group in range(4):
        numbers = sorted((-score, i) for i, (score, of) in enumerate(rows) if of == group)
        for _, i in numbers[: room[group]]:
            expected[i] = True
    score, of = (torch.tensor([row[i] for row in rows], dtype=torch.int64) for i in (0, 1))
    assert highest(score.float(), of, torch.tensor(room)).tolist() == expected


def test_a_share_is_rounded_up_but_not_by_rounding_errors() -> None:
    counts = torch.arange(1, 101)
    assert share_of(0.1, counts).tolist() == [(count + 9) // 10 for count in range(1, 101)]
    assert torch.equal(share_of(1.0, counts), counts)
