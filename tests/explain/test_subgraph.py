import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.explain import subgraph
from mmgraph.explain.nodes import destinations, locate
from mmgraph.graph import Field, GraphBatch, GraphSchema, Target


def slow(batch: GraphBatch, nodes: torch.Tensor, edges: torch.Tensor) -> GraphBatch:
    """Graph by graph and edge by edge, built anew and checked."""
    flat, dst = batch.flat, destinations(batch.flat)
    graph, index = locate(flat, torch.arange(batch.num_nodes))
    parts = []
    for number in range(len(batch)):
        one = batch[number]
        kept = {}
        for m, name in enumerate(batch.nodes):
            own = (graph == number) & (torch.arange(batch.num_nodes) >= sum(flat.num_nodes[:m]))
            own &= torch.arange(batch.num_nodes) < sum(flat.num_nodes[: m + 1])
            kept[name] = [i for i, keep in zip(index[own].tolist(), nodes[own].tolist(), strict=True) if keep]
        ends = {relation: [] for relation in batch.schema.edge_types}
        for e in range(batch.num_edges):
            s, d = int(flat.src[e]), int(dst[e])
            relation = batch.schema.edge_types[int(flat.relation[e])]
            if graph[s] == number and edges[e] and nodes[s] and nodes[d]:
                place = kept[relation[0]].index(int(index[s])), kept[relation[2]].index(int(index[d]))
                ends[relation].append(place)
        parts.append(
            GraphBatch.single(
                {name: one.nodes[name].x[rows] for name, rows in kept.items()},
                {r: torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T for r, pairs in ends.items()},
                schema=GraphSchema(batch.schema.modalities, batch.schema.relations),
                id=one.ids[0],
            )
        )
    return GraphBatch.concat(parts)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 25), min_size=1, max_size=3), st.integers(0, 2**16))
def test_it_is_the_graph_that_would_be_built_from_what_is_kept(pool, picked, seed):
    batch = pool[picked]
    generator = torch.Generator().manual_seed(seed)
    nodes = torch.rand(batch.num_nodes, generator=generator) < 0.7
    edges = torch.rand(batch.num_edges, generator=generator) < 0.7
    graph, _ = locate(batch.flat, torch.arange(batch.num_nodes))
    for number in range(len(batch)):  # a graph that is built has a node
        nodes[(graph == number).nonzero()[0]] = True
    made = subgraph(batch, nodes, edges)
    expected = slow(batch, nodes, edges)
    assert made.num_edges == expected.num_edges
    for name, value in expected.nodes.items():
        assert torch.equal(made.nodes[name].x, value.x) and torch.equal(made.nodes[name].ptr, value.ptr)
    for name in ("segment", "rowptr", "src", "relation"):
        assert torch.equal(getattr(made.flat, name), getattr(expected.flat, name)), name
    assert torch.equal(made.edges.ptr, expected.edges.ptr)
    assert torch.equal(made.edges.relation_ptr, expected.edges.relation_ptr)


def test_everything_kept_is_the_same_graph(typed: GraphBatch):
    assert subgraph(typed).equal(typed)


def test_features_of_edges_stay_with_their_edges(typed: GraphBatch):
    relation = ("image", "near", "image")
    rows = typed.edges.by_relation[0]
    kept = torch.ones(typed.num_edges, dtype=torch.bool)
    kept[rows[::2]] = False
    made = subgraph(typed, edges=kept)
    assert torch.equal(made.relation(relation).features, typed.relation(relation).features[1::2])
    assert torch.equal(made.flat.feature_edges[0], made.edges.by_relation[0])


def test_targets_of_nodes_go_with_their_nodes():
    schema = GraphSchema({"a": 1}, (), {}, {"label": Field("int64", of="a"), "whole": Field("float32")})
    graph = GraphBatch.single(
        {"a": torch.zeros(3, 1)},
        {},
        schema=schema,
        targets={"label": torch.tensor([5, 6, 7]), "whole": Target(torch.tensor([0.5]), torch.tensor([True]))},
    )
    made = subgraph(graph, torch.tensor([True, False, True]))
    assert made.targets["label"].values.tolist() == [5, 7] and made.targets["whole"].values.tolist() == [0.5]


def test_a_model_reads_graphs_without_any_node(typed: GraphBatch, fusion):
    empty = subgraph(typed, torch.zeros(typed.num_nodes, dtype=torch.bool))
    outputs = fusion.eval()(empty)
    assert outputs.shape == (4, 3) and outputs.isfinite().all()
    torch.testing.assert_close(outputs, outputs[:1].expand(4, 3))


def test_a_mask_of_another_length_is_refused(typed: GraphBatch):
    with pytest.raises(ValueError, match=rf"nodes is a mask over the {typed.num_nodes} nodes of the batch, got \[2\]"):
        subgraph(typed, torch.ones(2, dtype=torch.bool))
    with pytest.raises(ValueError, match="edges is a mask over the"):
        subgraph(typed, edges=torch.ones(2, dtype=torch.bool))
