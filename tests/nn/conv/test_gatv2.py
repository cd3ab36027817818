"""`GATv2Conv` equals PyG's layer with PyG's weights, and a loop over nodes where PyG has no such layer."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch_geometric.nn as pyg
from torch import Tensor
from torch.nn.functional import leaky_relu

from mmgraph.graph import GraphBatch, GraphSchema, Relation
from mmgraph.nn import GATv2Conv

pytestmark = pytest.mark.filterwarnings("ignore:There exist node types:UserWarning")


def slots(conv: GATv2Conv, relation: Relation, of: Callable[[Tensor], Tensor]) -> dict[str, list[Tensor]]:
    schema, r = conv.schema, conv.schema.relation_id(relation)
    s, d = schema.modality_id(relation[0]), schema.modality_id(relation[2])
    source, target = schema.out_of(relation[0]).index(r), schema.into(relation[2]).index(r)
    places = {
        "lin_l.weight": [of(conv.source_weight[s])[source]],
        "lin_l.bias": [of(conv.source_bias[s])[source]],
        "lin_r.weight": [of(conv.target_weight[d])[target]],
        "lin_r.bias": [of(conv.target_bias[d])[target]],
        "att": [of(conv.att)[r]],
        "bias": [of(conv.bias)[d]],
    }
    return {**places, "lin_edge.weight": [of(conv.edge_weight[r])]} if schema.edge_channels(relation) else places


def slots_of_shared_weights(
    conv: GATv2Conv, relation: Relation, of: Callable[[Tensor], Tensor]
) -> dict[str, list[Tensor]]:
    """With `share_weights` PyG uses `lin_l` for sources and destinations."""
    places = slots(conv, relation, of)
    for name in ("weight", "bias"):
        places[f"lin_l.{name}"] += places.pop(f"lin_r.{name}")
    return places


def peer(schema: GraphSchema, relation: Relation, **options: Any) -> pyg.GATv2Conv:
    sizes = (schema.modalities[relation[0]], schema.modalities[relation[2]])
    return pyg.GATv2Conv(sizes, 3, add_self_loops=False, edge_dim=schema.edge_channels(relation) or None, **options)


@pytest.mark.parametrize(
    "options", [{"heads": 1}, {"heads": 2, "concat": False, "negative_slope": 0.05}, {"heads": 3}], ids=str
)
def test_it_equals_pyg(
    graphs: GraphBatch, assert_equals_pyg: Any, in_hetero: Any, hetero: Any, options: dict[str, Any]
) -> None:
    schema = graphs.schema
    theirs = pyg.HeteroConv({relation: peer(schema, relation, **options) for relation in schema.edge_types}, "sum")
    assert_equals_pyg(GATv2Conv(schema, schema.modalities, 3, **options), theirs, in_hetero(slots), hetero, graphs)


def test_it_equals_the_layer_of_pyg_with_shared_weights(
    ragged: Callable[..., GraphBatch], assert_equals_pyg: Any, in_hetero: Any, hetero: Any
) -> None:
    schema = GraphSchema({"a": 4}, {("a", "z", "a"): ("distance",)})
    graphs = ragged(schema, [{"a": 5}, {"a": 2}], dtype=torch.float64)
    layer = pyg.GATv2Conv(4, 3, 2, add_self_loops=False, edge_dim=1, share_weights=True)
    theirs = pyg.HeteroConv({("a", "z", "a"): layer})
    assert_equals_pyg(GATv2Conv(schema, 4, 3, 2), theirs, in_hetero(slots_of_shared_weights), hetero, graphs)


def test_with_node_scope_one_softmax_spans_all_relations(
    ragged: Callable[..., GraphBatch], schema: GraphSchema, assert_agree: Callable[..., None]
) -> None:
    graph = ragged(schema, [{"a": 4, "b": 3, "c": 2, "d": 1}], dtype=torch.float64)
    conv = GATv2Conv(schema, schema.modalities, 3, heads=2, scope="node").double()
    for parameter in conv.parameters():
        torch.nn.init.normal_(parameter)
    x = {name: nodes.x for name, nodes in graph.nodes.items()}
    out = conv(x, graph.flat)
    for m, (modality, rows) in enumerate(out.items()):
        for i in range(len(rows)):
            assert_agree(rows[i], conv.bias[m] + slow_sum(conv, graph, x, modality, i))


def slow_sum(conv: GATv2Conv, graph: GraphBatch, x: dict[str, Tensor], modality: str, i: int) -> Tensor:
    """What the edges into one node bring, edge by edge as in the paper."""
    logits, values = [torch.zeros(0, 2)], [torch.zeros(0, 2, 3)]
    for r, relation in enumerate(conv.schema.edge_types):
        edges, weights = graph.relation(relation), {k: v[0] for k, v in slots(conv, relation, lambda p: p).items()}
        for e in range(edges.num_edges):
            if relation[2] == modality and int(edges.dst[e]) == i:
                value = weights["lin_l.weight"] @ x[relation[0]][edges.src[e]] + weights["lin_l.bias"]
                inner = value + weights["lin_r.weight"] @ x[modality][i] + weights["lin_r.bias"]
                if edges.features is not None:
                    inner = inner + conv.edge_weight[r] @ edges.features[e]
                logits.append((leaky_relu(inner, 0.2).view(1, 2, 3) * weights["att"]).sum(2))
                values.append(value.view(1, 2, 3))
    alpha = torch.cat(logits).softmax(0)
    return (alpha.unsqueeze(2) * torch.cat(values)).sum(0).flatten()
