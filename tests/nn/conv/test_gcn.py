"""`GCNConv` equals PyG's layer within modalities, and a loop over edges across them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch_geometric.nn as pyg
from torch import Tensor

from mmgraph.graph import GraphBatch, GraphSchema, Relation
from mmgraph.nn import GCNConv
from mmgraph.nn.conv.layout import relation_weights

pytestmark = pytest.mark.filterwarnings("ignore:There exist node types:UserWarning")


def slots(conv: GCNConv, relation: Relation, of: Callable[[Tensor], Tensor]) -> dict[str, list[Tensor]]:
    weights = relation_weights(conv.ends, conv.in_channels, [of(weight) for weight in conv.weight])
    bias = of(conv.bias)[conv.schema.modality_id(relation[2])]
    return {"lin.weight": [weights[conv.schema.relation_id(relation)]], "bias": [bias]}


def slots_of_means(conv: GCNConv, relation: Relation, of: Callable[[Tensor], Tensor]) -> dict[str, list[Tensor]]:
    places = slots(conv, relation, of)
    return {"lin_l.weight": places["lin.weight"], "lin_l.bias": places["bias"]}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("self_loops", [False, True])
def test_within_modalities_it_equals_pyg(
    ragged: Any,
    with_single_loops: Any,
    assert_equals_pyg: Any,
    in_hetero: Any,
    hetero: Any,
    self_loops: bool,
    weighted: bool,
) -> None:
    """Nodes that have a loop already among them."""
    schema = GraphSchema({"a": 4, "b": 3}, [("a", "x", "a"), ("a", "y", "a"), ("b", "x", "b")])
    counts = [{"a": 5, "b": 3}, {"a": 3}]
    graphs = with_single_loops(lambda seed: ragged(schema, counts, dtype=torch.float64, seed=seed, degree=1.0))
    sizes = {relation: schema.modalities[relation[0]] for relation in schema.edge_types}
    theirs = pyg.HeteroConv({r: pyg.GCNConv(size, 3, add_self_loops=self_loops) for r, size in sizes.items()}, "sum")
    conv = GCNConv(schema, schema.modalities, 3, self_loops=self_loops)
    assert_equals_pyg(conv, theirs, in_hetero(slots), hetero, graphs, weighted=weighted)


def test_with_means_it_equals_sage_without_roots(
    graphs: GraphBatch, assert_equals_pyg: Any, in_hetero: Any, hetero: Any
) -> None:
    schema = graphs.schema
    sizes = {r: (schema.modalities[r[0]], schema.modalities[r[2]]) for r in schema.edge_types}
    theirs = pyg.HeteroConv({r: pyg.SAGEConv(size, 3, root_weight=False) for r, size in sizes.items()}, "sum")
    conv = GCNConv(schema, schema.modalities, 3, norm="mean", self_loops=False)
    assert_equals_pyg(conv, theirs, in_hetero(slots_of_means), without_features(hetero), graphs)


def without_features(call: Callable[..., Any]) -> Callable[..., Any]:
    """PyG's layer has no argument for edge features."""
    return lambda peer, graphs, x, features, weight: call(peer, graphs, x, {}, weight)


@pytest.mark.parametrize("norm", ["symmetric", "mean"])
@pytest.mark.parametrize("self_loops", [False, True])
def test_it_equals_a_loop_over_edges(
    graphs: GraphBatch, assert_agree: Callable[..., None], norm: Any, self_loops: bool
) -> None:
    """Across modalities a source's degree counts the edges out of it; self loops stay within modalities."""
    graph = graphs[0]
    conv = GCNConv(graph.schema, graph.schema.modalities, 3, norm=norm, self_loops=self_loops).to(graph.nodes["a"].x)
    torch.nn.init.normal_(conv.bias)
    weight = torch.rand(graph.num_edges, 1, dtype=conv.bias.dtype) + 0.5
    x = {name: nodes.x for name, nodes in graph.nodes.items()}
    found = conv(x, graph.flat, edge_weight=weight)
    for m, name in enumerate(graph.schema.modalities):
        assert_agree(found[name], conv.bias[m] + slow_sums(conv, graph, x, weight[:, 0])[name])


def slow_sums(conv: GCNConv, graph: GraphBatch, x: dict[str, Tensor], weight: Tensor) -> dict[str, Tensor]:
    out = {name: rows.new_zeros(len(rows), 3) for name, rows in x.items()}
    matrices = relation_weights(conv.ends, conv.in_channels, list(conv.weight))
    for r, (src, name, dst) in enumerate(graph.schema.edge_types):
        edges = graph.relation((src, name, dst))
        own = weight[graph.flat.relation == r].tolist()
        triples = list(zip(edges.src.tolist(), edges.dst.tolist(), own, strict=True))
        if self_loops := conv.self_loops and src == dst:
            loops = {i: [w for a, b, w in triples if a == b == i] or [1.0] for i in range(len(x[src]))}
            triples = [edge for edge in triples if edge[0] != edge[1]]
            triples += [(i, i, sum(weights) / len(weights)) for i, weights in loops.items()]
        assert self_loops or triples
        into = [sum(w for _, b, w in triples if b == i) for i in range(len(x[dst]))]
        at_source = into if src == dst else [sum(w for a, _, w in triples if a == i) for i in range(len(x[src]))]
        for a, b, w in triples:
            degree = into[b] if conv.norm == "mean" else (into[b] * at_source[a]) ** 0.5
            out[dst][b] += w / degree * (matrices[r] @ x[src][a]) if degree else 0.0
    return out


def test_weights_of_zero_have_finite_gradients(graphs: GraphBatch) -> None:
    """A node whose edges all weigh 0 gets nothing from them."""
    conv = GCNConv(graphs.schema, graphs.schema.modalities, 3, self_loops=False).to(graphs.nodes["a"].x)
    weight = torch.zeros(graphs.num_edges, 1, dtype=conv.bias.dtype, requires_grad=True)
    out = conv({name: nodes.x for name, nodes in graphs.nodes.items()}, graphs.flat, edge_weight=weight)
    assert all(not rows.any() for rows in out.values())
    sum(rows.sum() for rows in out.values()).backward()
    assert weight.grad is not None and weight.grad.isfinite().all()


@pytest.mark.unchecked
def test_an_unknown_norm_is_named(schema: GraphSchema) -> None:
    with pytest.raises(ValueError, match="norm is 'symmetric' or 'mean', got 'none'"):
        GCNConv(schema, 3, 2, norm="none")  # type: ignore[arg-type]
