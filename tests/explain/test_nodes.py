import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.explain.nodes import NodeRef, SingleGraph, destinations, edges_of, locate, node_refs
from mmgraph.graph import GraphBatch


def test_a_label_is_the_text_before_the_box_before_the_span():
    assert NodeRef("a", 0, text="dog", box=(0, 0, 1, 1), span=(0, 1)).label == "dog"
    assert NodeRef("a", 0, box=(0, 0, 0.5, 1), span=(0, 1)).label == "[0.00 0.00 0.50 1.00]"
    assert NodeRef("a", 0, span=(0.04, 0.12)).label == "0.04-0.12 s"
    assert NodeRef("a", 7).label == "a 7"


def test_every_node_of_a_batch_is_named_in_the_order_of_the_flat_graph(batch: GraphBatch):
    refs = node_refs(batch)
    assert [ref.modality for ref in refs] == ["image"] * 6 + ["text"] * 9 + ["audio"] * 5
    assert [ref.index for ref in refs] == [0, 1, 2, 3, 0, 1, 0, 1, 2, 0, 1, 0, 1, 2, 3, 0, 1, 0, 1, 2]
    assert [ref.text for ref in refs[6:9]] == ["two", "dogs", "on"]
    assert refs[4].box == (0.0, 0.0, 0.5, 1.0)
    assert refs[-1].span is not None and abs(refs[-1].span[1] - 0.3) < 1e-6


def test_nodes_are_located_past_graphs_that_lack_their_modality(batch: GraphBatch):
    graph, index = locate(batch.flat, torch.arange(batch.num_nodes))
    assert graph.tolist() == [0, 0, 0, 0, 2, 2, 0, 0, 0, 1, 1, 2, 2, 2, 2, 0, 0, 1, 1, 1]
    assert index.tolist() == [ref.index for ref in node_refs(batch)]


@settings(max_examples=20)
@given(st.lists(st.integers(0, 25), min_size=1, max_size=4))
def test_the_edges_of_all_graphs_are_all_edges_once(pool, picked):
    graphs = pool[picked]
    rows = torch.cat([edges_of(graphs.flat, i) for i in range(len(graphs))])
    assert sorted(rows.tolist()) == list(range(graphs.num_edges))
    for i in range(len(graphs)):
        own = edges_of(graphs.flat, i)
        assert (locate(graphs.flat, graphs.flat.src[own].long())[0] == i).all()
        assert (locate(graphs.flat, destinations(graphs.flat)[own])[0] == i).all()


@settings(max_examples=20)
@given(st.lists(st.integers(0, 25), min_size=1, max_size=4))
def test_one_graph_alone_is_the_flat_graph_of_that_graph(pool, picked):
    graphs = pool[picked]
    for number, own in enumerate(graphs):
        one = SingleGraph.of(graphs.flat, number)
        flat, nodes, edges = one.graph, one.nodes, one.edges
        assert (flat.num_nodes, flat.num_graphs) == (own.flat.num_nodes, 1)
        for name in ("segment", "rowptr", "src", "relation"):
            assert torch.equal(getattr(flat, name), getattr(own.flat, name)), name
        assert (locate(graphs.flat, nodes)[0] == number).all() and edges.tolist() == edges_of(
            graphs.flat, number
        ).tolist()
