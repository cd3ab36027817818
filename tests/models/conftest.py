"""A schema with features, categories, places and edge features, and data over it with and without every modality."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch

from mmgraph.graph import STANDARD_ATTRIBUTES, Field, GraphBatch, GraphSchema

RELATIONS = {
    ("a", "near", "a"): ("distance",),
    ("b", "next", "b"): (),
    ("b", "names", "a"): (),
    ("a", "named by", "b"): (),
    ("c", "while", "b"): ("overlap",),
    ("b", "while", "c"): (),
}
FULL = [{"a": 4, "b": 3, "c": 2}, {"a": 2, "b": 5, "c": 3}, {"a": 1, "b": 1, "c": 1}, {"a": 6, "b": 2, "c": 4}]
LACKING = [{"b": 3, "c": 2}, {"a": 3}, {"a": 2, "c": 2}, {"a": 3, "b": 2}]


@pytest.fixture(scope="session")
def schema() -> GraphSchema:
    attributes = {
        "a": {"box": STANDARD_ATTRIBUTES["box"]},
        "b": {
            "token": Field("int64", num_classes=4),
            "position": STANDARD_ATTRIBUTES["position"],
            "text": STANDARD_ATTRIBUTES["text"],
        },
        "c": {"span": STANDARD_ATTRIBUTES["span"]},
    }
    return GraphSchema({"a": 5, "b": 0, "c": 3}, RELATIONS, attributes, {"answer": Field("int64", num_classes=3)})


# Shapes do not depend on the dtype, and checking them takes its time.
UNCHECKED = pytest.mark.unchecked
DTYPES = [pytest.param(torch.float64, id="float64"), pytest.param(torch.float32, id="float32", marks=UNCHECKED)]


@pytest.fixture(scope="session", params=DTYPES)
def graphs(request: pytest.FixtureRequest, schema: GraphSchema, ragged: Callable[..., GraphBatch]) -> GraphBatch:
    """Graphs 0-3 have every modality, 4-7 lack some."""
    return ragged(schema, [*FULL, *LACKING], dtype=request.param)


@pytest.fixture(scope="session")
def build() -> Callable[..., Any]:
    """A small model in eval mode: every model takes a schema and the number of outputs, some take sizes."""

    def make(
        kind: Any, schema: GraphSchema, *, seed: int = 0, dtype: torch.dtype = torch.float32, **options: Any
    ) -> Any:
        small = {"lengths": dict.fromkeys(schema.modalities, 6), "hidden_channels": 16}
        known = inspect.signature(kind).parameters
        torch.manual_seed(seed)
        model = kind(schema, 3, **{name: value for name, value in small.items() if name in known} | options)
        return model.eval().to(dtype)

    return make
