import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from mmgraph.explain import Attribution
from mmgraph.explain.ranks import Ranking, items_of, rank_correlation
from mmgraph.graph import GraphBatch


@settings(max_examples=25)
@given(st.lists(st.integers(0, 25), min_size=1, max_size=3), st.sampled_from(["nodes", "edges"]), st.integers(0, 99))
def test_ranks_count_up_within_each_graph_from_the_largest_value(pool, picked, level, seed):
    graphs = pool[picked]
    values = torch.randint(4, (graphs.num_nodes if level == "nodes" else graphs.num_edges,)).float()
    ranking = Ranking.of(Attribution("m", "", graphs, **{level: values}), level, seed=seed)
    for graph in range(len(graphs)):
        own = ranking.graph == graph
        order = values[own][ranking.rank[own].argsort()]
        assert sorted(ranking.rank[own].tolist()) == list(range(int(ranking.count[graph])))
        assert order.tolist() == sorted(order.tolist(), reverse=True)


def test_only_nodes_that_are_asked_for_are_ranked(batch: GraphBatch):
    found = Attribution("m", "", batch, nodes=torch.arange(batch.num_nodes).float())
    ranking = Ranking.of(found, "nodes", ["audio", "image"])
    assert ranking.count.tolist() == [6, 3, 2]
    assert ranking.ranked.tolist() == [True] * 6 + [False] * 9 + [True] * 5
    assert ranking.rank[15:17].tolist() == [1, 0]


def test_equal_values_come_in_an_order_of_the_seed(batch: GraphBatch):
    found = Attribution("m", "", batch, nodes=torch.zeros(batch.num_nodes))
    orders = {tuple(Ranking.of(found, seed=seed).rank.tolist()) for seed in (0, 0, 1, 2)}
    assert len(orders) == 3


def test_what_has_no_ranking_is_refused(batch: GraphBatch):
    with pytest.raises(ValueError, match="got level='relations'"):
        items_of(batch, "relations", None)
    with pytest.raises(ValueError, match=r"got level='edges' and modalities=\['image'\]"):
        items_of(batch, "edges", ["image"])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=20))
def test_correlation_is_that_of_scipy_in_every_graph(rows):
    first, second, graph = (torch.tensor(column) for column in zip(*rows, strict=True))
    found = rank_correlation(first.float(), second.float(), graph, 3)
    for number in range(3):
        own = graph == number
        constant = len(set(first[own].tolist())) < 2 or len(set(second[own].tolist())) < 2
        if own.sum() < 3 or constant:
            assert found[number].isnan()
        else:
            expected = spearmanr(first[own].numpy(), second[own].numpy()).statistic
            assert found[number].item() == pytest.approx(expected, abs=1e-9)
