import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.graph.ragged import (
    compact,
    gather_rows,
    index_dtype,
    row_ptr,
    running_ptr,
    segment_of_row,
    take_rows,
    to_ptr,
)

COUNTS = st.lists(st.integers(0, 4), max_size=6)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=6), st.sampled_from([torch.int32, torch.int64])
)
def test_gathered_rows_are_the_segments_one_after_the_other(
    segments: list[tuple[int, int]], dtype: torch.dtype
) -> None:
    starts = torch.tensor([start for start, _ in segments], dtype=torch.int64)
    counts = torch.tensor([count for _, count in segments], dtype=torch.int64)
    rows, ptr = gather_rows(starts, counts, dtype)
    assert rows.tolist() == [start + i for start, count in segments for i in range(count)]
    assert rows.dtype == dtype
    assert ptr.diff().tolist() == counts.tolist()


@given(COUNTS)
def test_segment_of_row_inverts_the_pointers(counts: list[int]) -> None:
    ptr = to_ptr(torch.tensor(counts, dtype=torch.int64))
    expected = [segment for segment, count in enumerate(counts) for _ in range(count)]
    assert segment_of_row(ptr).tolist() == segment_of_row(ptr, sum(counts)).tolist() == expected


@given(st.integers(0, 3), st.integers(0, 4), st.randoms())
def test_pointers_of_several_rows(kinds: int, segments: int, random: object) -> None:
    counts = torch.randint(0, 4, (kinds, segments))
    assert row_ptr(counts).tolist() == [to_ptr(row).tolist() for row in counts]
    running = running_ptr(counts)
    assert running.shape == (kinds, segments + 1)
    assert running.diff(dim=1).equal(counts)
    assert running[1:, 0].equal(running[:-1, -1])


def test_int32_is_used_as_far_as_it_reaches() -> None:
    assert index_dtype(0) == index_dtype(2**31) == torch.int32
    assert index_dtype(2**31 + 1) == torch.int64


def test_compact_copies_views_only() -> None:
    whole = torch.arange(10)
    assert compact(whole) is whole
    piece = compact(whole[2:4])
    assert piece.tolist() == [2, 3]
    assert piece.untyped_storage().nbytes() == 16
    transposed = torch.arange(6).view(2, 3).T
    assert compact(transposed).equal(transposed)


@given(st.sampled_from([(), (0,), (1,), (3,), (1, 1), (2, 2)]), st.lists(st.integers(0, 4), max_size=6))
def test_taken_rows_are_those_of_an_index(shape: tuple[int, ...], rows: list[int]) -> None:
    values = torch.rand(5, *shape)
    index = torch.tensor(rows, dtype=torch.int64)
    for place in (index, index.int()):
        assert take_rows(values, place).equal(values[index])
    assert take_rows(values[::2], index // 2).equal(values[::2][index // 2])
