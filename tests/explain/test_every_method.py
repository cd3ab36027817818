"""What every method of explanation promises, asked of each."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from mmgraph.explain import (
    AttentionFlow,
    ClassScore,
    DonorFill,
    EdgeOcclusion,
    FeatureNorm,
    GradientInput,
    IntegratedGradients,
    LearnedMasks,
    MeanFill,
    Method,
    ModalityOcclusion,
    ModalityShapley,
    NodeOcclusion,
    OutputScore,
    RandomScores,
    RelationOcclusion,
    SimilarityScore,
)
from mmgraph.explain.nodes import destinations, locate
from mmgraph.graph import GraphBatch

METHODS: dict[str, Callable[[GraphBatch], Method]] = {
    "attention flow": lambda _: AttentionFlow(),
    "gradient": lambda _: GradientInput(),
    "integrated gradients": lambda _: IntegratedGradients(steps=4, edges=True),
    "node occlusion": lambda _: NodeOcclusion(),
    "node occlusion, mean": lambda graphs: NodeOcclusion(MeanFill.of(graphs)),
    "node occlusion, donors": lambda graphs: NodeOcclusion(DonorFill(graphs, draws=2), size=True),
    "edge occlusion": lambda _: EdgeOcclusion(),
    "relation occlusion": lambda _: RelationOcclusion(),
    "modality occlusion": lambda _: ModalityOcclusion(),
    "Shapley": lambda _: ModalityShapley(),
    "Shapley, donors": lambda graphs: ModalityShapley(DonorFill(graphs, draws=2)),
    "learned masks": lambda _: LearnedMasks(steps=3),
    "feature norm": lambda _: FeatureNorm(),
    "random": lambda _: RandomScores(),
}
LEVELS = ("nodes", "edges", "relations", "modalities")
OF_THE_BATCH = {"node occlusion, donors", "Shapley, donors", "random", "feature norm"}  # in draws, or in the unit


@pytest.fixture(params=METHODS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def method(name: str, typed: GraphBatch) -> Method:
    return METHODS[name](typed)


def hooks(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def test_the_model_stays_as_it_is(method, typed: GraphBatch, fusion):
    fusion.head.eval()
    loss = fusion(typed).sum()
    loss.backward()
    before = [(value.clone(), value.grad.clone()) for value in fusion.parameters() if value.grad is not None]
    state = torch.get_rng_state()
    method(fusion, typed, OutputScore(0))
    after = [(value, value.grad) for value in fusion.parameters() if value.grad is not None]
    assert all(torch.equal(a, b) and torch.equal(c, d) for (a, c), (b, d) in zip(before, after, strict=True))
    assert hooks(fusion) == 0 and fusion.training and not fusion.head.training
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", sorted(METHODS.keys() - OF_THE_BATCH), indirect=True)
def test_a_graph_is_explained_the_same_in_every_batch(method, typed: GraphBatch, fusion):
    fusion.double()
    graphs = typed.double()
    whole = method(fusion, graphs, OutputScore(1))
    node_graph = locate(graphs.flat, torch.arange(graphs.num_nodes))[0]
    edge_graph = locate(graphs.flat, destinations(graphs.flat))[0]
    for number, single in enumerate(graphs):
        alone = method(fusion, single, OutputScore(1))
        for level in LEVELS:
            values, own = getattr(whole, level), getattr(alone, level)
            assert (values is None) == (own is None)
            if own is not None:
                rows = {"nodes": node_graph == number, "edges": edge_graph == number}.get(level)
                picked = values[number : number + 1] if rows is None else values[rows]
                torch.testing.assert_close(picked, own, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(
    "score",
    [
        ClassScore(torch.tensor([0, 1, 2, 0])),
        ClassScore(torch.tensor([0, 1, 2, 0]), "probability"),
        OutputScore(2),
        SimilarityScore(torch.ones(4, 3)),
    ],
    ids=["log odds", "probability", "output", "similarity"],
)
def test_any_number_can_be_explained(method, score, typed: GraphBatch, fusion):
    found = method(fusion, typed, score)
    assert found.graphs is typed and found.method and found.meaning
    for level in LEVELS:
        values = getattr(found, level)
        assert values is None or (values.isfinite().all() and not values.requires_grad)


def test_a_modality_that_a_graph_lacks_counts_nothing(method, typed: GraphBatch, fusion):
    found = method(fusion, typed, OutputScore(0))
    if found.modalities is not None:
        assert (found.modalities[~typed.present] == 0).all()
    if found.nodes is not None:
        assert (found.modality_sums()[~typed.present] == 0).all()


def test_it_runs_without_gradients_being_enabled(method, typed: GraphBatch, fusion):
    with torch.no_grad():
        method(fusion, typed, OutputScore(0))


def test_the_same_settings_give_the_same_numbers(method, typed: GraphBatch, fusion):
    first, second = (method(fusion, typed, OutputScore(0)) for _ in range(2))
    for level in LEVELS:
        if getattr(first, level) is not None:
            assert torch.equal(getattr(first, level), getattr(second, level))
