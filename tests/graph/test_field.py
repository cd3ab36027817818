import numpy as np
import pytest
import torch

from mmgraph.graph import STANDARD_ATTRIBUTES, Field, GraphSchema
from mmgraph.graph.field import dtype_name


@pytest.mark.unchecked
def test_a_shape_becomes_a_tuple_of_ints() -> None:
    assert Field("float32", [2, 3]) == Field("float32", (2, 3))  # type: ignore[arg-type]


@pytest.mark.unchecked
@pytest.mark.parametrize("number", [np.int64(3), np.array([0, 2]).max() + 1, torch.tensor([0, 2]).max() + 1])
def test_a_number_of_classes_counted_by_numpy_or_torch_is_a_number(number: int) -> None:
    field = Field("int64", num_classes=number)
    assert type(field.num_classes) is int
    schema = GraphSchema({"text": 1}, targets={"answer": field})
    assert schema == GraphSchema({"text": 1}, targets={"answer": Field("int64", num_classes=3)})


@pytest.mark.unchecked
@pytest.mark.parametrize("number", [3.0, np.float32(3), torch.tensor(2.5), True, "3"])
def test_a_number_of_classes_that_is_not_whole_is_refused(number: object) -> None:
    with pytest.raises(ValueError, match=r"num_classes=.* is not a whole number"):
        Field("int64", num_classes=number)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dtype": "float16"}, "dtype='float16' is not one of float32"),
        ({"dtype": "text", "shape": (2,)}, r"a text has no shape, got shape=\(2,\)"),
        ({"shape": (2, -1)}, r"sizes are 0 or more, got shape=\(2, -1\)"),
        ({"dtype": "float32", "num_classes": 3}, "num_classes=3 needs an int dtype"),
        ({"dtype": "int64", "num_classes": 0}, "num_classes=0 needs an int dtype and at least 1"),
    ],
)
def test_an_impossible_field_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Field(**arguments)  # type: ignore[arg-type]


def test_the_standard_attributes_have_one_meaning() -> None:
    assert STANDARD_ATTRIBUTES["span"].shape == (2,)
    assert STANDARD_ATTRIBUTES["box"].shape == (4,)
    assert STANDARD_ATTRIBUTES["text"].dtype == "text"


def test_a_dtype_that_graphs_do_not_hold_is_named() -> None:
    assert dtype_name(torch.int64, "position") == "int64"
    with pytest.raises(ValueError, match=r"'position' has torch.float16; graphs hold float32"):
        dtype_name(torch.float16, "position")
