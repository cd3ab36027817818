"""State as JSON and tensors, and back, equal in type and bit."""

import json
import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mmgraph.graph import GraphSchema
from mmgraph.training.tree import Name, copy_to_cpu, flatten, map_leaves, unflatten

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.text(alphabet="ab/$'", max_size=3) | st.integers(0, 3) | st.tuples(st.integers(0, 1))
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=8,
)


def there_and_back(tree: Any) -> Any:
    structure, tensors = flatten(tree)
    return unflatten(json.loads(json.dumps(structure, allow_nan=False)), tensors)


@given(TREES)
def test_any_tree_comes_back_equal_through_json(tree: Any) -> None:
    back = there_and_back(tree)
    assert back == tree
    assert repr(back) == repr(tree)  # True is not 1, a tuple not a list


def test_nan_comes_back() -> None:
    assert math.isnan(there_and_back({"loss": float("nan")})["loss"])


def test_a_schema_and_a_name_come_back() -> None:
    schema = GraphSchema({"text": 3}, [("text", "next", "text")])
    assert there_and_back({"schema": schema, "conv": Name("mmgraph.nn:GATConv")}) == {
        "schema": schema,
        "conv": Name("mmgraph.nn:GATConv"),
    }


def test_tensors_are_kept_apart_also_where_keys_contain_a_slash() -> None:
    tree = {"a": {"b/c": torch.tensor(1)}, "a/b": {"c": torch.tensor(2)}, "a/b/c": torch.tensor(3)}
    structure, tensors = flatten(tree)
    assert len(tensors) == 3
    back = unflatten(structure, tensors)
    assert [int(back["a"]["b/c"]), int(back["a/b"]["c"]), int(back["a/b/c"])] == [1, 2, 3]


def test_the_state_of_an_optimizer_comes_back() -> None:
    layer = nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(layer.parameters(), fused=True)
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    state, back = optimizer.state_dict(), there_and_back(optimizer.state_dict())
    assert back["param_groups"] == state["param_groups"]
    assert all(torch.equal(back["state"][i][key], value) for i in (0, 1) for key, value in state["state"][i].items())


def test_what_no_file_can_keep_is_named_with_its_place() -> None:
    with pytest.raises(ValueError, match="model/extra/1 is a set; a file can keep numbers"):
        flatten({"model": {"extra": [0, {1}]}})


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        ({"$pickle": "..."}, r"unknown mark '\$pickle'"),
        ({"$tuple": [], "more": 1}, r"unknown mark '\$tuple' among"),
        ({"$tensor": "weight"}, "there is no tensor 'weight' among the 0 given"),
    ],
)
def test_what_flatten_does_not_write_is_refused(structure: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        unflatten(structure, {})


def test_leaves_are_all_that_is_no_dict_list_or_tuple() -> None:
    assert map_leaves({"a": [1, (2,)]}, str) == {"a": ["1", ("2",)]}


def test_a_snapshot_does_not_follow_its_original() -> None:
    weight = torch.ones(2, requires_grad=True)
    snapshot = copy_to_cpu({"weight": weight, "step": 1})
    with torch.no_grad():
        weight += 1
    assert snapshot["weight"].tolist() == [1, 1]
    assert not snapshot["weight"].requires_grad
