"""torch.compile sees every exported conv as one graph."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from mmgraph.graph import FlatGraph, GraphBatch, GraphSchema
from mmgraph.nn import conv as convs

pytestmark = pytest.mark.unchecked


def small(name: str, schema: GraphSchema, **options: Any) -> Any:
    """A conv with four channels for every modality."""
    kind: Any = getattr(convs, name)
    heads = {"heads": 2} if hasattr(kind, "attention") else {}
    return kind(schema, 4, 4, **heads, **options)


def inputs(batch: GraphBatch) -> tuple[dict[str, Tensor], FlatGraph]:
    return {modality: nodes.x.repeat(1, 4)[:, :4] for modality, nodes in batch.nodes.items()}, batch.flat


@pytest.mark.parametrize("name", convs.__all__)
def test_a_compiled_conv_has_no_graph_break_and_equals_the_eager_one(
    name: str, schema: GraphSchema, ragged: Callable[..., GraphBatch], assert_agree: Callable[..., None]
) -> None:
    """Traced forward and backward."""
    conv: Any = small(name, schema)
    torch._dynamo.reset()
    results = []
    for call in (torch.compile(conv, fullgraph=True, backend="aot_eager"), conv):
        conv.zero_grad()
        out = torch.cat(list(call(*inputs(ragged(schema, [{"a": 3, "b": 4, "c": 2}] * 2))).values()))
        out.square().sum().backward()
        results.append([out, *(p.grad for p in conv.parameters() if p.grad is not None)])
    for actual, expected in zip(*results, strict=True):
        assert_agree(actual, expected)


# one conv for every operator
@pytest.mark.parametrize("name", ["GATConv", "GATv2Conv", "HGTConv", "GCNConv", "MaxRelativeConv"])
def test_a_compiled_conv_takes_batches_of_any_size_and_draws_dropout_anew(
    name: str, schema: GraphSchema, ragged: Callable[..., GraphBatch]
) -> None:
    attends = hasattr(getattr(convs, name), "attention")
    conv: Any = small(name, schema, **({"dropout": 0.5} if attends else {}))
    torch._dynamo.reset()
    compiled = torch.compile(conv, fullgraph=True, backend="eager")
    for counts in ([{"a": 3, "b": 4, "c": 2}] * 2, [{"a": 5, "b": 2, "c": 3, "d": 2}] * 3):
        batch = ragged(schema, counts)
        first, second = compiled(*inputs(batch)), compiled(*inputs(batch))
        assert torch.equal(first["b"], second["b"]) != attends
        assert {modality: len(rows) for modality, rows in first.items()} == {
            modality: nodes.num_nodes for modality, nodes in batch.nodes.items()
        }
