"""A schema with every ordinary and odd relation, and graphs over it."""

from collections.abc import Callable

import pytest
import torch

from mmgraph.graph import GraphBatch, GraphSchema


@pytest.fixture(scope="session")
def schema() -> GraphSchema:
    """Loops and bridges, with and without edge features, two relations between the same ends, a modality on its own."""
    relations = {
        ("a", "x", "b"): ("distance",),
        ("b", "y", "a"): (),
        ("a", "z", "a"): ("angle", "distance"),
        ("c", "w", "b"): (),
        ("a", "p", "b"): (),
    }
    return GraphSchema({"a": 5, "b": 3, "c": 4, "d": 2}, relations)


# Shapes do not depend on the dtype, and checking them takes its time.
UNCHECKED = pytest.mark.unchecked
DTYPES = [pytest.param(torch.float64, id="float64"), pytest.param(torch.float32, id="float32", marks=UNCHECKED)]


@pytest.fixture(scope="session", params=DTYPES)
def graphs(request: pytest.FixtureRequest, schema: GraphSchema, ragged: Callable[..., GraphBatch]) -> GraphBatch:
    """Four graphs with every modality but the last, three that lack some, four again."""
    full = [
        {"a": 4, "b": 3, "c": 2, "d": 1},
        {"a": 2, "b": 5, "c": 3},
        {"a": 1, "b": 1, "c": 1},
        {"a": 6, "b": 2, "c": 4},
    ]
    lacking = [{"b": 3, "c": 2}, {"a": 3}, {"a": 2, "b": 2}]
    return ragged(schema, [*full, *lacking, *full], dtype=request.param)
