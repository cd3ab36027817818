import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.explain import Copies, OutputScore
from mmgraph.explain.copies import copy_scores, ready, score_of
from mmgraph.graph import GraphBatch
from mmgraph.training import predict


@settings(max_examples=25)
@given(st.lists(st.integers(0, 25), min_size=1, max_size=4), st.lists(st.integers(0, 3), min_size=1, max_size=5))
def test_nodes_and_edges_of_copies_know_what_they_are_copies_of(pool, picked, chosen):
    batch = pool[picked]
    graph = torch.tensor([i % len(batch) for i in chosen])
    copies = Copies.of(batch, graph)
    for name, value in copies.batch.nodes.items():
        m = batch.schema.modality_id(name)
        rows = copies.node.split(copies.batch.flat.num_nodes)[m] - sum(batch.flat.num_nodes[:m])
        assert torch.equal(batch.nodes[name].x[rows], value.x)
        assert torch.equal(copies.node_copy.split(copies.batch.flat.num_nodes)[m], value.graph)
    flat = copies.batch.flat
    assert torch.equal(batch.flat.relation[copies.edge], flat.relation)
    assert torch.equal(batch.flat.src[copies.edge].long(), copies.node[flat.src.long()])
    assert torch.equal(copies.node_copy[flat.src.long()], copies.edge_copy)


def test_scores_do_not_depend_on_how_many_copies_go_at_once(typed: GraphBatch, fusion):
    graph = torch.tensor([2, 0, 3, 3, 1])
    with ready(fusion, typed) as batch:
        assert not fusion.training
        found = [copy_scores(fusion, batch, OutputScore(1), graph, lambda c, _: c.batch, size) for size in (1, 2, 9)]
    assert fusion.training and fusion.head[3].training
    expected = predict(fusion, typed)[graph, 1]
    for values in found:
        torch.testing.assert_close(values, expected)


def test_what_is_no_score_is_refused(typed: GraphBatch, fusion):
    with pytest.raises(ValueError, match=r"one number per graph, \[2\], got \[2, 3\]"):
        score_of(lambda outputs, graphs: outputs, torch.ones(2, 3), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="got float"):
        score_of(lambda outputs, graphs: 0.5, torch.ones(2, 3), torch.tensor([0, 1]))
    with ready(fusion, typed) as batch, pytest.raises(ValueError, match="batch_size=0 is at least 1"):
        copy_scores(fusion, batch, OutputScore(0), torch.tensor([0]), lambda c, _: c.batch, 0)
    with pytest.raises(ValueError, match="empty data set"), ready(fusion, typed[:0]):
        pass
