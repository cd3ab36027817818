"""The edges between clusters that hold all nodes, by hand."""

import torch

from mmgraph.graph import GraphBatch
from mmgraph.nn.pool.blocks import block_of, edges_of_blocks, per_graph, squares
from mmgraph.nn.rewire import without_edges


def test_products_are_made_graph_by_graph() -> None:
    rows = torch.tensor([[1.0], [2.0], [3.0]])
    assert per_graph(rows, rows, torch.tensor([0, 2, 2, 3])).flatten().tolist() == [5, 0, 9]


def test_one_edge_is_spread_over_all_pairs_of_clusters() -> None:
    """And a graph that the relation does not touch gets no edge."""
    edges = {("a", "to", "b"): torch.tensor([[1], [0]])}
    with_edge = GraphBatch.single({"a": torch.zeros(2, 1), "b": torch.zeros(1, 1)}, edges)
    without = GraphBatch.single({"a": torch.zeros(1, 1)}, {}, schema=with_edge.schema)
    graph = GraphBatch.concat([with_edge, without]).flat
    shares = [torch.tensor([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]]), torch.tensor([[0.4, 0.6]])]
    block = block_of(graph, 0, 0, 1, shares, torch.tensor([[2.0]]))
    assert block.joined.tolist() == [True, False]
    coarse = edges_of_blocks(without_edges(torch.tensor([[2, 2], [2, 0]]), 1), [block], ((0, 1),), shares[0])
    assert coarse.graph.src.tolist() == [0, 1, 0, 1] and coarse.graph.rowptr.tolist() == [0, 0, 0, 0, 0, 2, 4]
    expected = torch.tensor([0.25 * 0.4, 0.75 * 0.4, 0.25 * 0.6, 0.75 * 0.6]) * 2
    assert torch.allclose(coarse.edge_weight[:, 0], expected)


def test_parallel_edges_are_one_number_of_the_matrix() -> None:
    graph = GraphBatch.single({"a": torch.zeros(2, 1)}, {("a", "to", "a"): torch.tensor([[0, 0, 1], [1, 1, 1]])}).flat
    assert squares(graph, 0, torch.tensor([[1.0], [2.0], [4.0]])).tolist() == [3**2 + 4**2]
