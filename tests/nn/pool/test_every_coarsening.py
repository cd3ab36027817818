"""What holds for every exported pool that gives a smaller graph; a new one is tested here as soon as it is exported."""

from collections.abc import Callable
from typing import Any, get_type_hints

import pytest
import torch
from torch import Tensor

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import GATConv, GCNConv, MeanPool
from mmgraph.nn import pool as pools
from mmgraph.nn.pool import Coarsened
from mmgraph.nn.rewire import graph_of_edges
from mmgraph.ops.reference import destinations

CHANNELS = 6
Make = Callable[..., Any]
COARSENINGS = [
    name
    for name in pools.__all__
    if name.endswith("Pool") and get_type_hints(getattr(pools, name).forward)["return"] is Coarsened
]
SIZES: dict[str, list[Any]] = {"SoftAssignPool": [3], "TopKPool": [0.5, 2], "SAGPool": [0.5], "ASAPool": [0.5]}
KINDS = [(name, size) for name in COARSENINGS for size in SIZES[name]]


@pytest.fixture(params=KINDS, ids=str)
def make(request: pytest.FixtureRequest) -> Make:
    """A pool in eval mode whose weights are all drawn at random."""

    def build(batch: GraphBatch, seed: int = 0) -> Any:
        torch.manual_seed(seed)
        name, size = request.param
        pool = getattr(pools, name)(batch.schema, CHANNELS, size)
        for parameter in pool.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
        return pool.eval().to(batch.nodes["a"].x.dtype)

    return build


def nodes_of(batch: GraphBatch, requires_grad: bool = False) -> dict[str, Tensor]:
    """Nodes of all modalities with equally many channels, a function of their features."""
    wave = torch.arange(1, CHANNELS + 1)
    return {
        name: (nodes.x.sum(1, keepdim=True) * wave).sin().requires_grad_(requires_grad)
        for name, nodes in batch.nodes.items()
    }


def weight_of(batch: GraphBatch) -> Tensor:
    """Weights of edges that are a function of their ends, so that a batch and its graphs have the same."""
    x = torch.cat(list(nodes_of(batch).values()))
    graph = batch.flat
    return (x[graph.src.long(), :1] - 2 * x[destinations(graph.rowptr), 1:2]).square() + 0.1


def part(coarsened: Coarsened, g: int) -> tuple[Tensor, Tensor, list[tuple[Tensor, Tensor]]]:
    """Of one graph: its nodes, its edges as (destination, relation, source, weight), its edge features by relation."""
    graph = coarsened.graph
    segments = range(g, graph.segment.numel() - 1, graph.num_graphs)
    bounds = [(int(graph.segment[s]), int(graph.segment[s + 1])) for s in segments]
    nodes = torch.cat([torch.arange(start, stop) for start, stop in bounds])
    place = torch.full((sum(graph.num_nodes) + 1,), -1).index_copy(0, nodes, torch.arange(len(nodes)))
    mine = graph_of_edges(graph) == g
    ends = (place[destinations(graph.rowptr)[mine]], graph.relation[mine], place[graph.src.long()[mine]])
    weight = torch.ones(len(mine), 1) if coarsened.edge_weight is None else coarsened.edge_weight
    number = mine.cumsum(0) - 1
    features = [
        (number[rows][mine[rows]], values[mine[rows]])
        for rows, values in zip(graph.feature_edges, graph.features, strict=True)
        if rows is not None and values is not None
    ]
    x = torch.cat(list(coarsened.x.values()))[nodes]
    return x, torch.stack([*(end.double() for end in ends), weight[mine, 0].double()]), features


def assert_same(mine: Coarsened, g: int, theirs: Coarsened, h: int) -> None:
    (x, edges, features), (other_x, other_edges, other_features) = part(mine, g), part(theirs, h)
    assert x.shape == other_x.shape and torch.allclose(x, other_x, atol=1e-5)
    assert edges.shape == other_edges.shape and torch.allclose(edges, other_edges, atol=1e-5)
    for (rows, values), (other_rows, other_values) in zip(features, other_features, strict=True):
        assert torch.equal(rows, other_rows) and torch.allclose(values, other_values, atol=1e-4)


def test_every_coarsening_is_tested_here() -> None:
    assert {name for name, _ in KINDS} == set(COARSENINGS) == set(SIZES)


def test_the_graph_is_in_the_order_of_flat_graphs(make: Make, graphs: GraphBatch) -> None:
    """Sorted by destination and relation, ends in one graph and in the relation's modalities, features in place."""
    coarsened = make(graphs)(nodes_of(graphs), graphs.flat, weight_of(graphs))
    graph, schema = coarsened.graph, graphs.schema
    dst, segment = destinations(graph.rowptr), torch.repeat_interleave(graph.segment.diff())
    assert len(dst) == len(graph.src) == len(graph.relation) == len(coarsened.edge_weight) > 20
    assert bool(((dst * 10 + graph.relation).diff() >= 0).all())
    assert graph.src.dtype == graph.relation.dtype == torch.int32 and graph.num_graphs == len(graphs)
    assert graph.num_nodes == tuple(len(rows) for rows in coarsened.x.values())
    ends = [torch.tensor([schema.modality_id(relation[i]) for relation in schema.edge_types]) for i in (0, 2)]
    for nodes, modality in zip((graph.src.long(), dst), ends, strict=True):
        assert torch.equal(segment[nodes] // graph.num_graphs, modality[graph.relation.long()])
    assert torch.equal(segment[graph.src.long()] % len(graphs), segment[dst] % len(graphs))
    for r, relation in enumerate(schema.edge_types):
        rows, features = graph.feature_edges[r], graph.features[r]
        assert (rows is not None) == (schema.edge_channels(relation) > 0)
        if rows is not None and features is not None:
            assert bool((graph.relation[rows] == r).all()) and len(rows.unique()) == len(rows) > 5
            assert features.shape == (len(rows), schema.edge_channels(relation)) and features.isfinite().all()


def test_absent_modalities_stay_absent_and_present_ones_present(make: Make, graphs: GraphBatch) -> None:
    coarsened = make(graphs)(nodes_of(graphs), graphs.flat)
    assert torch.equal(coarsened.graph.segment.diff() > 0, graphs.flat.segment.diff() > 0)


def test_a_graph_alone_equals_itself_in_a_batch(make: Make, graphs: GraphBatch) -> None:
    pool = make(graphs)
    together = pool(nodes_of(graphs), graphs.flat, weight_of(graphs))
    for g in (0, 4, 5):
        assert_same(together, g, pool(nodes_of(graphs[g]), graphs[g].flat, weight_of(graphs[g])), 0)


def test_permuting_graphs_permutes_results(make: Make, graphs: GraphBatch) -> None:
    pool, order = make(graphs), torch.randperm(len(graphs)).tolist()
    before = pool(nodes_of(graphs), graphs.flat, weight_of(graphs))
    after = pool(nodes_of(graphs[order]), graphs[order].flat, weight_of(graphs[order]))
    for place, g in enumerate(order):
        assert_same(after, place, before, g)


@pytest.fixture(scope="module", params=["a", "ab", "d"])
def lacking(request: pytest.FixtureRequest, schema: GraphSchema, ragged: Make) -> tuple[str, GraphBatch]:
    """Graphs that have some modalities only, and which."""
    return request.param, ragged(schema, [dict.fromkeys(request.param, 3)] * 2)


def test_a_modality_that_no_graph_has_is_ordinary(make: Make, lacking: tuple[str, GraphBatch]) -> None:
    present, batch = lacking
    pool, x = make(batch).train(), nodes_of(batch, requires_grad=True)
    coarsened = pool(x, batch.flat)
    assert [name for name, rows in coarsened.x.items() if len(rows)] == list(present)
    assert all(bool(rows.isfinite().all()) for rows in coarsened.x.values())
    loss = sum(rows.square().sum() for rows in coarsened.x.values()) + sum(coarsened.losses.values())
    loss.backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in (*pool.parameters(), *x.values()))


def test_no_graph_at_all_is_ordinary(make: Make, graphs: GraphBatch) -> None:
    none = graphs[:0]
    coarsened = make(graphs)(nodes_of(none), none.flat)
    assert coarsened.graph.num_nodes == (0, 0, 0, 0) and all(loss.isfinite() for loss in coarsened.losses.values())


def test_a_graph_without_edges_is_ordinary(make: Make, schema: GraphSchema, ragged: Make) -> None:
    batch = ragged(schema, [{"a": 4, "b": 2}, {"c": 3}], degree=0.0)
    coarsened = make(batch)(nodes_of(batch), batch.flat)
    assert all(bool(rows.isfinite().all()) for rows in coarsened.x.values())


def test_every_parameter_node_and_weight_is_reached_by_a_gradient(make: Make, graphs: GraphBatch) -> None:
    pool, x = make(graphs).train(), nodes_of(graphs, requires_grad=True)
    weight = weight_of(graphs).requires_grad_()
    coarsened = pool(x, graphs.flat, weight)
    conv = GATConv(graphs.schema, CHANNELS, 4).to(weight.dtype)
    out = conv(coarsened.x, coarsened.graph, coarsened.edge_weight)
    loss = sum((rows.sin() * rows).sum() for rows in (*out.values(), *coarsened.x.values()))
    (loss + sum(coarsened.losses.values())).backward()
    used = [(name, p) for name, p in pool.named_parameters() if p.numel()]
    assert [name for name, p in used if p.grad is None or not bool(p.grad.abs().max() > 1e-9)] == []
    assert all((grad := leaf.grad) is not None and bool(grad.any()) for leaf in (*x.values(), weight))


def test_convs_and_pools_read_the_result_again_and_again(make: Make, graphs: GraphBatch) -> None:
    """Two levels with a conv between them, then a readout."""
    first, second, x = make(graphs), make(graphs, seed=1), nodes_of(graphs)
    convs = [kind(graphs.schema, CHANNELS, CHANNELS).to(x["a"].dtype) for kind in (GATConv, GCNConv)]
    coarse = first(x, graphs.flat)
    coarse = second(convs[0](coarse.x, coarse.graph, coarse.edge_weight), coarse.graph, coarse.edge_weight)
    out = MeanPool(graphs.schema, CHANNELS)(convs[1](coarse.x, coarse.graph, coarse.edge_weight), coarse.graph)
    assert out.shape == (len(graphs), 4, CHANNELS) and out.isfinite().all()


def test_results_are_brought_back_to_the_nodes_before(make: Make, graphs: GraphBatch) -> None:
    """Ones come back as the sum of a node's shares: one for the nodes that went anywhere as a whole."""
    coarsened = make(graphs)(nodes_of(graphs), graphs.flat)
    ones = {name: torch.ones_like(rows[:, :1]) for name, rows in coarsened.x.items()}
    back = coarsened.unpool(ones, graphs.flat)
    assert {name: len(rows) for name, rows in back.items()} == {n: r.num_nodes for n, r in graphs.nodes.items()}
    shares = torch.zeros(graphs.num_nodes).index_add(0, coarsened.member, coarsened.share.float())
    assert torch.allclose(torch.cat(list(back.values())).flatten().float(), shares)
    segments = [torch.repeat_interleave(graph.segment.diff()) for graph in (graphs.flat, coarsened.graph)]
    assert torch.equal(segments[0][coarsened.member], segments[1][coarsened.cluster])


def test_outputs_repeat_and_a_state_dict_brings_everything_back(make: Make, graphs: GraphBatch) -> None:
    pool, other = make(graphs, seed=0), make(graphs, seed=1)
    other.load_state_dict(pool.state_dict())
    results = [one(nodes_of(graphs), graphs.flat) for one in (pool, pool, other)]
    for result in results[1:]:
        assert torch.equal(result.graph.src, results[0].graph.src)
        assert all(torch.equal(rows, results[0].x[name]) for name, rows in result.x.items())


@pytest.mark.parametrize("size", [0, -1])
@pytest.mark.parametrize("name", COARSENINGS)
def test_sizes_that_keep_nothing_are_named(name: str, schema: GraphSchema, size: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1.*{size}"):
        getattr(pools, name)(schema, 2, size)
    with pytest.raises(ValueError, match=r"channels.* at least 1.* got channels=0"):
        getattr(pools, name)(schema, 0, 1)


@pytest.mark.parametrize("ratio", [0.0, 1.5, -0.5])
@pytest.mark.parametrize("name", [name for name in COARSENINGS if 0.5 in SIZES[name]])
def test_ratios_that_are_no_share_are_named(name: str, schema: GraphSchema, ratio: float) -> None:
    with pytest.raises(ValueError, match=f"ratio a share above 0 and at most 1 .* ratio={ratio}"):
        getattr(pools, name)(schema, 2, ratio)
