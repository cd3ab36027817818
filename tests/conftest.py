"""What every test gets: one torch thread, fixed seeds, hypothesis without clock or chance, Triton's interpreter."""

import os
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, register_random, settings

# Triton reads this once, when a kernel is defined, so it stands before any import of the package.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

from mmgraph.graph import DTYPES, Field, GraphBatch, GraphSchema


class _TorchRandom:
    """Shows torch's generator to hypothesis, which then replays a failing example with the same draws."""

    def seed(self, value: int) -> None:
        torch.manual_seed(value)

    def getstate(self) -> torch.Tensor:
        return torch.get_rng_state()

    def setstate(self, state: torch.Tensor) -> None:
        torch.set_rng_state(state)


_torch_random = _TorchRandom()  # hypothesis keeps a weak reference
register_random(_torch_random)

# No deadline and no health check on speed: a busy machine is no failure. The same examples each time: a change fails
# only for what it did itself. Look for new counterexamples with `pytest --hypothesis-profile=explore`. Bad input is
# tried in proportion to these numbers, see fuzz.py; `make fuzz` takes the profile `fuzz`.
_quiet = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("steady", _quiet, derandomize=True, database=None, max_examples=50)
settings.register_profile("fuzz", _quiet, derandomize=True, database=None, max_examples=600)
settings.register_profile("explore", _quiet, derandomize=False, max_examples=1000)
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def _same_start_for_every_test() -> None:
    """Seeds every global generator and gives torch one thread, whatever the test before did."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - for code under test that draws from the global generator
    torch.manual_seed(0)
    torch.set_num_threads(1)


TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
"""Largest difference over largest output that two ways to compute the same may have."""


@pytest.fixture(scope="session")
def assert_agree() -> Callable[..., None]:
    """Asserts that two tensors agree up to rounding, see `_assert_agree`."""
    return _assert_agree


def _assert_agree(actual: torch.Tensor, expected: torch.Tensor, scale: float | None = None) -> None:
    """Same shape and dtype, and a difference within `TOLERANCE` of `scale`, by default the largest expected value."""
    actual, expected = actual.detach(), expected.detach()
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    if expected.numel():
        assert actual.isfinite().all() and expected.isfinite().all()
        largest = float(expected.abs().max()) if scale is None else scale
        assert float((actual - expected).abs().max()) <= TOLERANCE[expected.dtype] * largest


@pytest.fixture(scope="session")
def ragged() -> Callable[..., GraphBatch]:
    """Random graphs over a schema, see `_ragged`."""
    return _ragged


def _ragged(
    schema: GraphSchema,
    counts: Sequence[Mapping[str, int]],
    *,
    degree: float = 2.0,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> GraphBatch:
    """One graph per entry of `counts`, which says how many nodes each modality has; one that is not named is absent.

    Sources and destinations are drawn anew for every edge, `degree` edges per destination on average: some nodes have
    none, some edges are there twice. Numbers are drawn in float64, so both dtypes give the same graphs.
    """
    draw = torch.Generator().manual_seed(seed)
    graphs = []
    for number, nodes in enumerate(counts):
        size = {modality: nodes.get(modality, 0) for modality in schema.modalities}
        num_edges = {r: round(degree * size[r[2]]) if size[r[0]] else 0 for r in schema.edge_types}
        ends = {
            r: torch.stack([torch.randint(max(size[end], 1), (count,), generator=draw) for end in (r[0], r[2])])
            for r, count in num_edges.items()
        }
        features = {
            r: _drawn(Field("float64", (schema.edge_channels(r),)), count, draw).to(dtype)
            for r, count in num_edges.items()
            if schema.edge_channels(r)
        }
        attributes = {
            modality: {name: _drawn(field, size[modality], draw, name) for name, field in fields.items()}
            for modality, fields in schema.attributes.items()
        }
        graph = GraphBatch.single(
            {m: _drawn(Field("float64", (c,)), size[m], draw).to(dtype) for m, c in schema.modalities.items()},
            ends,
            schema=schema,
            attributes=attributes,
            edge_features=features,
            targets={name: _drawn(field, 1, draw)[0] for name, field in schema.targets.items()},
            id=str(number),
        )
        graphs.append(graph)
    return GraphBatch.concat(graphs)


def _drawn(field: Field, rows: int, draw: torch.Generator, name: str = "") -> Any:
    """Random rows that fit a field; spans and boxes as they have to be, positions that count up."""
    if field.dtype == "text":
        return [f"w{row}" for row in range(rows)]
    if name == "position":
        return torch.arange(rows)
    if not field.dtype.startswith("float"):
        return torch.randint(field.num_classes or 2, (rows, *field.shape), generator=draw).to(DTYPES[field.dtype])
    values = torch.randn(rows, *field.shape, generator=draw, dtype=torch.float64)
    if name == "span":
        values = values.abs().cumsum(1)
    if name == "box":
        values = values.sigmoid().view(rows, 2, 2).sort(1).values.flatten(1)
    return values.to(DTYPES[field.dtype])
