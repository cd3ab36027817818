"""Targets of raw samples; through `GraphBuilder` in test_builder.py."""

from typing import Any

import numpy as np
import pytest
import torch

from mmgraph.graph import Field, NodeSet
from mmgraph.relations.targets import collect_targets


def collect(field: Field, *values: Any, nodes: dict[str, NodeSet] | None = None) -> tuple[list[Any], list[bool]]:
    samples = [{"id": f"s{index}", "y": value} for index, value in enumerate(values)]
    target = collect_targets({"y": field}, samples, nodes or {})["y"]
    return target.values.tolist(), target.mask.tolist()


def test_a_target_that_is_none_or_absent_is_masked() -> None:
    assert collect(Field("int64", num_classes=10), 3, None) == ([3, 0], [True, False])
    absent = collect_targets({"y": Field()}, [{"id": "a"}], {})["y"]
    assert absent.mask.tolist() == [False]


def test_numbers_arrays_and_tensors_are_taken() -> None:
    assert collect(Field("float32", (2,)), [1, 2], np.array([3.0, 4.0]), torch.tensor([5, 6]))[0] == [
        [1, 2],
        [3, 4],
        [5, 6],
    ]
    assert collect(Field("bool"), True, np.bool_(False))[0] == [True, False]


def test_a_target_of_nodes_has_a_row_per_node() -> None:
    nodes = {"word": NodeSet.of([torch.zeros(2, 1), torch.zeros(0, 1), torch.zeros(1, 1)])}
    values, mask = collect(Field("int64", of="word"), [4, 5], [], None, nodes=nodes)
    assert values == [4, 5, 0]
    assert mask == [True, True, False]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (Field("int64"), 7.5),
        (Field("int64"), 7.0),
        (Field("int64"), "seven"),
        (Field("uint8"), 256),
        (Field("bool"), 1),
        (Field("float32"), [1.0]),
        (Field("float32", (2,)), [1.0, 2.0, 3.0]),
    ],
)
def test_another_kind_or_shape_is_an_error_that_names_target_sample_and_value(field: Field, value: Any) -> None:
    with pytest.raises(
        ValueError, match=rf"(?s)expected {field.dtype} of shape .*, got .*in target 'y' of sample 's1'"
    ):
        collect(field, None, value)


def test_a_target_of_nodes_with_a_wrong_number_of_rows_is_an_error() -> None:
    nodes = {"word": NodeSet.of([torch.zeros(2, 1)])}
    with pytest.raises(ValueError, match=r"(?s)expected int64 of shape \[2\], got \[1\].*sample 's0'"):
        collect(Field("int64", of="word"), [1], nodes=nodes)
