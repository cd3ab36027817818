import math
from itertools import permutations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.explain import ClassScore, ModalityShapley, OutputScore, subgraph
from mmgraph.explain.shapley import shapley_values
from mmgraph.graph import GraphBatch
from mmgraph.training import predict


@given(st.integers(1, 4), st.integers(0, 2**16))
def test_it_is_the_mean_gain_over_all_orders_of_arrival(players: int, seed: int):
    worth = torch.randn(1, 2**players, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    kept = (torch.arange(2**players).unsqueeze(1) >> torch.arange(players)) % 2 == 1
    expected = torch.zeros(players, dtype=torch.float64)
    for order in permutations(range(players)):
        there = 0
        for player in order:
            expected[player] += worth[0, there + 2**player] - worth[0, there]
            there += 2**player
    torch.testing.assert_close(shapley_values(worth, kept)[0], expected / math.factorial(players))


def test_values_sum_to_the_score_less_that_of_an_empty_graph(typed: GraphBatch, fusion):
    score = ClassScore(torch.tensor([0, 1, 2, 1]))
    found = ModalityShapley(batch_size=5)(fusion, typed, score).modalities
    empty = subgraph(typed, torch.zeros(typed.num_nodes, dtype=torch.bool))
    graphs = torch.arange(4)
    expected = score(predict(fusion, typed), graphs) - score(predict(fusion, empty), graphs)
    torch.testing.assert_close(found.sum(1), expected, atol=1e-5, rtol=1e-5)
    assert (found[~typed.present] == 0).all()


def test_an_additive_model_gives_each_modality_its_sum(batch: GraphBatch, additive):
    model = additive(batch.schema)
    found = ModalityShapley()(model, batch, OutputScore()).modalities
    for m, nodes in enumerate(batch.nodes.values()):
        expected = torch.zeros(3).index_add_(0, nodes.graph, model.encoder(nodes).squeeze(1))
        torch.testing.assert_close(found[:, m], expected, atol=1e-5, rtol=1e-5)


def test_too_many_modalities_are_refused(additive):
    graph = GraphBatch.single({f"m{i}": torch.ones(1, 3) for i in range(13)}, {})
    with pytest.raises(ValueError, match=r"13 modalities have 2\^13 sets; Shapley values are for at most 12"):
        ModalityShapley()(additive(graph.schema), graph, OutputScore())
