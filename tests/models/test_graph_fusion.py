"""`GraphFusion`: its convs and scopes, what stands in for a missing modality, and that edges matter."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from mmgraph import ops
from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.models import GraphFusion
from mmgraph.nn import conv as convs


@pytest.mark.parametrize("name", convs.__all__)
@pytest.mark.parametrize("scope", ["node", "relation"])
def test_any_conv_and_scope_will_do(
    name: str, scope: str, graphs: GraphBatch, build: Callable[..., Any], assert_agree: Callable[..., None]
) -> None:
    options = {"conv": getattr(convs, name), "scope": scope, "num_layers": 3}
    model = build(GraphFusion, graphs.schema, dtype=graphs.nodes["a"].x.dtype, **options)
    assert [(type(block.conv).__name__, block.conv.scope) for block in model.blocks] == [(name, scope)] * 3
    out = model(graphs)
    for backend in ops.available_backends():
        with ops.backend(backend):
            assert_agree(model(graphs), out)
    assert_agree(torch.cat([model(graphs[:1]), model(graphs[-1:])]), out[[0, -1]])
    out.square().sum().backward()
    assert [n for n, p in model.named_parameters() if p.numel() and (p.grad is None or not p.grad.any())] == []


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


def test_heads_that_do_not_divide_channels_are_named(schema: GraphSchema) -> None:
    with pytest.raises(ValueError, match="heads divides hidden_channels, got out_channels=2, hidden_channels=10"):
        GraphFusion(schema, 2, hidden_channels=10)
