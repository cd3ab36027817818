"""Distances in blocks; the rules that use them are compared with slow references in test_rules.py."""

import pytest
import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import Nearest
from mmgraph.relations import pairs as pairs_module
from mmgraph.relations.feature_distance import MetricVectors, blocks

NODES = NodeSet.of([torch.randn(count, 3) for count in (9, 0, 1, 70, 33)])
VECTORS = MetricVectors.of(NODES, "euclidean")


@pytest.mark.parametrize("largest", [10, 300, 10**6])
def test_blocks_hold_every_pair_once_and_are_small(largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs_module, "MAX_PAIRS", largest)
    found = []
    for block in blocks(NODES, NODES, VECTORS, VECTORS, loops=False):
        square, slack = block.square(torch.float32)
        possible = square < torch.inf
        src_row, dst_row = block.rows(possible)
        exact = (NODES.x[src_row] - NODES.x[dst_row]).double().square().sum(1)
        assert bool(((square.double()[possible] - exact).abs() <= slack.expand_as(square)[possible]).all())
        assert square.numel() <= max(largest + 80 * 80, 80)
        found.append(torch.stack([dst_row, src_row], 1))
    assert torch.cat(found).unique(dim=0).shape[0] == sum(len(part) for part in found)
    assert sum(len(part) for part in found) == sum(n * (n - 1) for n in NODES.counts.tolist())


def test_one_large_graph_is_cut_into_blocks_of_its_destinations(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Nearest(3, mutual=True)(NODES, NODES)
    monkeypatch.setattr(pairs_module, "MAX_PAIRS", 200)
    sizes = [block.square(torch.float64)[0].shape for block in blocks(NODES, NODES, VECTORS, VECTORS, loops=True)]
    assert max(graphs * to * source for graphs, to, source in sizes) <= 400
    assert torch.equal(Nearest(3, mutual=True)(NODES, NODES).src, whole.src)
