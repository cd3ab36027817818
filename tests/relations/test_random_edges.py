"""`Random`; what every rule promises is asked in test_rules.py."""

import pytest
import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import Random


def many(samples: int, count: int) -> NodeSet:
    sample = [torch.full((count,), 97 * index) for index in range(samples)]
    return NodeSet.of([torch.zeros(count, 1)] * samples, sample=sample)


def test_every_source_is_drawn_equally_often_and_samples_differ() -> None:
    nodes = many(500, 9)
    src = Random(2)(nodes, nodes).src.view(500, 9, 2)
    assert src.flatten(1).unique(dim=0).shape[0] == 500
    assert bool((src[:, :, 0] < src[:, :, 1]).all())  # no source twice
    counts = torch.bincount(src[:, 0].flatten().long(), minlength=9)  # 1,000 draws among 8 sources: 125 each
    assert counts[0] == 0 and int((counts[1:] - 125).abs().max()) < 45


def test_another_seed_draws_other_edges() -> None:
    nodes = many(20, 9)
    drawn = [Random(2, seed)(nodes, nodes).src for seed in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


def test_few_sources_are_all_taken() -> None:
    assert Random(5)(many(1, 3), many(1, 2)).src.tolist() == [0, 1, 2, 0, 1, 2]


def test_a_degree_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="degree=0: give at least 1"):
        Random(0)
