"""`restrict` keeps some modalities and what joins them."""

import pytest
import torch

from mmgraph.graph import GraphBatch
from mmgraph.graph.restrict import restrict


@pytest.fixture
def graphs() -> GraphBatch:
    graph = GraphBatch.single(
        {"a": torch.tensor([[1.0], [2.0]]), "b": torch.tensor([[3.0]]), "c": torch.tensor([[4.0]])},
        {("a", "x", "b"): torch.tensor([[1], [0]]), ("b", "y", "c"): torch.tensor([[0], [0]])},
        targets={"label": torch.tensor(1)},
    )
    return GraphBatch.concat([graph, graph])


def test_relations_that_touch_a_left_out_modality_go_with_it(graphs: GraphBatch) -> None:
    part = restrict(graphs, ["b", "a"])
    assert list(part.schema.modalities) == ["a", "b"]
    assert part.schema.edge_types == (("a", "x", "b"),)
    assert part.flat.src.tolist() == [1, 3]
    assert part.targets["label"].values.tolist() == [1, 1]


def test_a_graph_that_would_be_empty_is_named(graphs: GraphBatch) -> None:
    lonely = GraphBatch.single({"a": torch.ones(1, 1), "b": torch.zeros(0, 1)}, {}, id="lonely")
    with pytest.raises(ValueError, match="lonely"):
        restrict(lonely, ["b"])
    with pytest.raises(ValueError, match="unknown modality 'z'"):
        restrict(graphs, ["z"])
