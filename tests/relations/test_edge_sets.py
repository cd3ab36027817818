"""Edges as sets of pairs."""

import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import Complete, Nearest
from mmgraph.relations.edge_sets import edges_of_keys, keep_edges, keys_of, rows_of
from tests.relations.tiny import pairs

NODES = NodeSet.of([torch.tensor([[0.0], [1.0]]), torch.zeros(0, 1), torch.tensor([[0.0], [1.0], [3.0]])])


def test_edges_become_keys_and_edges_again() -> None:
    edges = Complete()(NODES, NODES)
    again = edges_of_keys(NODES, NODES, keys_of(edges, NODES, NODES).flip(0).repeat(2))
    assert pairs(again) == pairs(edges) and torch.equal(again.ptr, edges.ptr)


def test_rows_count_through_the_batch() -> None:
    src_row, dst_row = rows_of(Complete()(NODES, NODES), NODES, NODES)
    assert src_row.tolist() == [1, 0, 3, 4, 2, 4, 2, 3] and dst_row.tolist() == [0, 1, 2, 2, 3, 3, 4, 4]


def test_edges_are_kept_with_their_features_and_graphs() -> None:
    edges = Nearest(1, features=("distance",))(NODES, NODES)
    kept = keep_edges(edges, torch.tensor([False, True, True, False, True]))
    assert kept.ptr.tolist() == [0, 1, 1, 3] and pairs(kept) == [(0, 1), (1, 0), (1, 2)]
    assert kept.features is not None and kept.features.squeeze(1).tolist() == [1.0, 1.0, 2.0]
