"""What holds for every exported conv, with either softmax scope; a new one is tested here as soon as it is exported."""

import inspect
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphBatch, GraphSchema
from mmgraph.nn import conv as convs

Make = Callable[..., Any]

ATTENDING = [name for name in convs.__all__ if hasattr(getattr(convs, name), "attention")]
CASES = [(name, scope) for name in ATTENDING for scope in ("relation", "node")]
CASES += [(name, None) for name in convs.__all__ if name not in ATTENDING]
READ_EDGE_FEATURES = {"GATConv", "GATv2Conv", "RGATConv", "TransformerConv"}
"""As their docstrings say; the others say that they do not."""


def takes(kind: Any, argument: str) -> bool:
    return argument in inspect.signature(kind).parameters


@pytest.fixture(params=convs.__all__)
def kind(request: pytest.FixtureRequest) -> Any:
    return getattr(convs, request.param)


@pytest.fixture(params=CASES, ids=lambda case: "-".join(map(str, filter(None, case))))
def case(request: pytest.FixtureRequest) -> tuple[str, str | None]:
    """A conv, and the scope of its softmax if it has one."""
    return request.param


@pytest.fixture
def make(case: tuple[str, str | None]) -> Make:
    """A conv in eval mode whose weights, biases among them, are all drawn at random."""
    name, scope = case
    return maker(getattr(convs, name), scope)


@pytest.fixture(params=["relation", "node"])
def scope(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=ATTENDING)
def make_attending(request: pytest.FixtureRequest, scope: str) -> Make:
    """The same, of the convs with attention only."""
    return maker(getattr(convs, request.param), scope)


def maker(kind: Any, scope: str | None) -> Make:
    def build(batch: GraphBatch, seed: int = 0, **options: Any) -> Any:
        torch.manual_seed(seed)
        conv = kind(batch.schema, sizes_of(kind, batch.schema), **size_of(kind), **softmax_of(scope), **options)
        for parameter in conv.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
        return conv.eval().to(batch.nodes["a"].x.dtype)

    return build


def size_of(kind: Any) -> dict[str, int]:
    """Always six channels in all."""
    return {"out_channels": 3, "heads": 2} if takes(kind, "heads") else {"out_channels": 6}


def softmax_of(scope: str | None) -> dict[str, Any]:
    return {} if scope is None else {"scope": scope}


def sizes_of(kind: Any, schema: GraphSchema) -> dict[str, int]:
    """The channels of the schema, or six for all modalities if the conv has no matrices of their own for them."""
    try:
        kind(schema, schema.modalities, 6)
    except ValueError as error:
        assert "all modalities have the same in_channels" in str(error)
        return dict.fromkeys(schema.modalities, 6)
    return dict(schema.modalities)


def inputs(conv: Any, batch: GraphBatch, requires_grad: bool = False) -> dict[str, Tensor]:
    """The features, repeated until there are as many as the conv takes."""
    rows = {}
    for (name, nodes), channels in zip(batch.nodes.items(), conv.in_channels, strict=True):
        rows[name] = nodes.x.repeat(1, 6)[:, :channels].clone().requires_grad_(requires_grad)
    return rows


def rows_of(out: dict[str, Tensor], batch: GraphBatch, graph: int) -> Tensor:
    """The outputs of the nodes of one graph, all modalities below each other."""
    ptr = {name: nodes.ptr.tolist() for name, nodes in batch.nodes.items()}
    return torch.cat([rows[ptr[name][graph] : ptr[name][graph + 1]] for name, rows in out.items()])


def destinations(graph: FlatGraph) -> Tensor:
    return torch.repeat_interleave(graph.rowptr.diff())


def test_every_conv_has_a_test_file_of_its_own() -> None:
    files = [Path(getattr(convs, name).__module__.replace(".", "/")).name for name in convs.__all__]
    assert [name for name in files if not (Path(__file__).parent / f"test_{name}.py").exists()] == []


def test_a_graph_alone_equals_itself_in_a_batch(make: Make, graphs: GraphBatch, assert_agree: Make) -> None:
    conv = make(graphs)
    together = conv(inputs(conv, graphs), graphs.flat)
    for g in (0, 2, 4, 6, 10):
        alone = conv(inputs(conv, graphs[g]), graphs[g].flat)
        assert_agree(rows_of(together, graphs, g), torch.cat(list(alone.values())))


def test_permuting_graphs_permutes_outputs(make: Make, graphs: GraphBatch, assert_agree: Make) -> None:
    conv, order = make(graphs), torch.randperm(len(graphs)).tolist()
    shuffled = graphs[order]
    before, after = conv(inputs(conv, graphs), graphs.flat), conv(inputs(conv, shuffled), shuffled.flat)
    for place, g in enumerate(order):
        assert_agree(rows_of(after, shuffled, place), rows_of(before, graphs, g))


def test_renumbering_nodes_renumbers_outputs(make: Make, graphs: GraphBatch, assert_agree: Make) -> None:
    graph, conv = graphs[0], make(graphs)
    new_number = {name: torch.randperm(nodes.num_nodes) for name, nodes in graph.nodes.items()}
    lists = {relation: graph.relation(relation) for relation in graph.schema.edge_types}
    renumbered = GraphBatch.single(
        {name: nodes.x[new_number[name].argsort()] for name, nodes in graph.nodes.items()},
        {r: torch.stack([new_number[r[0]][e.src], new_number[r[2]][e.dst]]) for r, e in lists.items()},
        schema=graph.schema,
        edge_features={r: e.features for r, e in lists.items() if e.features is not None},
    )
    before, after = conv(inputs(conv, graph), graph.flat), conv(inputs(conv, renumbered), renumbered.flat)
    for name, rows in before.items():
        assert_agree(after[name][new_number[name]], rows)


@pytest.mark.parametrize("place", ["first", "last", "everywhere"])
def test_graphs_that_lack_a_modality_change_nothing_for_the_others(
    make: Make, graphs: GraphBatch, place: str, assert_agree: Make
) -> None:
    full, lacking = [0, 1, 2, 3], [4, 5, 6]
    order = {"first": lacking + full, "last": full + lacking, "everywhere": [4, 0, 5, 1, 6, 2, 4, 3, 5]}[place]
    conv, mixed, pure = make(graphs), graphs[order], graphs[full]
    with_them, without = conv(inputs(conv, mixed), mixed.flat), conv(inputs(conv, pure), pure.flat)
    for g in full:
        assert_agree(rows_of(with_them, mixed, order.index(g)), rows_of(without, pure, g))


@pytest.mark.parametrize("present", ["a", "bc"])
def test_a_modality_that_no_graph_has_is_ordinary(
    make: Make, schema: GraphSchema, ragged: Callable[..., GraphBatch], present: str
) -> None:
    batch = ragged(schema, [dict.fromkeys(present, 3)] * 3)
    conv = make(batch).train()
    out = conv(inputs(conv, batch, requires_grad=True), batch.flat)
    assert {name: len(rows) for name, rows in out.items()} == {
        name: 9 * (name in present) for name in schema.modalities
    }
    assert all(bool(rows.isfinite().all()) for rows in out.values())
    torch.cat(list(out.values())).sum().backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in conv.parameters())


@pytest.mark.parametrize("empty", [0, 1, 2])
def test_an_empty_relation_is_ordinary(make: Make, graphs: GraphBatch, empty: int, assert_agree: Make) -> None:
    """And nothing changes where it does not end, except where degrees count the edges of all relations."""
    graph, conv = graphs[0], make(graphs)
    lists = {r: graph.relation(r) for i, r in enumerate(graph.schema.edge_types) if i != empty}
    without = GraphBatch.build(graph.schema, graph.nodes, lists)
    out = conv(inputs(conv, without), without.flat)
    into = graph.schema.edge_types[empty][2]
    full = conv(inputs(conv, graph), graph.flat)
    assert out[into].isfinite().all()
    for name in graph.schema.modalities:
        if name != into and not isinstance(conv, convs.GCN2Conv):
            assert_agree(out[name], full[name])


def test_a_schema_without_relations_is_ordinary(make: Make) -> None:
    batch = GraphBatch.single({"a": torch.randn(3, 4), "b": torch.randn(2, 1)}, {})
    conv = make(batch)
    out = conv(inputs(conv, batch), batch.flat)
    assert [rows.shape for rows in out.values()] == [(3, 6), (2, 6)]


def test_every_back_end_gives_the_same(make: Make, schema: GraphSchema, ragged: Make, assert_agree: Make) -> None:
    """On a graph with everything and one that lacks modalities; the interpreter of one back-end is slow."""
    graphs = ragged(schema, [{"a": 2, "b": 1, "c": 1}, {"a": 3}], dtype=torch.float64)
    conv, results = make(graphs), []
    for name in ops.available_backends():
        conv.zero_grad()
        x = inputs(conv, graphs, requires_grad=True)
        with ops.backend(name):
            out = torch.cat(list(conv(x, graphs.flat).values()))
            out.square().sum().backward()
        leaves = (*x.values(), *conv.parameters())  # without a gradient where nothing is read
        results.append([out, *(torch.zeros_like(v) if v.grad is None else v.grad.clone() for v in leaves)])
    largest = max(float(value.detach().abs().max()) for value in results[0][1:] if value.numel())
    for other in results[1:]:
        assert_agree(other[0], results[0][0])
        for actual, expected in zip(other[1:], results[0][1:], strict=True):
            assert_agree(actual, expected, scale=largest)


def test_every_parameter_is_reached_by_a_gradient(make: Make, graphs: GraphBatch) -> None:
    conv = make(graphs).train()
    x = inputs(conv, graphs)
    sum((rows.sin() * rows).sum() for rows in conv(x, graphs.flat).values()).backward()
    reached = {name: p.grad is not None and bool(p.grad.abs().max() > 1e-6) for name, p in used_parameters(conv)}
    assert [name for name, yes in reached.items() if not yes] == []


def used_parameters(conv: torch.nn.Module) -> list[tuple[str, torch.nn.Parameter]]:
    """Parameters that have a number in them: a relation without edge features has an empty matrix for them."""
    return [(name, parameter) for name, parameter in conv.named_parameters() if parameter.numel()]


def test_without_edge_features_every_parameter_is_reached_too(make: Make, ragged: Callable[..., GraphBatch]) -> None:
    """Two relations enter every modality: biases of keys tell them apart."""
    relations = [("a", "x", "b"), ("b", "y", "a"), ("a", "z", "a"), ("b", "w", "b")]
    batch = ragged(GraphSchema({"a": 3, "b": 2}, relations), [{"a": 4, "b": 5}])
    conv = make(batch)
    sum((rows.sin() * rows).sum() for rows in conv(inputs(conv, batch), batch.flat).values()).backward()
    assert [name for name, p in used_parameters(conv) if p.grad is None or not bool(p.grad.any())] == []


def test_gradients_reach_features_of_nodes_and_edges_and_edge_weights(make: Make, graphs: GraphBatch) -> None:
    conv = make(graphs)
    x, flat, kind = inputs(conv, graphs, requires_grad=True), graphs.flat, type(conv)
    features = tuple(None if f is None else f.clone().requires_grad_() for f in flat.features)
    weight = torch.rand(graphs.num_edges, 2 if takes(kind, "heads") else 1, dtype=x["a"].dtype, requires_grad=True)
    out = conv(x, flat._replace(features=features), edge_weight=weight)
    sum((rows.sin() * rows).sum() for rows in out.values()).backward()
    used = [f for f in features if f is not None] if kind.__name__ in READ_EDGE_FEATURES else []
    reached = [x["a"], x["b"], x["c"], *used, weight]
    assert all(leaf.grad is not None and bool(leaf.grad.abs().max() > 1e-6) for leaf in reached)
    if not used:
        assert all(f is None or f.grad is None for f in features)
        assert "dge features are not read" in " ".join(kind.__doc__.split())


@pytest.mark.parametrize("large", [False, True])
def test_a_checkpointed_conv_has_the_same_gradients(
    make: Make, graphs: GraphBatch, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:  # products in turn, matrices on the side with fewer nodes
        monkeypatch.setattr(sys.modules["mmgraph.ops.linear"], "NUMBERS", 1)
        monkeypatch.setattr(sys.modules["mmgraph.ops.relation_linear"], "WORTH", 0)
    conv, found = make(graphs), []
    for call in (conv, partial(checkpoint, conv, use_reentrant=False)):
        conv.zero_grad()
        out = call(inputs(conv, graphs, requires_grad=True), graphs.flat)
        sum((rows.sin() * rows).sum() for rows in out.values()).backward()
        found.append([torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in conv.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_a_state_dict_brings_everything_back(make: Make, graphs: GraphBatch) -> None:
    conv, other = make(graphs, seed=0), make(graphs, seed=1)
    assert set(conv.state_dict()) >= {name for name, _ in conv.named_parameters()}
    other.load_state_dict(conv.state_dict())
    mine, theirs = conv(inputs(conv, graphs), graphs.flat), other(inputs(conv, graphs), graphs.flat)
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_a_fresh_conv_starts_with_finite_and_different_weights(kind: Any, graphs: GraphBatch) -> None:
    schema = graphs.schema
    first, second = (kind(schema, sizes_of(kind, schema), **size_of(kind)) for _ in range(2))
    # what starts as one number, biases at 0 or gates at 1, is the same
    pairs = [(p, q) for p, q in zip(first.parameters(), second.parameters(), strict=True) if len(p.unique()) > 1]
    assert pairs and all(bool(p.isfinite().all()) and not torch.equal(p, q) for p, q in pairs)
    torch.manual_seed(5)
    first.reset_parameters()
    torch.manual_seed(5)
    second.reset_parameters()
    assert all(torch.equal(p, q) for p, q in zip(first.parameters(), second.parameters(), strict=True))


def test_outputs_repeat(make: Make, graphs: GraphBatch) -> None:
    conv = make(graphs)
    first, second = conv(inputs(conv, graphs), graphs.flat), conv(inputs(conv, graphs), graphs.flat)
    assert all(torch.equal(rows, second[name]) for name, rows in first.items())


def test_in_eval_dropout_does_nothing(make_attending: Make, graphs: GraphBatch) -> None:
    with_dropout, without = make_attending(graphs, dropout=0.5), make_attending(graphs)
    outs = [conv(inputs(conv, graphs), graphs.flat) for conv in (with_dropout, without)]
    assert all(torch.equal(rows, outs[1][name]) for name, rows in outs[0].items())


def test_in_training_dropout_follows_the_seed_of_torch(make_attending: Make, graphs: GraphBatch) -> None:
    conv, outs = make_attending(graphs, dropout=0.5).train(), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        outs.append(torch.cat(list(conv(inputs(conv, graphs), graphs.flat).values())))
    assert torch.equal(outs[0], outs[1]) and not torch.equal(outs[0], outs[2])


@pytest.mark.parametrize("name", [name for name in ATTENDING if takes(getattr(convs, name), "concat")])
def test_without_concat_heads_are_averaged(name: str, scope: str, graphs: GraphBatch, assert_agree: Make) -> None:
    kind = getattr(convs, name)
    options = {"root_weight": False} if takes(kind, "root_weight") else {"bias": False}
    side_by_side, averaged = (maker(kind, scope)(graphs, concat=concat, **options) for concat in (True, False))
    wide, narrow = (conv(inputs(conv, graphs), graphs.flat) for conv in (side_by_side, averaged))
    for name, rows in wide.items():
        assert_agree(narrow[name], rows.view(-1, 2, 3).mean(1))


def test_attention_sums_to_one_over_the_scope(
    make_attending: Make, scope: str, graphs: GraphBatch, assert_agree: Make
) -> None:
    conv, graph = make_attending(graphs), graphs.flat
    alpha = conv.attention(inputs(conv, graphs), graph)
    assert conv.scope == scope and alpha.shape == (graphs.num_edges, 2) and bool((alpha > 0).all())
    group = destinations(graph) * 10 + (graph.relation if scope == "relation" else 0)
    sums = alpha.new_zeros(10 * graphs.num_nodes, 2).index_add(0, group, alpha)[group.unique()]
    assert_agree(sums, torch.ones_like(sums))


@pytest.mark.unchecked  # many calls
def test_attention_is_what_forward_uses(make_attending: Make, graphs: GraphBatch, assert_agree: Make) -> None:
    """An edge weighted by 1 / alpha, all others by 0, brings its source's value: the same for all edges of a source.

    Without edge features, which some convs add to values.
    """
    graph, conv = graphs[0], make_attending(graphs)
    flat, x = graph.flat._replace(features=(None,) * 5, feature_edges=(None,) * 5), inputs(conv, graph)
    alpha, dst = conv.attention(x, flat), destinations(flat)
    brought: dict[tuple[int, int], list[Tensor]] = {}
    for e in range(graph.num_edges):
        weight = torch.zeros_like(alpha)
        rows = []
        for number in (0.0, 1.0):
            weight[e] = number / alpha[e]
            rows.append(torch.cat(list(conv(x, flat, edge_weight=weight).values()))[dst[e]])
        brought.setdefault((int(flat.src[e]), int(flat.relation[e])), []).append(rows[1] - rows[0])
    assert max(len({int(dst[e]) for e in range(len(dst)) if flat.src[e] == s}) for s, _ in brought) > 1
    for values in brought.values():
        assert_agree(torch.stack(values), torch.stack(values[:1]).expand(len(values), -1))


def test_attention_is_the_same_in_training_with_dropout(make_attending: Make, graphs: GraphBatch) -> None:
    conv = make_attending(graphs, dropout=0.9)
    before = conv.attention(inputs(conv, graphs), graphs.flat)
    assert torch.equal(conv.train().attention(inputs(conv, graphs), graphs.flat), before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"out_channels": 0}, "out_channels and heads are at least 1, got out_channels=0, heads=1"),
        ({"in_channels": {"a": 3}}, "in_channels lacks the modalities ['b', 'c', 'd']; it has ['a']"),
    ],
)
def test_wrong_arguments_are_named(kind: Any, schema: GraphSchema, options: dict[str, Any], message: str) -> None:
    arguments = {"in_channels": 3, "out_channels": 2, **options}
    with pytest.raises(ValueError, match=re.escape(message)):
        kind(schema, **arguments)


@pytest.mark.unchecked
@pytest.mark.parametrize("name", ATTENDING)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": -1}, "got out_channels=2, heads=-1"),
        ({"dropout": 1.0}, "dropout is at least 0 and below 1, got dropout=1.0"),
        ({"scope": "graph"}, "scope is 'relation' or 'node', got 'graph'"),
    ],
)
def test_wrong_arguments_of_attention_are_named(
    name: str, schema: GraphSchema, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        getattr(convs, name)(schema, 3, 2, **options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: {**x, "b": x["b"][1:]}, "modality 'b': x has 2 rows, the graph 3 nodes"),
        (lambda x: {**x, "b": x["b"][:, :0]}, "modality 'b': x has 0 channels, the conv was made for "),
        (lambda x: {name: x[name] for name in "abd"}, "x lacks the modality 'c'; it has ['a', 'b', 'd']"),
    ],
)
def test_features_that_do_not_fit_are_named(make: Make, graphs: GraphBatch, change: Any, message: str) -> None:
    graph, conv = graphs[0], make(graphs)
    for call in (conv, *([conv.attention] if hasattr(conv, "attention") else [])):
        with pytest.raises(ValueError, match=re.escape(message)):
            call(change(inputs(conv, graph)), graph.flat)


def test_a_graph_of_another_schema_is_refused(make: Make, graphs: GraphBatch) -> None:
    other = GraphBatch.single(
        {name: nodes.x for name, nodes in graphs.nodes.items()}, {("a", "x", "b"): torch.zeros(2, 1, dtype=torch.int64)}
    )
    conv = make(graphs)
    with pytest.raises(ValueError, match="the graph has 4 modalities and 1 relations, the conv was made for 4 and 5"):
        conv(inputs(conv, other), other.flat)
