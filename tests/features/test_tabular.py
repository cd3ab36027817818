"""`Table`; what every front end promises is asked in test_front_ends.py."""

from typing import Any

import numpy as np
import pytest

from mmgraph.features import Table

ROWS = [{"age": 50, "weight": 60.0, "smoker": "yes"}, {"age": np.int64(70), "weight": None, "smoker": True}]


@pytest.fixture
def record() -> Table:
    return Table(["age", "weight"], ["smoker"]).fit(ROWS)


def test_fit_learns_scales_and_categories(record: Table) -> None:
    assert (record.mean, record.std, record.values) == ((60, 60), (10, 1), (("True", "yes"),))
    assert record.attributes["category"].num_classes == 3


def test_a_node_per_column_that_is_there(record: Table) -> None:
    nodes = record([{"weight": 61, "smoker": "yes", "age": float("nan")}, {}, {"smoker": ""}, {"smoker": "no"}])
    assert nodes.counts.tolist() == [2, 0, 0, 1]
    assert nodes.attribute("column").tolist() == [1, 2, 2]
    assert nodes.attribute("category").tolist() == [0, 2, 0]
    assert nodes.x.squeeze(1).tolist() == [1, 0, 0]
    assert nodes.attributes["text"].tolist() == ["weight: 61", "smoker: yes", "smoker: no"]


def test_before_fit_numbers_are_as_they_are() -> None:
    assert Table(["age"])([{"age": 50}]).x.tolist() == [[50]]


def test_a_column_without_values_teaches_nothing() -> None:
    with pytest.raises(ValueError, match="Table found no value to learn from in weight, smoker"):
        Table(["age", "weight"], ["smoker"]).fit([{"age": 1}])


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([50], "takes a mapping of columns to values, got list"),
        ({"height": 2}, r"unknown columns \['height'\]; the table has age, weight, smoker"),
        ({"age": "old"}, "column 'age' holds finite numbers below 1e30, got 'old'"),
        ({"age": np.array([1, 2])}, r"column 'age' holds finite numbers below 1e30, got array\(\[1, 2\]\)"),
        ({"smoker": np.array(["", "no"])}, "column 'smoker' holds categories"),
        ({"age": float("inf")}, "column 'age' holds finite numbers below 1e30, got inf"),
        ({"age": 10**400}, "column 'age' holds finite numbers below 1e30"),
        ({"smoker": 0.5}, "column 'smoker' holds categories"),
    ],
)
def test_an_input_of_another_form_is_refused(raw: Any, message: str, record: Table) -> None:
    with pytest.raises(ValueError, match=message):
        record([raw])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "a table without columns"),
        ({"numbers": ["a", "a"]}, "numbers has entries that are repeated or empty"),
        ({"numbers": ["a"], "categories": ["a"]}, "numbers and categories together has entries that are repeated"),
        ({"categories": ["a"], "values": [["x"], ["y"]]}, "values of 2 columns: give those of 1"),
        ({"categories": ["a"], "values": [["x", "x"]]}, "values has entries that are repeated"),
        ({"numbers": ["a"], "mean": [1.0]}, "1 values of mean and 0 of std"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Table(**wrong)
