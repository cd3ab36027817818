"""`NodeEncoder`: features, categories and place of one modality."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from mmgraph.graph import STANDARD_ATTRIBUTES, Field, GraphBatch, GraphSchema, NodeSet
from mmgraph.nn import NodeEncoder

WORD = {"token": Field("int64", num_classes=5), "pair": Field("int32", (2,), num_classes=3)}


def encoder_of(channels: int, attributes: dict[str, Field]) -> NodeEncoder:
    return NodeEncoder(GraphSchema({"text": channels}, (), {"text": attributes}), "text", 8)


@pytest.mark.parametrize("channels", [0, 3])
@pytest.mark.parametrize("names", [(), ("token",), ("pair", "span"), ("box", "position", "token", "pair")])
def test_what_it_reads_follows_from_the_schema(
    channels: int, names: tuple[str, ...], ragged: Callable[..., GraphBatch]
) -> None:
    attributes = {name: {**WORD, **STANDARD_ATTRIBUTES}[name] for name in names}
    if not channels and not names:
        with pytest.raises(
            ValueError, match="modality 'text' has nothing to encode: no channels, no categories, no place"
        ):
            encoder_of(channels, attributes)
        return
    encoder = encoder_of(channels, attributes)
    nodes = ragged(GraphSchema({"text": channels}, (), {"text": attributes}), [{"text": 40}, {"text": 2}]).nodes["text"]
    out = encoder(nodes)
    assert out.shape == (42, 8) and out.isfinite().all()
    (out * torch.randn(8)).square().sum().backward()
    assert [name for name, p in encoder.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_no_node_at_all_is_ordinary() -> None:
    attributes = {**WORD, **STANDARD_ATTRIBUTES}
    empty = {
        name: torch.zeros(0, *field.shape, dtype=getattr(torch, field.dtype))
        for name, field in attributes.items()
        if name != "text"
    }
    assert encoder_of(3, attributes)(NodeSet(torch.zeros(0, 3), torch.tensor([0, 0]), empty)).shape == (0, 8)


def test_vectors_of_several_categories_add_up() -> None:
    encoder = encoder_of(0, {"pair": WORD["pair"]})
    pairs = torch.tensor([[0, 1], [1, 0], [2, 2]], dtype=torch.int32)
    out = encoder(NodeSet.of([torch.zeros(3, 0)], pair=[pairs]))
    vectors: Any = encoder.embeddings["pair"].weight
    assert torch.equal(out[0], out[1])
    assert torch.allclose(out[2], torch.nn.functional.layer_norm(2 * vectors[2], (8,)), atol=1e-6)


def test_every_node_is_encoded_on_its_own() -> None:
    encoder, x = encoder_of(3, {}).double(), torch.randn(5, 3, dtype=torch.float64)
    order = torch.randperm(5)
    assert torch.allclose(encoder(NodeSet.of([x[order]])), encoder(NodeSet.of([x]))[order], rtol=1e-12)


def test_dropout_acts_in_training_only() -> None:
    schema = GraphSchema({"text": 3})
    encoder, nodes = NodeEncoder(schema, "text", 64, dropout=0.5), NodeSet.of([torch.randn(4, 3)])
    assert float((encoder(nodes) == 0).double().mean()) == pytest.approx(0.5, abs=0.15)
    assert not (encoder.eval()(nodes) == 0).any()
