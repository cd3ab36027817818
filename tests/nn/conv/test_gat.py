"""`GATConv` equals PyG's layer with PyG's weights, and a loop over nodes where PyG has no such layer."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch_geometric.nn as pyg
from torch import Tensor
from torch.nn.functional import leaky_relu

from mmgraph.graph import GraphBatch, GraphSchema, Relation
from mmgraph.nn import GATConv

pytestmark = pytest.mark.filterwarnings("ignore:There exist node types:UserWarning")


def slots(conv: GATConv, relation: Relation, of: Callable[[Tensor], Tensor]) -> dict[str, list[Tensor]]:
    schema, r = conv.schema, conv.schema.relation_id(relation)
    s, d = schema.modality_id(relation[0]), schema.modality_id(relation[2])
    source, target = schema.out_of(relation[0]).index(r), schema.into(relation[2]).index(r)
    places = {
        "lin_src.weight": [of(conv.source_weight[s])[source]],
        "lin_dst.weight": [of(conv.target_weight[d])[target]],
        "att_src": [of(conv.att_source)[r]],
        "att_dst": [of(conv.att_target)[r]],
        "bias": [of(conv.bias)[d]],
    }
    if schema.edge_channels(relation):
        places |= {"lin_edge.weight": [of(conv.edge_weight[r])], "att_edge": [of(conv.att_edge[r])]}
    return places


def slots_of_one_matrix(conv: GATConv, relation: Relation, of: Callable[[Tensor], Tensor]) -> dict[str, list[Tensor]]:
    """PyG's layer for one kind of nodes has one matrix for sources and destinations."""
    places = slots(conv, relation, of)
    both = places.pop("lin_src.weight") + places.pop("lin_dst.weight")
    return {**places, "lin.weight": both}


def peer(schema: GraphSchema, relation: Relation, **options: Any) -> pyg.GATConv:
    sizes = (schema.modalities[relation[0]], schema.modalities[relation[2]])
    return pyg.GATConv(sizes, 3, add_self_loops=False, edge_dim=schema.edge_channels(relation) or None, **options)


@pytest.mark.parametrize(
    "options", [{"heads": 1}, {"heads": 2, "concat": False, "negative_slope": 0.05}, {"heads": 3}], ids=str
)
def test_it_equals_pyg(
    graphs: GraphBatch, assert_equals_pyg: Any, in_hetero: Any, hetero: Any, options: dict[str, Any]
) -> None:
    schema = graphs.schema
    theirs = pyg.HeteroConv({relation: peer(schema, relation, **options) for relation in schema.edge_types}, "sum")
    assert_equals_pyg(GATConv(schema, schema.modalities, 3, **options), theirs, in_hetero(slots), hetero, graphs)


def test_it_equals_the_layer_of_pyg_for_one_kind_of_nodes(
    ragged: Callable[..., GraphBatch], assert_equals_pyg: Any, in_hetero: Any, hetero: Any
) -> None:
    schema = GraphSchema({"a": 4}, {("a", "z", "a"): ("distance",)})
    graphs = ragged(schema, [{"a": 5}, {"a": 2}], dtype=torch.float64)
    theirs = pyg.HeteroConv({("a", "z", "a"): pyg.GATConv(4, 3, 2, add_self_loops=False, edge_dim=1)})
    assert_equals_pyg(GATConv(schema, 4, 3, 2), theirs, in_hetero(slots_of_one_matrix), hetero, graphs)


def test_with_node_scope_one_softmax_spans_all_relations(
    ragged: Callable[..., GraphBatch], schema: GraphSchema, assert_agree: Callable[..., None]
) -> None:
    graph = ragged(schema, [{"a": 4, "b": 3, "c": 2, "d": 1}], dtype=torch.float64)
    conv = GATConv(schema, schema.modalities, 3, heads=2, scope="node").double()
    torch.nn.init.normal_(conv.bias)
    x = {name: nodes.x for name, nodes in graph.nodes.items()}
    out = conv(x, graph.flat)
    for m, (modality, rows) in enumerate(out.items()):
        for i in range(len(rows)):
            assert_agree(rows[i], conv.bias[m] + slow_sum(conv, graph, x, modality, i))


def slow_sum(conv: GATConv, graph: GraphBatch, x: dict[str, Tensor], modality: str, i: int) -> Tensor:
    """What the edges into one node bring, edge by edge as in the paper."""
    logits, values = [torch.zeros(0, 2)], [torch.zeros(0, 2, 3)]
    for r, relation in enumerate(conv.schema.edge_types):
        edges, weights = graph.relation(relation), {k: v[0] for k, v in slots(conv, relation, lambda p: p).items()}
        for e in range(edges.num_edges):
            if relation[2] == modality and int(edges.dst[e]) == i:
                value = (weights["lin_src.weight"] @ x[relation[0]][edges.src[e]]).view(2, 3)
                logit = (value * weights["att_src"]).sum(1)
                logit = logit + ((weights["lin_dst.weight"] @ x[modality][i]).view(2, 3) * weights["att_dst"]).sum(1)
                if edges.features is not None:
                    feature = (conv.edge_weight[r] @ edges.features[e]).view(2, 3)
                    logit = logit + (feature * conv.att_edge[r][0]).sum(1)
                logits.append(leaky_relu(logit, 0.2).unsqueeze(0))
                values.append(value.unsqueeze(0))
    alpha = torch.cat(logits).softmax(0)
    return (alpha.unsqueeze(2) * torch.cat(values)).sum(0).flatten()
