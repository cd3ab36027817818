import pytest
import torch

from mmgraph.explain import LearnedMasks, OutputScore, change_encodings, mean_encoding, weigh_edges
from mmgraph.graph import GraphBatch
from mmgraph.models import ConcatMLP

SCORE = OutputScore()


def test_the_nodes_that_carry_the_score_are_kept_and_the_others_dropped(additive):
    x = torch.tensor([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    graph = GraphBatch.single({"a": x[:2], "b": x[2:]}, {})
    found = LearnedMasks(edges=False, steps=100, learning_rate=0.2)(additive(graph.schema), graph, SCORE)
    assert found.edges is None
    assert found.nodes[0] < 0.05 and (found.nodes[1:] > 0.8).all()


def test_the_edges_that_carry_the_score_are_kept_and_the_others_dropped(additive):
    graph = GraphBatch.single(
        {"a": torch.tensor([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0]])},
        {("a", "to", "a"): torch.tensor([[0, 1], [1, 0]])},
    )
    found = LearnedMasks(nodes=False, steps=100, learning_rate=0.2)(additive(graph.schema, 1.0), graph, SCORE)
    sources = graph.flat.src.tolist()
    assert found.nodes is None
    assert found.edges[sources.index(0)] < 0.05 and found.edges[sources.index(1)] > 0.8


def test_what_is_kept_gives_nearly_the_same_score(typed: GraphBatch, fusion):
    baseline = mean_encoding(fusion, typed)
    found = LearnedMasks(steps=30, learning_rate=0.4, size=0.05, baseline=baseline)(fusion, typed, SCORE)
    masks = dict(zip(typed.nodes, found.nodes.split(typed.flat.num_nodes), strict=True))

    def masked(name, encoded):
        return baseline[name] + masks[name].unsqueeze(1) * (encoded - baseline[name])

    fusion.eval()
    with torch.no_grad():
        whole = fusion(typed)[:, 0]
        with change_encodings(fusion, typed, masked), weigh_edges(fusion, typed, found.edges.unsqueeze(1)):
            kept = fusion(typed)[:, 0]
        with (
            change_encodings(fusion, typed, lambda name, encoded: baseline[name].expand_as(encoded)),
            weigh_edges(fusion, typed, torch.zeros(typed.num_edges, 1)),
        ):
            nothing = fusion(typed)[:, 0]
    effect = (whole - nothing).abs()
    assert ((whole - kept).abs() < 0.3 * effect + 1e-3).all()
    assert float(found.nodes.mean()) < 0.9


def test_a_dearer_mask_keeps_less(typed: GraphBatch, fusion):
    cheap, dear = (LearnedMasks(steps=15, size=size)(fusion, typed, SCORE) for size in (0.01, 2.0))
    assert float(dear.nodes.mean()) < float(cheap.nodes.mean())
    assert float(dear.edges.mean()) < float(cheap.edges.mean())


def test_what_cannot_be_masked_is_refused(typed: GraphBatch):
    for wrong in ({"steps": 0}, {"batch_size": 0}, {"nodes": False, "edges": False}):
        with pytest.raises(ValueError, match="steps and batch_size are at least 1, and nodes or edges are masked"):
            LearnedMasks(**wrong)
    model = ConcatMLP(typed.schema, 3, {"image": 4, "text": 4, "audio": 4}, node_channels=4, hidden_channels=8)
    with pytest.raises(ValueError, match="ConcatMLP has no conv that takes edge_weight: use edges=False"):
        LearnedMasks(steps=1)(model, typed, SCORE)
    assert LearnedMasks(steps=1, edges=False)(model, typed, SCORE).nodes.shape == (typed.num_nodes,)
