"""What holds for every exported learned relation; a new one is tested here as soon as it is exported."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphBatch, GraphSchema
from mmgraph.nn import GATConv, GATv2Conv, GCNConv
from mmgraph.nn import relations as learned_relations
from mmgraph.nn.relations import AttentionPruning, Rewired
from mmgraph.nn.rewire import graph_of_edges
from mmgraph.ops.reference import destinations

CHANNELS, K, PER_GRAPH = 6, 2, 5
RELATIONS = [("a", "learned", "b"), ("a", "learned", "a"), ("b", "y", "a"), ("d", "learned", "c")]
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "SimilarityEdges": [{"weights": "soft"}, {}],
    "MetricEdges": [{"epsilon": 0.3}],
}
NAMES = [name for name in learned_relations.__all__ if name != "Rewired"]
Make = Callable[..., Any]
Edges = dict[tuple[int, int, int], list[list[float]]]


class Pruned(nn.Module):
    """A pruning with the conv whose attention it reads, so that it can be asked what the others are asked."""

    def __init__(self, schema: GraphSchema, k: int) -> None:
        super().__init__()
        self.schema, self.prune = schema, AttentionPruning(0.5, k=k)
        self.conv = GATv2Conv(schema, CHANNELS, 3, 2, scope="node", bias=False)

    def forward(self, x: dict[str, Tensor], graph: FlatGraph | Rewired) -> Rewired:
        former = Rewired.of(graph, x["a"].dtype)
        return self.prune(self.conv.attention(x, former.graph), former)


def maker(name: str, own: dict[str, Any]) -> Make:
    """Makes a learned relation in eval mode."""

    def build(batch: GraphBatch, seed: int = 0, **options: Any) -> Any:
        torch.manual_seed(seed)
        if name == "AttentionPruning":
            learn: Any = Pruned(batch.schema, K)
        else:
            learn = getattr(learned_relations, name)(batch.schema, RELATIONS, CHANNELS, **{"k": K, **own, **options})
        return learn.eval().to(batch.nodes["a"].x.dtype)

    return build


ALL = [(name, options) for name in NAMES for options in OPTIONS.get(name, [{}])]


@pytest.fixture(params=ALL, ids=str)
def make(request: pytest.FixtureRequest) -> Make:
    return maker(*request.param)


@pytest.fixture(params=[kind for kind in ALL if kind[0] != "AttentionPruning"], ids=str)
def make_joining(request: pytest.FixtureRequest) -> Make:
    """All but the pruning, which adds no edge."""
    return maker(*request.param)


def nodes_of(batch: GraphBatch, requires_grad: bool = False) -> dict[str, Tensor]:
    """Nodes of all modalities with equally many channels, a function of their features."""
    wave = torch.arange(1, CHANNELS + 1)
    return {
        name: (nodes.x.sum(1, keepdim=True) * wave).sin().requires_grad_(requires_grad)
        for name, nodes in batch.nodes.items()
    }


def edges_of(rewired: Rewired, g: int) -> Edges:
    """The edges of one graph by (relation, source, destination), counted within graph and modality, with their weights.

    Parallel edges have their weights in one list.
    """
    graph, found = rewired.graph, dict[tuple[int, int, int], list[list[float]]]()
    dst = destinations(graph.rowptr)
    segment = graph.segment[:-1][g :: graph.num_graphs]
    first = segment.repeat_interleave(graph.segment.diff()[g :: graph.num_graphs])
    nodes = torch.cat([torch.arange(s, e) for s, e in bounds(graph, g)])
    local = dict(zip(nodes.tolist(), (nodes - first).tolist(), strict=True))
    for e in (graph_of_edges(graph) == g).nonzero().flatten().tolist():
        key = (int(graph.relation[e]), local[int(graph.src[e])], local[int(dst[e])])
        found.setdefault(key, []).append([*rewired.edge_weight[e].tolist(), *rewired.score[e].tolist()])
    return {key: sorted(values) for key, values in sorted(found.items())}


def bounds(graph: FlatGraph, g: int) -> Iterator[tuple[int, int]]:
    for m in range(len(graph.num_nodes)):
        yield int(graph.segment[m * graph.num_graphs + g]), int(graph.segment[m * graph.num_graphs + g + 1])


def assert_same(mine: Edges, theirs: Edges) -> None:
    assert list(mine) == list(theirs)
    for key, values in mine.items():
        assert torch.allclose(torch.tensor(values), torch.tensor(theirs[key]), atol=1e-5)


def test_every_learned_relation_has_a_test_file_of_its_own() -> None:
    files = [
        Path(getattr(learned_relations, name).__module__.replace(".", "/")).name for name in learned_relations.__all__
    ]
    assert [name for name in files if not (Path(__file__).parent / f"test_{name}.py").exists()] == []


def test_it_gives_a_graph_in_the_order_of_flat_graphs(make: Make, graphs: GraphBatch) -> None:
    """Sorted by destination and relation, ends in one graph and in the modalities of the relation."""
    learn = make(graphs)
    rewired = learn(nodes_of(graphs), graphs.flat)
    graph, dst = rewired.graph, destinations(rewired.graph.rowptr)
    key = dst * len(learn.schema.edge_types) + graph.relation
    assert bool((key.diff() >= 0).all()) and len(graph.features) == len(learn.schema.edge_types)
    assert len(rewired.edge_weight) == len(rewired.learned) == len(graph.src) == len(graph.relation) == len(dst)
    segment = torch.repeat_interleave(graph.segment.diff())
    ends = [tuple(learn.schema.modality_id(r[i]) for r in learn.schema.edge_types) for i in (0, 2)]
    for nodes, modality in zip((graph.src.long(), dst), ends, strict=True):
        assert torch.equal(segment[nodes] // graph.num_graphs, torch.tensor(modality)[graph.relation.long()])
    assert torch.equal(segment[graph.src.long()] % graph.num_graphs, segment[dst] % graph.num_graphs)


def test_a_graph_alone_equals_itself_in_a_batch(make: Make, graphs: GraphBatch) -> None:
    learn = make(graphs)
    first = learn(nodes_of(graphs), graphs.flat)
    again = learn(nodes_of(graphs), first)  # from layer to layer too
    for g in (0, 4, 6):
        alone = learn(nodes_of(graphs[g]), graphs[g].flat)
        assert_same(edges_of(first, g), edges_of(alone, 0))
        assert_same(edges_of(again, g), edges_of(learn(nodes_of(graphs[g]), alone), 0))


def test_permuting_graphs_permutes_edges(make: Make, graphs: GraphBatch) -> None:
    learn, order = make(graphs), torch.randperm(len(graphs)).tolist()
    shuffled = graphs[order]
    before, after = learn(nodes_of(graphs), graphs.flat), learn(nodes_of(shuffled), shuffled.flat)
    for place, g in enumerate(order):
        assert_same(edges_of(after, place), edges_of(before, g))


@pytest.fixture(scope="module", params=["a", "bc", "d"])
def lacking(request: pytest.FixtureRequest, schema: GraphSchema, ragged: Make) -> GraphBatch:
    """Graphs that have some modalities only."""
    return ragged(schema, [dict.fromkeys(request.param, 3)] * 2)


def test_a_modality_that_no_graph_has_is_ordinary(make: Make, lacking: GraphBatch) -> None:
    learn, x = make(lacking).train(), nodes_of(lacking, requires_grad=True)
    rewired = learn(x, lacking.flat)
    assert rewired.edge_weight.isfinite().all()
    (rewired.edge_weight.sum() + sum(rows.sum() for rows in x.values())).backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in learn.parameters())
    assert all(rows.grad is not None and bool(rows.grad.isfinite().all()) for rows in x.values())


def test_no_graph_at_all_is_ordinary(make: Make, graphs: GraphBatch) -> None:
    none = graphs[:0]
    assert make(graphs)(nodes_of(none), none.flat).edge_weight.shape == (0, 1)


@pytest.mark.parametrize("training", [True, False])
def test_budgets_hold(make_joining: Make, graphs: GraphBatch, training: bool) -> None:
    learn = make_joining(graphs, per_graph=PER_GRAPH).train(training)
    rewired = learn(nodes_of(graphs), graphs.flat)
    graph, new = rewired.graph, rewired.learned
    relations = len(learn.schema.edge_types)
    into = torch.bincount((destinations(graph.rowptr) * relations + graph.relation)[new])
    of = torch.bincount((graph_of_edges(graph) * relations + graph.relation)[new])
    assert int(into.max()) == K and int(of.max()) == PER_GRAPH


def test_a_relation_gets_as_many_edges_as_there_are(make_joining: Make, schema: GraphSchema, ragged: Make) -> None:
    """More than there are sources will not do; a node is not connected with itself unless asked for."""
    batch = ragged(schema, [{"a": 2, "b": 3}, {"a": 1, "b": 1}], degree=0.0)
    for loops in (False, True):
        learn = make_joining(batch, k=10, loops=loops)
        graph = learn(nodes_of(batch), batch.flat).graph
        counts = torch.bincount(graph.relation, minlength=len(learn.schema.edge_types))
        most = {RELATIONS[0]: 7, RELATIONS[1]: 5 if loops else 2, RELATIONS[2]: 7}
        expected = torch.tensor([most.get(relation, 0) for relation in learn.schema.edge_types])
        # A metric leaves out pairs that are unlike each other.
        assert bool((counts <= expected).all() if hasattr(learn, "epsilon") else (counts == expected).all())


def test_gradients_reach_the_scores(make: Make, graphs: GraphBatch) -> None:
    """All parameters, and the features of nodes, through the weights alone."""
    learn, x = make(graphs).train(), nodes_of(graphs, requires_grad=True)
    weight = learn(x, graphs.flat).edge_weight
    (weight * torch.randn_like(weight)).sum().backward()
    used = [(n, p) for n, p in learn.named_parameters() if p.numel()]
    left_out = {n for n, p in used if p.grad is None or not bool(p.grad.abs().max() > 1e-9)}
    assert [name for name in left_out if ".3" not in name] == []  # from d to c there is but one node to choose from
    assert all((grad := x[name].grad) is not None and bool(grad.any()) for name in "ab")


def test_gradients_reach_the_scores_through_any_conv(make: Make, graphs: GraphBatch) -> None:
    for kind in (GATConv, GATv2Conv, GCNConv):
        learn = make(graphs).train()
        conv = kind(learn.schema, CHANNELS, 3).to(graphs.nodes["a"].x.dtype)
        rewired = learn(nodes_of(graphs), graphs.flat)
        out = conv(nodes_of(graphs), rewired.graph, rewired.edge_weight)
        sum((rows.sin() * rows).sum() for rows in out.values()).backward()
        assert any(p.grad is not None and bool(p.grad.any()) for p in learn.parameters())


@pytest.mark.unchecked
def test_every_back_end_reads_the_graph(schema: GraphSchema, ragged: Make, assert_agree: Make) -> None:
    batch = ragged(schema, [{"a": 2, "b": 3, "c": 1, "d": 1}, {"a": 2}])
    learn = learned_relations.SimilarityEdges(schema, RELATIONS, CHANNELS, k=K, weights="soft")
    conv, outs = GATConv(learn.schema, CHANNELS, 3, scope="node"), []
    rewired = learn(nodes_of(batch), batch.flat)
    for name in ops.available_backends():
        with ops.backend(name):
            outs.append(torch.cat(list(conv(nodes_of(batch), rewired.graph, rewired.edge_weight).values())))
    for out in outs[1:]:
        assert_agree(out, outs[0])


def test_in_eval_it_repeats(make: Make, graphs: GraphBatch) -> None:
    learn = make(graphs)
    first, second = (learn(nodes_of(graphs), graphs.flat) for _ in range(2))
    assert torch.equal(first.graph.src, second.graph.src) and torch.equal(first.edge_weight, second.edge_weight)


def test_in_training_the_seed_of_torch_decides(make: Make, graphs: GraphBatch) -> None:
    learn, found = make(graphs).train(), []
    for _ in range(2):
        torch.manual_seed(3)
        found.append(learn(nodes_of(graphs), graphs.flat))
    assert torch.equal(found[0].graph.src, found[1].graph.src)
    assert torch.equal(found[0].score, found[1].score)


def test_edges_of_the_data_stay_with_weight_and_features(make_joining: Make, graphs: GraphBatch) -> None:
    learn, flat = make_joining(graphs), graphs.flat
    rewired = learn(nodes_of(graphs), flat)
    old = rewired.keep(~rewired.learned)
    assert torch.equal(old.edge_weight, torch.ones_like(old.edge_weight))
    for name in ("rowptr", "src", "relation"):
        assert torch.equal(getattr(old.graph, name), getattr(flat, name))
    for r, (rows, features) in enumerate(zip(flat.feature_edges, flat.features, strict=True)):
        kept_rows, kept = old.graph.feature_edges[r], old.graph.features[r]
        if rows is None or features is None:
            assert kept_rows is None and kept is None
        else:
            assert kept_rows is not None and torch.equal(kept_rows, rows)
            assert kept is not None and torch.equal(kept, features)
    assert all(features is None for features in rewired.graph.features[len(flat.features) :])


def test_replace_drops_the_edges_of_the_data_in_its_relations(make_joining: Make, graphs: GraphBatch) -> None:
    learn = make_joining(graphs, replace=True)
    rewired = learn(nodes_of(graphs), graphs.flat)
    replaced = rewired.graph.relation == learn.schema.relation_id(("b", "y", "a"))
    assert bool(replaced.any()) and bool(rewired.learned[replaced].all())
    assert int((~rewired.learned).sum()) == int((graphs.flat.relation != 1).sum())


def test_the_next_layer_replaces_what_was_learned(make_joining: Make, graphs: GraphBatch) -> None:
    first, second = make_joining(graphs), make_joining(graphs, seed=1)
    fresh = second(nodes_of(graphs), graphs.flat)
    again = second(nodes_of(graphs), first(nodes_of(graphs), graphs.flat))
    assert int((~again.learned).sum()) == graphs.num_edges
    assert int(torch.bincount(destinations(again.graph.rowptr)[again.learned]).max()) <= 2 * K  # of two relations
    if not hasattr(first, "eta"):  # which mixes
        assert torch.equal(again.graph.src, fresh.graph.src)


def test_a_state_dict_brings_everything_back(make: Make, graphs: GraphBatch) -> None:
    learn, other = make(graphs, seed=0), make(graphs, seed=1)
    other.load_state_dict(learn.state_dict())
    mine, theirs = (one(nodes_of(graphs), graphs.flat) for one in (learn, other))
    assert torch.equal(mine.graph.src, theirs.graph.src) and torch.equal(mine.score, theirs.score)


@pytest.mark.parametrize("name", ["k", "per_graph"])
def test_budgets_without_an_edge_are_named(make_joining: Make, graphs: GraphBatch, name: str) -> None:
    with pytest.raises(ValueError, match=f"k, per_graph and channels are at least 1, got .*{name}=0"):
        make_joining(graphs, **{name: 0})


def test_nodes_that_do_not_fit_are_named(make_joining: Make, graphs: GraphBatch) -> None:
    learn, x = make_joining(graphs), nodes_of(graphs)
    with pytest.raises(ValueError, match="x lacks the modality 'c'; it has"):
        learn({name: x[name] for name in "abd"}, graphs.flat)
    with pytest.raises(ValueError, match=r"modality 'b': x has shape \[\d+, 5\], it takes \[\d+, 6\]"):
        learn({**x, "b": x["b"][:, 1:]}, graphs.flat)
    other = GraphBatch.single({"a": torch.zeros(1, CHANNELS)}, {})
    with pytest.raises(ValueError, match="the graph has 1 modalities and 0 relations, the learned relation was made"):
        learn({"a": other.nodes["a"].x.to(x["a"].dtype)}, other.flat)
