"""`TransformerConv` equals PyG's layer with PyG's weights, and a loop over nodes where PyG has no such layer."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch_geometric.nn as pyg
from torch import Tensor

from mmgraph.graph import GraphBatch, GraphSchema, Relation
from mmgraph.nn import TransformerConv

pytestmark = pytest.mark.filterwarnings("ignore:There exist node types:UserWarning")


def slots(conv: TransformerConv, relation: Relation, of: Callable[[Tensor], Tensor]) -> dict[str, list[Tensor]]:
    """PyG's key biases have no place: within a relation they do nothing."""
    schema, r = conv.schema, conv.schema.relation_id(relation)
    s, d = schema.modality_id(relation[0]), schema.modality_id(relation[2])
    source, target = schema.out_of(relation[0]).index(r), schema.into(relation[2]).index(r)
    places = {
        "lin_value.weight": [of(conv.value_weight[s])[source]],
        "lin_value.bias": [of(conv.value_bias[s])[source]],
        "lin_key.weight": [of(conv.key_weight[s])[source]],
        "lin_query.weight": [of(conv.query_weight[d])[target]],
        "lin_query.bias": [of(conv.query_bias[d])[target]],
    }
    if len(conv.root_weight[d]):
        places |= {"lin_skip.weight": [of(conv.root_weight[d])], "lin_skip.bias": [of(conv.bias)[d]]}
    if len(conv.gate[d]):
        places["lin_beta.weight"] = [of(conv.gate[d])]
    return {**places, "lin_edge.weight": [of(conv.edge_weight[r])]} if schema.edge_channels(relation) else places


def peer(schema: GraphSchema, relation: Relation, **options: Any) -> pyg.TransformerConv:
    sizes = (schema.modalities[relation[0]], schema.modalities[relation[2]])
    return pyg.TransformerConv(sizes, 3, edge_dim=schema.edge_channels(relation) or None, **options)


@pytest.mark.parametrize(
    "options", [{"heads": 1}, {"heads": 2, "concat": False}, {"heads": 3, "root_weight": False}], ids=str
)
def test_it_equals_pyg(
    graphs: GraphBatch, assert_equals_pyg: Any, in_hetero: Any, hetero: Any, options: dict[str, Any]
) -> None:
    schema = graphs.schema
    theirs = pyg.HeteroConv({relation: peer(schema, relation, **options) for relation in schema.edge_types}, "sum")
    conv = TransformerConv(schema, schema.modalities, 3, **options)
    assert_equals_pyg(conv, theirs, in_hetero(slots), hetero, graphs)


@pytest.mark.parametrize("concat", [True, False])
def test_with_a_gate_it_equals_pyg_where_one_relation_enters_each_modality(
    ragged: Any, assert_equals_pyg: Any, in_hetero: Any, hetero: Any, concat: bool
) -> None:
    schema = GraphSchema({"a": 4, "b": 3}, {("a", "x", "b"): ("distance",), ("b", "y", "a"): ()})
    graphs = ragged(schema, [{"a": 5, "b": 3}, {"a": 2, "b": 4}], dtype=torch.float64)
    options = {"heads": 2, "concat": concat, "beta": True}
    theirs = pyg.HeteroConv({relation: peer(schema, relation, **options) for relation in schema.edge_types}, "sum")
    conv = TransformerConv(schema, schema.modalities, 3, **options)
    assert_equals_pyg(conv, theirs, in_hetero(slots), hetero, graphs)


def test_with_node_scope_one_softmax_spans_all_relations(
    ragged: Callable[..., GraphBatch], schema: GraphSchema, assert_agree: Callable[..., None]
) -> None:
    graph = ragged(schema, [{"a": 4, "b": 3, "c": 2, "d": 1}], dtype=torch.float64)
    conv = TransformerConv(schema, schema.modalities, 3, heads=2, scope="node").double()
    for parameter in conv.parameters():
        torch.nn.init.normal_(parameter)
    x = {name: nodes.x for name, nodes in graph.nodes.items()}
    out = conv(x, graph.flat)
    for m, (modality, rows) in enumerate(out.items()):
        for i in range(len(rows)):
            own = conv.root_weight[m] @ x[modality][i] + conv.bias[m]
            assert_agree(rows[i], own + slow_sum(conv, graph, x, modality, i))


def slow_sum(conv: TransformerConv, graph: GraphBatch, x: dict[str, Tensor], modality: str, i: int) -> Tensor:
    """What the edges into one node bring, edge by edge as in the paper."""
    logits, values, schema = [torch.zeros(0, 2)], [torch.zeros(0, 2, 3)], conv.schema
    for r, relation in enumerate(schema.edge_types):
        edges, weights = graph.relation(relation), {k: v[0] for k, v in slots(conv, relation, lambda p: p).items()}
        key_bias = conv.key_bias[schema.modality_id(relation[0])][schema.out_of(relation[0]).index(r)]
        for e in range(edges.num_edges):
            if relation[2] == modality and int(edges.dst[e]) == i:
                source = x[relation[0]][edges.src[e]]
                value = weights["lin_value.weight"] @ source + weights["lin_value.bias"]
                key = weights["lin_key.weight"] @ source + key_bias
                query = weights["lin_query.weight"] @ x[modality][i] + weights["lin_query.bias"]
                if edges.features is not None:
                    own = conv.edge_weight[r] @ edges.features[e]
                    value, key = value + own, key + own
                logits.append((key * query).view(1, 2, 3).sum(2) / 3**0.5)
                values.append(value.view(1, 2, 3))
    alpha = torch.cat(logits).softmax(0)
    return (alpha.unsqueeze(2) * torch.cat(values)).sum(0).flatten()


def test_a_gate_without_a_root_is_refused(schema: GraphSchema) -> None:
    with pytest.raises(ValueError, match="beta mixes the node with its neighbours: it needs root_weight=True"):
        TransformerConv(schema, 3, 2, beta=True, root_weight=False)
