"""`GraphFusion`: its convs and scopes, what stands in for a missing modality, and that edges matter."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from mmgraph import ops
from mmgraph.explain import record_attention
from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.models import GraphFusion
from mmgraph.nn import GumbelEdges, MeanPool, MetricEdges, RGCNConv, SimilarityEdges
from mmgraph.nn import conv as convs
from mmgraph.training import Blueprint

ATTENDING = [name for name in convs.__all__ if hasattr(getattr(convs, name), "attention")]


@pytest.mark.parametrize(
    ("name", "scope"),
    [(name, scope) for name in convs.__all__ for scope in (["node", "relation"] if name in ATTENDING else [None])],
)
def test_any_conv_and_scope_will_do(
    name: str, scope: str | None, graphs: GraphBatch, build: Callable[..., Any], assert_agree: Callable[..., None]
) -> None:
    options = {"conv": getattr(convs, name), "num_layers": 3, **({"scope": scope} if scope else {})}
    model = build(GraphFusion, graphs.schema, dtype=graphs.nodes["a"].x.dtype, **options)
    found = [(type(block.conv).__name__, getattr(block.conv, "scope", None)) for block in model.blocks]
    assert found == [(name, scope)] * 3
    out = model(graphs)
    assert_agree(torch.cat([model(graphs[:1]), model(graphs[-1:])]), out[[0, -1]])
    out.square().sum().backward()
    assert [n for n, p in model.named_parameters() if p.numel() and (p.grad is None or not p.grad.any())] == []


def test_every_back_end_gives_the_same(
    graphs: GraphBatch, build: Callable[..., Any], assert_agree: Callable[..., None]
) -> None:
    model, some = build(GraphFusion, graphs.schema, dtype=graphs.nodes["a"].x.dtype), graphs[[2, 5]]
    out = model(some)
    for backend in ops.available_backends():
        with ops.backend(backend):
            assert_agree(model(some), out)


def test_convs_have_options_that_a_file_can_keep(schema: GraphSchema) -> None:
    options = {"conv": RGCNConv, "conv_options": {"num_bases": 2, "root_weight": False}}
    kept = Blueprint.of(GraphFusion, schema=schema, out_channels=2, **options)
    model: Any = kept.build()
    assert {len(block.conv.weight.basis) for block in model.blocks} == {2}
    assert {block.conv.root_weight.numel() for block in model.blocks} == {0}


@pytest.mark.parametrize("name", convs.__all__)
def test_learned_relations_go_with_any_conv(name: str, graphs: GraphBatch, build: Callable[..., Any]) -> None:
    options = {"conv": getattr(convs, name), "learned": similar, "num_layers": 2}
    model = build(GraphFusion, graphs.schema, dtype=graphs.nodes["a"].x.dtype, **options)
    model(graphs).square().sum().backward()
    assert [n for n, p in model.blocks.named_parameters() if p.numel() and (p.grad is None or not p.grad.any())] == []


def test_by_default_attention_spans_all_relations(schema: GraphSchema) -> None:
    model: Any = GraphFusion(schema, 2)
    assert {type(block.conv).__name__ for block in model.blocks} == {"GATv2Conv"}
    assert {block.conv.scope for block in model.blocks} == {"node"}


def test_a_learned_vector_stands_in_for_a_missing_modality(graphs: GraphBatch, build: Callable[..., Any]) -> None:
    """Changing it changes the outputs of the graphs that lack the modality, and of no other."""
    model = build(GraphFusion, graphs.schema, dtype=graphs.nodes["a"].x.dtype)
    for m in range(len(graphs.schema.modalities)):
        before = model(graphs)
        with torch.no_grad():
            model.absent[m] += torch.randn(16)
        changed = (model(graphs) != before).any(1)
        assert torch.equal(changed, ~graphs.present[:, m])


def test_edges_matter(graphs: GraphBatch, build: Callable[..., Any]) -> None:
    model = build(GraphFusion, graphs.schema, dtype=graphs.nodes["a"].x.dtype)
    without = GraphBatch.build(graphs.schema, graphs.nodes, {}, dict(graphs.targets), graphs.ids)
    has_edges = torch.tensor([graph.num_edges > 0 for graph in graphs])
    assert bool((model(without) != model(graphs)).any(1)[has_edges].all())


def test_nodes_have_no_order_of_their_own(graphs: GraphBatch, build: Callable[..., Any], assert_agree: Any) -> None:
    """A graph whose nodes are numbered anew, with their attributes, gives the same outputs."""
    graph, order = graphs[0], {name: torch.randperm(nodes.num_nodes) for name, nodes in graphs[0].nodes.items()}
    numeric: dict[str, dict[str, Any]] = {
        name: {key: value[order[name]] for key, value in nodes.attributes.items() if isinstance(value, torch.Tensor)}
        for name, nodes in graph.nodes.items()
    }
    texts: dict[str, Any] = {"text": [graph.nodes["b"].attributes["text"][row] for row in order["b"].tolist()]}
    place = {name: numbers.argsort() for name, numbers in order.items()}
    lists = {r: graph.relation(r) for r in graph.schema.edge_types}
    renumbered = GraphBatch.single(
        {name: nodes.x[order[name]] for name, nodes in graph.nodes.items()},
        {r: torch.stack([place[r[0]][e.src], place[r[2]][e.dst]]) for r, e in lists.items()},
        schema=graph.schema,
        attributes={**numeric, "b": {**numeric["b"], **texts}},
        edge_features={r: e.features for r, e in lists.items() if e.features is not None},
        targets={"answer": graph.targets["answer"].values[0]},
    )
    model = build(GraphFusion, graph.schema, dtype=graph.nodes["a"].x.dtype)
    assert_agree(model(renumbered), model(graph))


LEARNED = [("c", "learned", "a"), ("b", "names", "a")]


def similar(schema: GraphSchema, channels: int) -> SimilarityEdges:
    return SimilarityEdges(schema, LEARNED, channels, k=2)


def drawn(schema: GraphSchema, channels: int) -> GumbelEdges:
    return GumbelEdges(schema, LEARNED, channels, k=2)


def refined(schema: GraphSchema, channels: int) -> MetricEdges:
    return MetricEdges(schema, LEARNED, channels, k=2)


@pytest.mark.parametrize("learned", [similar, drawn, refined])
def test_learned_relations_join_those_of_the_data(
    learned: Any, graphs: GraphBatch, build: Callable[..., Any], assert_agree: Callable[..., None]
) -> None:
    """They change the outputs, batches are right, all parameters are trained, and records show the edges."""
    model = build(GraphFusion, graphs.schema, dtype=graphs.nodes["a"].x.dtype, learned=learned)
    out = model(graphs)
    assert model.schema == graphs.schema and model.blocks[0].conv.schema.edge_types[-1] == LEARNED[0]
    assert_agree(torch.cat([model(graph) for graph in graphs]), out)
    with record_attention(model) as records:
        model(graphs)
    edges = [edge for edge in records[0].edges(0, layer=-1) if edge.relation == LEARNED[0]]
    most = 8  # four nodes with two edges each; a metric may leave some out
    assert (len(edges) == most or learned is refined) and 0 < len(edges) <= most
    assert {edge.source.modality for edge in edges} == {"c"}
    assert len(edges) < len(records[0].learned_edges(0)) <= 2 * 2 * most
    assert all(0 <= edge.mean <= 1 for edge in records[0].learned_edges(0))
    (model.train()(graphs) * torch.randn(len(graphs), 3)).sum().backward()
    used = [(name, p) for name, p in model.named_parameters() if p.numel()]
    assert [name for name, p in used if p.grad is None or float(p.grad.abs().max()) < 1e-9] == []


def test_a_pool_is_a_part_of_the_blueprint(schema: GraphSchema) -> None:
    blueprint = Blueprint.of(GraphFusion, schema=schema, out_channels=3, hidden_channels=8, pool=MeanPool)
    model = blueprint.build()
    assert isinstance(model.pool, MeanPool) and not len(model.learned)


def test_heads_that_do_not_divide_channels_are_named(schema: GraphSchema) -> None:
    with pytest.raises(ValueError, match="heads divides hidden_channels, got out_channels=2, hidden_channels=10"):
        GraphFusion(schema, 2, hidden_channels=10)
