"""`Coarsened`: the way back."""

import torch

from mmgraph.graph import GraphBatch
from mmgraph.nn import TopKPool


def test_nodes_that_were_left_out_come_back_as_zeros() -> None:
    graph = GraphBatch.single({"a": torch.tensor([[3.0], [1.0], [2.0]]), "b": torch.tensor([[1.0]])}, {})
    pool = TopKPool(graph.schema, 1, 2)
    torch.nn.init.ones_(pool.weight)
    pooled = pool({name: nodes.x for name, nodes in graph.nodes.items()}, graph.flat)
    back = pooled.unpool({"a": torch.tensor([[5.0, 6.0], [7.0, 8.0]]), "b": torch.tensor([[9.0, 9.0]])}, graph.flat)
    assert back["a"].tolist() == [[5, 6], [0, 0], [7, 8]] and back["b"].tolist() == [[9, 9]]
