"""What holds for every front end; a new one is asked here before its author writes a test."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import mmgraph.features
from mmgraph.features import LogMel, Patches, Words
from mmgraph.graph import GraphBatch, GraphSchema, NodeSet
from mmgraph.relations import FrontEnd


def image(seed: int) -> Any:
    random = np.random.default_rng(seed)
    return random.random(random.integers(1, 7, 2), dtype=np.float32)


def sound(seed: int) -> Any:
    random = np.random.default_rng(seed)
    return random.standard_normal(random.integers(1, 900)).astype(np.float32) / 9, int(
        random.choice([8000, 8000, 11025])
    )


def text(seed: int) -> Any:
    random = np.random.default_rng(seed)
    return " ".join(random.choice(["left", "Right", "größer", "?", "8"], random.integers(1, 7)))


FRONT_ENDS: dict[str, tuple[FrontEnd, Callable[[int], Any], Any]] = {
    "patches": (Patches((2, 3)), image, np.zeros((2, 2), dtype=np.int64)),
    "words": (Words(("left", "right")), text, 7),
    "mel": (LogMel(mels=10, stack=2), sound, (np.zeros(0, dtype=np.float32), 8000)),
}
names = pytest.mark.parametrize("name", FRONT_ENDS)
seeds = st.lists(st.one_of(st.none(), st.integers(0, 99)), min_size=1, max_size=6)


def same(a: NodeSet, b: NodeSet) -> bool:
    """The same nodes; features up to the rounding of a product with another number of rows."""
    if not torch.equal(a.ptr, b.ptr) or not torch.allclose(a.x, b.x, atol=1e-5, rtol=1e-5):
        return False
    pairs = [(a.attributes[name], b.attributes[name]) for name in (*a.attributes, *b.attributes)]
    return all(
        torch.equal(x, y) if isinstance(x, torch.Tensor) and isinstance(y, torch.Tensor) else x == y for x, y in pairs
    )


def test_every_front_end_is_asked_here() -> None:
    assert {type(front_end).__name__ for front_end, _, _ in FRONT_ENDS.values()} == set(mmgraph.features.__all__)


@names
@settings(max_examples=8)
@given(seeds)
def test_a_batch_equals_its_inputs_one_by_one_and_none_gives_no_node(name: str, seeds: list[int | None]) -> None:
    front_end, make, _ = FRONT_ENDS[name]
    raws = [None if seed is None else make(seed) for seed in seeds]
    together = front_end(raws)
    assert (together.counts == 0).tolist() == [raw is None for raw in raws]
    assert same(together, NodeSet.concat([front_end([raw]) for raw in raws]))


@names
def test_the_nodes_are_what_the_front_end_declares(name: str) -> None:
    front_end, make, _ = FRONT_ENDS[name]
    nodes = front_end([make(0), make(1)])
    schema = GraphSchema({"m": front_end.channels}, attributes={"m": front_end.attributes})
    assert GraphBatch.build(schema, {"m": nodes}, {}).num_graphs == 2
    assert nodes.x.dtype == torch.float32


@names
def test_missing_inputs_alone_are_an_empty_node_set(name: str) -> None:
    front_end, _, _ = FRONT_ENDS[name]
    nodes = front_end([None, None])
    assert nodes.ptr.tolist() == [0, 0, 0]
    assert nodes.x.shape == (0, front_end.channels)
    assert set(nodes.attributes) == set(front_end.attributes)


@names
def test_an_input_of_many_that_is_wrong_is_named_by_its_position(name: str) -> None:
    front_end, make, wrong = FRONT_ENDS[name]
    with pytest.raises(ValueError, match=r"(?s)in input 2 of 3$"):
        front_end([make(0), None, wrong])
    with pytest.raises(ValueError, match=r"^[^\n]*$"):
        front_end([wrong])


@names
def test_a_fitted_front_end_is_a_value_that_json_carries(name: str) -> None:
    front_end, make, _ = FRONT_ENDS[name]
    fitted = front_end.fit([make(seed) for seed in range(5)])
    again = type(fitted)(**json.loads(json.dumps(asdict(fitted))))  # type: ignore[call-overload]
    assert again == fitted
    assert hash(again) == hash(fitted)
    assert same(again([make(7)]), fitted([make(7)]))
