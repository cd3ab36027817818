"""`MetricEdges`: the metric by hand, and how a layer refines what the one before has found."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn.functional import cosine_similarity

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn.relations import MetricEdges, Rewired
from mmgraph.ops.reference import destinations

RELATION, WITHIN = ("a", "learned", "b"), ("a", "learned", "a")


@pytest.fixture
def batch(ragged: Callable[..., GraphBatch]) -> GraphBatch:
    schema = GraphSchema({"a": 4, "b": 4})
    return ragged(schema, [{"a": 5, "b": 3}, {"a": 2}, {"b": 2}, {"a": 1, "b": 4}], dtype=torch.float64)


def x_of(batch: GraphBatch) -> dict[str, torch.Tensor]:
    return {name: nodes.x for name, nodes in batch.nodes.items()}


def weights_of(rewired: Rewired) -> dict[tuple[int, int], float]:
    ends = zip(rewired.graph.src.tolist(), destinations(rewired.graph.rowptr).tolist(), strict=True)
    return dict(zip(ends, rewired.edge_weight[:, 0].tolist(), strict=True))


def metric(learn: MetricEdges, i: int, source: torch.Tensor, target: torch.Tensor) -> float:
    """The mean of the cosines from all perspectives."""
    u, v = learn.metric[i][0], learn.metric[i][-1]
    return cosine_similarity(u * source, v * target).mean().item()


def test_weights_are_the_mean_cosine_of_all_perspectives(batch: GraphBatch) -> None:
    learn = MetricEdges(batch.schema, [RELATION], 4, k=9, perspectives=3).double()
    x, found = x_of(batch), weights_of(learn(x_of(batch), batch.flat))
    pairs = {
        (j, i + 8): metric(learn, 0, x["a"][j], x["b"][i])
        for g in range(4)
        for j in range(*batch.nodes["a"].ptr[g : g + 2].tolist())
        for i in range(*batch.nodes["b"].ptr[g : g + 2].tolist())
    }
    assert found == pytest.approx({ends: weight for ends, weight in pairs.items() if weight > 0})


def test_within_a_modality_the_metric_is_symmetric(batch: GraphBatch) -> None:
    found = weights_of(MetricEdges(batch.schema, [WITHIN], 4, k=9).double()(x_of(batch), batch.flat))
    assert found and {(i, j): weight for (j, i), weight in found.items()} == pytest.approx(found)


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_a_layer_mixes_its_metric_with_the_weights_before(batch: GraphBatch, eta: float) -> None:
    first, second = (MetricEdges(batch.schema, [RELATION], 4, k=k, eta=eta).double() for k in (2, 9))
    before = first(x_of(batch), batch.flat)
    fresh, mixed = weights_of(second(x_of(batch), batch.flat)), weights_of(second(x_of(batch), before))
    x, expected = x_of(batch), {}
    for j in range(8):
        for i in range(9):
            old = weights_of(before).get((j, i + 8), 0.0)
            new = metric(second, 0, x["a"][j], x["b"][i])
            same_graph = int(batch.nodes["a"].graph[j]) == int(batch.nodes["b"].graph[i])
            if same_graph and eta * new + (1 - eta) * old > 0:
                expected[j, i + 8] = eta * new + (1 - eta) * old
    assert mixed == pytest.approx(expected)
    assert (mixed == pytest.approx(fresh)) == (eta == 1)


def test_a_graph_without_learned_edges_is_not_mixed_with_nothing(batch: GraphBatch) -> None:
    learn, x = MetricEdges(batch.schema, [RELATION], 4, k=9, eta=0.5).double(), x_of(batch)
    fresh = learn(x, batch.flat)
    lost = fresh.keep(destinations(fresh.graph.rowptr) < 8 + 3)  # the last graph loses its edges
    again = weights_of(learn(x, lost))
    assert {ends: w for ends, w in again.items() if ends[1] >= 13} == pytest.approx(
        {ends: w for ends, w in weights_of(fresh).items() if ends[1] >= 13}
    )


def test_edges_up_to_epsilon_are_left_out(batch: GraphBatch) -> None:
    learn = MetricEdges(batch.schema, [RELATION], 4, k=9, epsilon=0.2).double()
    found = weights_of(learn(x_of(batch), batch.flat))
    learn.epsilon = 0.0
    everything = weights_of(learn(x_of(batch), batch.flat))
    assert found == {ends: weight for ends, weight in everything.items() if weight > 0.2} != everything


def test_the_gradient_runs_through_the_layers_before(batch: GraphBatch) -> None:
    first, second = (MetricEdges(batch.schema, [RELATION], 4, k=2).double() for _ in range(2))
    second(x_of(batch), first(x_of(batch), batch.flat)).edge_weight.sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in (*first.parameters(), *second.parameters()))


@pytest.mark.parametrize("options", [{"perspectives": 0}, {"epsilon": 1.0}, {"epsilon": -0.1}, {"eta": 1.5}], ids=str)
def test_wrong_numbers_are_named(options: dict[str, Any]) -> None:
    (name, value), *_ = options.items()
    with pytest.raises(ValueError, match=f"perspectives is at least 1, .*{name}={value}"):
        MetricEdges(GraphSchema({"a": 1, "b": 1}), [RELATION], 1, k=1, **options)
