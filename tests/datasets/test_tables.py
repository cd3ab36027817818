"""Tables, names and splits that the readers of feature files share."""

import re

import numpy as np
import pytest

from mmgraph.datasets.tables import check_lengths, check_unique, find_split, names, numbers, table


@pytest.mark.parametrize("value", [[[1], [1, 2]], [["a"]], None, np.zeros(3), [[object()]]])
def test_what_is_no_table_is_named(value):
    with pytest.raises(ValueError, match="audio is an array of numbers with 2 axes, got"):
        numbers(value, 2, "audio")


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 1e300])
def test_a_value_that_is_no_finite_float32_is_named_with_its_place(odd):
    with pytest.raises(ValueError, match=re.escape(f"audio has {odd} in row 1, column 0")):
        table([[1.0, 2.0], [odd, 3.0]], "audio")


def test_only_minus_infinity_has_another_meaning():
    assert table([[-np.inf, 1.0]], "audio", lowest=0).tolist() == [[0.0, 1.0]]
    with pytest.raises(ValueError, match="column 1"):
        table([[-np.inf, np.inf]], "audio", lowest=0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["a", b"b", 3], ["a", "b", "3"]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([["v", "1"], ["v", "2"]]), ["v/1", "v/2"]),
        ([np.array("v"), np.array(["w"])], ["v", "w"]),
    ],
)
def test_names_come_in_several_forms(value, expected):
    assert names(value, "id") == expected


@pytest.mark.parametrize("value", ["abc", None, np.array(3), 7])
def test_what_is_no_list_of_names_is_refused(value):
    with pytest.raises(ValueError, match="id is a list of names, got"):
        names(value, "id")


@pytest.mark.parametrize("entry", [None, {}, True, [[[[["deep"]]]]]])
def test_an_entry_that_is_no_name_is_refused(entry):
    with pytest.raises(ValueError, match=r"id has a (NoneType|dict|bool|list) where a name is wanted"):
        names(["a", entry], "id")


def test_an_id_that_comes_twice_is_named():
    with pytest.raises(ValueError, match="val: id 'b' of sample 2 is that of sample 1 too"):
        check_unique(["a", "b", "b"], "val")


@pytest.mark.parametrize("alias", ["val", "valid", "validation", "dev"])
def test_validation_has_several_names(alias):
    assert find_split({"train": {}, alias: {"x": 1}}, "val") == {"x": 1}


@pytest.mark.parametrize("content", [{"train": {}}, {"val": {}, "dev": {}}, {"val": [1]}, [1, 2], None])
def test_a_split_that_is_not_there_once_is_refused(content):
    with pytest.raises(ValueError, match="there is no one dict of split='val', but"):
        find_split(content, "val")
    with pytest.raises(ValueError, match="split='dev' is not 'train', 'val' or 'test'"):
        find_split(content, "dev")


@pytest.mark.parametrize("columns", [{"a": [1], "b": [1, 2]}, {"a": []}])
def test_columns_have_an_entry_per_sample(columns):
    with pytest.raises(ValueError, match="train: every column has an entry per sample"):
        check_lengths(columns, "train")
