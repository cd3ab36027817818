import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from mmgraph import ops
from mmgraph.explain import attention_grounding_auc, flow_to_output, grounding_auc, record_attention, region_auc
from mmgraph.graph import GraphBatch
from mmgraph.models import GraphFusion

LEFT = (0.0, 0.0, 0.5, 1.0)


def image_scores(batch: GraphBatch, values: list[float]) -> torch.Tensor:
    """Scores of the regions, and NaN-free noise for all other nodes."""
    scores = torch.arange(batch.num_nodes, dtype=torch.float32)
    scores[: len(values)] = torch.tensor(values)
    return scores


@pytest.fixture(scope="module")
def images(graph) -> GraphBatch:
    """Images of 0, 1, ... 7 regions in a row."""
    return GraphBatch.concat([graph(count, 1, 1, id=str(count)) for count in range(8)])


@settings(max_examples=20)
@given(st.lists(st.lists(st.integers(0, 4), max_size=7), min_size=1, max_size=4), st.integers(0, 2**16))
def test_the_auc_of_every_graph_is_that_of_scikit_learn(images, scores, seed):
    rng = np.random.default_rng(seed)
    batch = images[[len(own) for own in scores]]
    boxes = [sorted(rng.random(2)) for _ in scores]
    truth = [(left, 0.0, right, 1.0) for left, right in boxes]
    found = region_auc(image_scores(batch, [float(v) for s in scores for v in s]), batch, "image", truth)
    for value, own, (left, right) in zip(found.tolist(), scores, boxes, strict=True):
        inside = [left <= (i + 0.5) / len(own) <= right for i in range(len(own))]
        if len(set(inside)) < 2:
            assert math.isnan(value)
        else:
            assert value == pytest.approx(roc_auc_score(inside, own))


def test_ties_count_half(graph):
    batch = graph(4, 0, 0)
    assert region_auc(torch.tensor([1.0, 0.0, 1.0, 0.0]), batch, "image", [LEFT]).tolist() == [0.5]
    assert region_auc(torch.tensor([2.0, 1.0, 1.0, 0.0]), batch, "image", [LEFT]).tolist() == [0.875]


def test_only_the_ranks_count(graph):
    batch = graph(6, 2, 1)
    scores = torch.rand(batch.num_nodes)
    box = [(0.2, 0.0, 0.7, 1.0)]
    assert torch.equal(region_auc(scores, batch, "image", box), region_auc(scores.exp() * 9, batch, "image", box))
    torch.testing.assert_close(region_auc(-scores, batch, "image", box), 1 - region_auc(scores, batch, "image", box))


def test_scores_of_other_modalities_do_not_matter(graph):
    batch = graph(4, 3, 2)
    scores = torch.rand(batch.num_nodes)
    other = scores.clone()
    other[4:] = torch.rand(5) * 100
    assert torch.equal(*(region_auc(s, batch, "image", [LEFT]) for s in (scores, other)))


def test_a_sample_may_have_several_boxes_or_none(graph):
    batch = GraphBatch.concat([graph(4, 1, 0, id=str(i)) for i in range(3)])
    boxes = [torch.tensor([[0.0, 0.0, 0.25, 1.0], [0.75, 0.0, 1.0, 1.0]]), None, LEFT]
    scores = image_scores(batch, [3, 1, 0, 2] * 3)
    first, second, third = region_auc(scores, batch, "image", boxes).tolist()
    assert (first, third) == (1.0, 0.75) and math.isnan(second)


def test_samples_without_the_modality_or_without_a_contrast_do_not_count(batch: GraphBatch):
    result = grounding_auc(torch.rand(batch.num_nodes), batch, "image", [(0.0, 0.0, 1.0, 1.0), LEFT, LEFT])
    assert result.num_graphs == 1
    assert [math.isnan(v) for v in result.per_graph.tolist()] == [True, True, False]
    assert result.mean == result.low == result.high
    with pytest.raises(ValueError, match="no graph counts"):
        grounding_auc(torch.rand(batch.num_nodes), batch, "image", [None, LEFT, None])


def test_the_interval_covers_the_mean_and_narrows_with_more_graphs(graph):
    few, many = (graph(4, 1, 0)[[0] * count] for count in (10, 160))
    results = [grounding_auc(torch.rand(b.num_nodes), b, "image", [LEFT] * len(b)) for b in (few, many)]
    for result in results:
        assert result.low < result.mean < result.high
    assert results[1].high - results[1].low < 0.5 * (results[0].high - results[0].low)
    again = grounding_auc(torch.arange(few.num_nodes) % 3 * 1.0, few, "image", [LEFT] * 10, seed=1)
    assert str(again) == str(grounding_auc(torch.arange(few.num_nodes) % 3 * 1.0, few, "image", [LEFT] * 10, seed=1))


def test_the_interval_has_the_coverage_that_it_says():
    rng = np.random.default_rng(0)
    from mmgraph.explain.grounding import _summary

    hits = 0
    for seed in range(60):
        result = _summary(torch.from_numpy(rng.beta(3, 1, 80)), 0.9, 200, seed)
        hits += result.low <= 0.75 <= result.high
    assert 45 <= hits <= 60


def test_bad_arguments_are_refused(batch: GraphBatch):
    scores = torch.rand(batch.num_nodes)
    with pytest.raises(ValueError, match="2 true boxes for 3 graphs; give None where there is none"):
        region_auc(scores, batch, "image", [LEFT, LEFT])
    with pytest.raises(
        ValueError, match=r"sample 'no sound': the true box is x1 <= x2, y1 <= y2 or .* got \(0.5, 0, 0, 1\)"
    ):
        region_auc(scores, batch, "image", [LEFT, None, (0.5, 0, 0, 1)])
    with pytest.raises(ValueError, match=r"scores hold a number per node, \[20\], got \(6,\)"):
        region_auc(scores[:6], batch, "image", [LEFT] * 3)
    with pytest.raises(ValueError, match="scores hold a number per node"):
        region_auc(scores.index_fill(0, torch.tensor(2), torch.nan), batch, "image", [LEFT] * 3)
    with pytest.raises(ValueError, match="carry no 'box'"):
        region_auc(scores, batch, "text", [LEFT] * 3)
    with pytest.raises(ValueError, match=r"confidence=1.5 lies between"):
        grounding_auc(scores, batch, "image", [LEFT] * 3, confidence=1.5)


def test_of_a_model_it_is_the_auc_of_its_flow(batch: GraphBatch):
    model = GraphFusion(batch.schema, 2, hidden_channels=8, num_layers=1, heads=2, dropout=0.5)
    model.train()
    model.pool.eval()
    boxes = [LEFT, None, (0.5, 0.0, 1.0, 1.0)]
    with ops.backend("reference"):
        results = [attention_grounding_auc(model, batch, "image", boxes, batch_size=size) for size in (1, 8)]
        assert model.training and not model.pool.training
        model.eval()
        with record_attention(model) as records:
            model(batch)
    expected = region_auc(flow_to_output(records[0]).detach(), batch, "image", boxes)
    for result in results:
        torch.testing.assert_close(result.per_graph, expected, equal_nan=True)
    with pytest.raises(ValueError, match="batch_size=0 is at least 1"):
        attention_grounding_auc(model, batch, "image", boxes, batch_size=0)


def test_attention_that_looks_at_the_right_place_is_found(graph):
    """A model whose scores are one feature of the regions grounds as well as that feature says where the place is."""
    batch = GraphBatch.concat([graph(8, 2, 1, id=str(i)) for i in range(5)])
    x = {name: nodes.x.clone() for name, nodes in batch.nodes.items()}
    inside = (batch.nodes["image"].attribute("box")[:, 0] < 0.5).float()
    scores = torch.cat([inside + 0.1 * x["image"][:, 0].sigmoid(), torch.zeros(15)])
    assert grounding_auc(scores, batch, "image", [LEFT] * 5).mean == 1.0
    assert grounding_auc(-scores, batch, "image", [LEFT] * 5).mean == 0.0
