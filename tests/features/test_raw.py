"""What the front ends share."""

from typing import Any

import numpy as np
import pytest
import torch

from mmgraph.features.raw import check_each, encodable, join, rows_of, text_of
from mmgraph.graph import Field


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


def test_nodes_of_inputs_are_put_together_in_their_positions() -> None:
    fields = {"position": Field("int64"), "text": Field("text"), "pair": Field("int32", (2,))}
    parts: list[tuple[int, Any]] = [
        (1, (torch.ones(2, 1), {"position": torch.arange(2), "text": ["a", "b"], "pair": torch.zeros(2, 2)})),
        (2, (torch.zeros(0, 1), {"position": torch.zeros(0), "text": [], "pair": torch.zeros(0, 2)})),
    ]
    nodes = join(parts, 4, 1, fields)
    assert nodes.counts.tolist() == [0, 2, 0, 0]
    assert nodes.attributes["text"].tolist() == ["a", "b"]
    assert nodes.attribute("pair").dtype == torch.int32
    assert join([], 2, 3, fields).attribute("pair").shape == (0, 2)


def test_a_feature_that_became_infinite_is_named() -> None:
    with pytest.raises(ValueError, match="input 1 of 2: feature 1 of node 0 is inf"):
        join([(1, (torch.tensor([[0.0, float("inf")]]), {}))], 2, 2, {})


def test_a_table_of_numbers_is_taken_in_many_forms() -> None:
    for table in ([[1, 2], [3, 4]], np.array([[1, 2], [3, 4]], dtype=np.int8), torch.tensor([[1.0, 2], [3, 4]])):
        assert rows_of(table, 2, "x").tolist() == [[1, 2], [3, 4]]
    assert rows_of([True, False], 1, "x").tolist() == [[1], [0]]
    assert rows_of([], 3, "x").shape == (0, 3)
    assert rows_of(np.zeros((2, 5)), None, "x").shape == (2, 5)
    assert np.isnan(rows_of([[float("nan")]], 1, "x", finite=False)).all()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([[1, 2], [3]], "x is a table .* got rows of different lengths"),
        ([["a", "b"]], "x is a table .* of numbers, got <U1"),
        ([[1j, 2]], "got complex128"),
        ([[None, 2]], "got object"),
        ([1, 2], r"x has shape \[2\], expected \[rows, 2\]"),
        ([[[1, 2]]], r"x has shape \[1, 1, 2\]"),
        ([[1, 2, 3]], r"x has shape \[1, 3\], expected \[rows, 2\]"),
        ([[1, 2], [3, float("-inf")]], "x has -inf in row 1, column 1; give finite numbers"),
        ([[1e300, 2]], r"x has 1e\+300 in row 0, column 0: too large for float32"),
    ],
)
def test_what_is_no_such_table_is_refused(table: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rows_of(table, 2, "x")


def test_a_text_is_a_str_and_lone_surrogates_are_replaced() -> None:
    assert encodable("a\ud800b") == "a\ufffdb"
    with pytest.raises(ValueError, match="Words takes str, got int: 7"):
        text_of(7, "Words")
