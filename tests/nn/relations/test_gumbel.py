"""`GumbelEdges`: what is drawn how often, and where its gradients go."""

import math
from collections.abc import Callable

import pytest
import torch

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn.relations import GumbelEdges
from mmgraph.nn.relations.gumbel import gumbel_like, masked_softmax

RELATION = ("a", "learned", "b")


def star(sources: int, graphs: int) -> tuple[GraphBatch, dict[str, torch.Tensor]]:
    """Graphs with the same sources and one destination each."""
    rows = torch.randn(sources, 3)
    one = GraphBatch.single({"a": rows, "b": torch.ones(1, 3)}, {})
    batch = one[[0] * graphs]
    return batch, {name: nodes.x for name, nodes in batch.nodes.items()}


@pytest.mark.unchecked
def test_sources_are_drawn_as_often_as_the_softmax_of_their_logits_says() -> None:
    batch, x = star(sources=4, graphs=20_000)
    learn = GumbelEdges(batch.schema, [RELATION], 3, k=1)
    with torch.no_grad():
        learn.log_scale.fill_(0.5)
        drawn = torch.bincount(learn(x, batch.flat).graph.src % 4, minlength=4) / 20_000
        expected = learn.eval()(x, batch.flat).score  # of the likeliest
        key, query = learn.source[0](x["a"][:4]), learn.target[0](x["b"][:1])
        share = (math.exp(0.5) * torch.cosine_similarity(key, query)).softmax(0)
    assert torch.allclose(drawn, share, atol=0.015)
    assert torch.allclose(expected, share.max().expand_as(expected))


def test_all_that_is_drawn_differs_and_is_never_drawn_twice() -> None:
    batch, x = star(sources=6, graphs=50)
    learn = GumbelEdges(batch.schema, [RELATION], 3, k=3)
    torch.nn.init.zeros_(learn.log_scale)
    draws = learn(x, batch.flat).graph.src.view(50, 3) % 6
    assert len({tuple(row) for row in draws.tolist()}) > 5
    assert all(len(set(row)) == 3 for row in draws.tolist())
    assert len({tuple(row) for row in (learn.eval()(x, batch.flat).graph.src.view(50, 3) % 6).tolist()}) == 1


def test_the_gradient_reaches_sources_that_were_not_drawn() -> None:
    batch, x = star(sources=4, graphs=1)
    rows = x["a"].clone().requires_grad_()
    rewired = GumbelEdges(batch.schema, [RELATION], 3, k=1)({**x, "a": rows}, batch.flat)
    assert rewired.edge_weight.tolist() == [[1.0]]
    rewired.edge_weight.sum().backward()
    assert rows.grad is not None and bool(rows.grad.any(1).all())


def test_a_lower_temperature_is_nearer_to_a_draw() -> None:
    batch, x = star(sources=4, graphs=20)
    learn, scores = GumbelEdges(batch.schema, [RELATION], 3, k=1), []
    for temperature in (10.0, 1.0, 0.01):
        learn.temperature = temperature
        torch.manual_seed(1)
        scores.append(float(learn(x, batch.flat).score.detach().mean()))
    assert scores[0] < scores[1] < scores[2] and scores[2] > 0.95


def test_the_noise_has_the_mean_and_variance_of_gumbel() -> None:
    noise = gumbel_like(torch.zeros(100_000))
    assert float(noise.mean()) == pytest.approx(0.5772, abs=0.02)
    assert float(noise.var()) == pytest.approx(torch.pi**2 / 6, abs=0.05)


def test_a_softmax_over_nothing_is_zero_with_finite_gradients(assert_agree: Callable[..., None]) -> None:
    logits = torch.randn(2, 3, requires_grad=True)
    mask = torch.tensor([[True, False, True], [False] * 3])
    out = masked_softmax(logits, mask)
    assert_agree(out[0, [0, 2]], logits[0, [0, 2]].softmax(0))
    assert not out[1].any()
    out.square().sum().backward()
    assert logits.grad is not None and bool(logits.grad.isfinite().all())


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_not_above_zero_is_named(temperature: float) -> None:
    with pytest.raises(ValueError, match=f"temperature is above 0, got {temperature}"):
        GumbelEdges(GraphSchema({"a": 1, "b": 1}), [RELATION], 1, k=1, temperature=temperature)
