"""What the front ends share."""

import pytest

from mmgraph.features.raw import check_each


def positive(raw: object) -> int:
    if not isinstance(raw, int) or raw <= 0:
        raise ValueError(f"{raw} is not positive")
    return raw * 2


def test_inputs_that_are_there_keep_their_position() -> None:
    assert check_each([3, None, 5], positive) == [(0, 6), (2, 10)]


def test_of_several_inputs_the_wrong_one_is_named() -> None:
    with pytest.raises(ValueError, match=r"(?s)-1 is not positive.*in input 2 of 3"):
        check_each([3, None, -1], positive)
    with pytest.raises(ValueError, match=r"^-1 is not positive$"):
        check_each([-1], positive)
