"""torch.compile sees every exported conv as one graph."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import conv as convs

pytestmark = pytest.mark.unchecked


@pytest.mark.parametrize("name", convs.__all__)
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_compiled_conv_has_no_graph_break_and_equals_the_eager_one(
    name: str, backend: str, schema: GraphSchema, ragged: Callable[..., GraphBatch], assert_agree: Callable[..., None]
) -> None:
    """Forward and backward; traced through the gradient with "aot_eager", on a batch of another size with "eager"."""
    conv: Any = getattr(convs, name)(schema, schema.modalities, 3, heads=2)
    torch._dynamo.reset()
    compiled = torch.compile(conv, fullgraph=True, backend=backend)
    for counts in ([{"a": 3, "b": 4, "c": 2}] * 2, [{"a": 5, "b": 2, "c": 3, "d": 2}] * 3)[: 1 + (backend == "eager")]:
        batch, results = ragged(schema, counts), []
        for call in (compiled, conv):
            conv.zero_grad()
            x = {modality: nodes.x for modality, nodes in batch.nodes.items()}
            out = torch.cat(list(call(x, batch.flat).values()))
            out.square().sum().backward()
            results.append([out, *(p.grad for p in conv.parameters() if p.grad is not None)])
        for actual, expected in zip(*results, strict=True):
            assert_agree(actual, expected)


@pytest.mark.parametrize("name", convs.__all__)
def test_dropout_is_drawn_anew_in_every_compiled_call(
    name: str, schema: GraphSchema, ragged: Callable[..., GraphBatch]
) -> None:
    conv: Any = getattr(convs, name)(schema, schema.modalities, 3, dropout=0.5)
    batch = ragged(schema, [{"a": 3, "b": 4, "c": 2}] * 2)
    x = {modality: nodes.x for modality, nodes in batch.nodes.items()}
    torch._dynamo.reset()
    compiled = torch.compile(conv, fullgraph=True, backend="eager")
    first, second = compiled(x, batch.flat), compiled(x, batch.flat)
    assert not torch.equal(first["b"], second["b"])
