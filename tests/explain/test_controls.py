import torch
from torch import nn

from mmgraph.explain import FeatureNorm, RandomScores
from mmgraph.explain.nodes import destinations
from mmgraph.graph import GraphBatch

NO_MODEL = nn.Identity()


def no_score(outputs, graphs):
    raise AssertionError("a control looks at no output")


def test_random_numbers_follow_the_seed(typed: GraphBatch):
    first, again, other = (RandomScores(seed)(NO_MODEL, typed, no_score) for seed in (0, 0, 1))
    assert torch.equal(first.nodes, again.nodes) and torch.equal(first.edges, again.edges)
    assert not torch.equal(first.nodes, other.nodes)


def test_lengths_are_in_units_of_their_modality_and_tokens_count_one(typed: GraphBatch):
    found = FeatureNorm()(NO_MODEL, typed, no_score)
    assert found.of("text").tolist() == [1.0] * 12
    lengths = typed.nodes["audio"].x.norm(dim=1)
    torch.testing.assert_close(found.of("audio"), lengths / lengths.mean())
    src, dst = typed.flat.src.long(), destinations(typed.flat)
    torch.testing.assert_close(found.edges, found.nodes[src] * found.nodes[dst])


def test_a_modality_that_no_graph_has_does_no_harm(typed: GraphBatch):
    found = FeatureNorm()(NO_MODEL, typed[2], no_score)
    assert found.nodes.tolist() == [1.0] * 4
