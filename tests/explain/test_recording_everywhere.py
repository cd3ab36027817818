"""Recording changes nothing: every conv that attends and every learned relation, on every back-end that is here."""

import inspect
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmgraph import ops
from mmgraph.explain import record_attention
from mmgraph.graph import FlatGraph, GraphBatch, GraphSchema
from mmgraph.models import GraphFusion
from mmgraph.nn import conv as convs
from mmgraph.nn import relations as learned_relations
from mmgraph.nn.conv import GATv2Conv
from mmgraph.nn.relations import AttentionPruning, Rewired

MADE = ("text", "learned", "image")
CONVS = [name for name in sorted(convs.__all__) if hasattr(getattr(convs, name), "attention")]
LEARNED = [name for name in sorted(learned_relations.__all__) if name != "Rewired"]

# Triton's kernels run in its slow interpreter: what learned relations change is the same for all kernels.
CASES = [
    (part, backend)
    for part in (*CONVS, *LEARNED)
    for backend in ops.available_backends()
    if backend != "triton" or part in (*CONVS, LEARNED[0])
]


class Pruned(nn.Module):
    """A pruning by the attention of a conv of its own."""

    def __init__(self, schema: GraphSchema, channels: int) -> None:
        super().__init__()
        self.schema = schema
        self.prune, self.conv = AttentionPruning(0.5), GATv2Conv(schema, channels, channels, 1, scope="node")

    def forward(self, x: dict[str, Tensor], graph: FlatGraph | Rewired) -> Rewired:
        former = Rewired.of(graph, next(iter(x.values())).dtype)
        return self.prune(self.conv.attention(x, former.graph), former)


def learn(name: str) -> Any:
    if name == "AttentionPruning":
        return Pruned
    return lambda schema, channels: getattr(learned_relations, name)(schema, [MADE], channels, k=1)


def attend(name: str) -> dict[str, Any]:
    conv = getattr(convs, name)
    return {"conv": conv, **({} if "scope" in inspect.signature(conv).parameters else {"scope": conv.scope})}


def trained_once(model: nn.Module, batch: GraphBatch, recorded: bool) -> tuple[list[Tensor], list[Any]]:
    """The output, every gradient, and the records."""
    records: list[Any] = []
    torch.manual_seed(5)  # of dropout and of noise
    model.zero_grad()
    if recorded:
        with record_attention(model) as records:
            output = model(batch)
    else:
        output = model(batch)
    output.square().sum().backward()
    found = [torch.zeros(0) if weight.grad is None else weight.grad.clone() for weight in model.parameters()]
    return [output.detach(), *found], records


@pytest.mark.parametrize(("part", "backend"), CASES)
def test_outputs_and_gradients_are_bit_for_bit_the_same(part: str, backend: str, graph):
    batch = graph(2, 2, 1)  # tiny: Triton's kernels run in its interpreter
    options: dict[str, Any] = attend(part) if part in CONVS else {"learned": learn(part)}
    torch.manual_seed(0)
    model = GraphFusion(batch.schema, 2, hidden_channels=4, num_layers=1, heads=2, dropout=0.5, **options)
    with ops.backend(backend):
        plain, _ = trained_once(model, batch, recorded=False)
        watched, (record,) = trained_once(model, batch, recorded=True)
    assert all(torch.equal(a, b) for a, b in zip(plain, watched, strict=True))
    assert any(bool(gradient.any()) for gradient in plain[1:])
    alpha = record.layers[-1].alpha
    assert alpha.shape == (record.layers[-1].graph.src.numel(), 2) and not alpha.requires_grad
    if part in LEARNED and part != "AttentionPruning":
        edges = [edge for number in range(batch.num_graphs) for edge in record.learned_edges(number)]
        assert edges and {edge.relation for edge in edges} == {MADE}
    if part == "AttentionPruning":
        assert record.layers[-1].graph.src.numel() < batch.num_edges  # what the conv saw
