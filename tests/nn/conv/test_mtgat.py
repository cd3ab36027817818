"""`MTGATConv` equals a loop over nodes, outputs and gradients; PyG has no such layer."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from mmgraph.graph import GraphBatch
from mmgraph.nn import GATConv, MTGATConv


@pytest.mark.parametrize("options", [{}, {"heads": 2, "concat": False}, {"heads": 3, "scope": "relation"}], ids=str)
def test_it_equals_a_loop_over_nodes(graphs: GraphBatch, assert_agree: Any, options: dict[str, Any]) -> None:
    graph, schema = graphs[0], graphs.schema
    conv = MTGATConv(schema, schema.modalities, 3, **options).to(graph.nodes["a"].x)
    for parameter in conv.parameters():
        torch.nn.init.normal_(parameter)
    results = []
    for layer in (lambda x: conv(x, graph.flat), lambda x: slow(conv, graph, x)):
        conv.zero_grad()
        x = {name: nodes.x.clone().requires_grad_() for name, nodes in graph.nodes.items()}
        out = layer(x)
        torch.cat(list(out.values())).square().sum().backward()
        grads = [value.grad for value in (*x.values(), *conv.parameters()) if value.grad is not None and value.numel()]
        results.append([rows.detach() for rows in (*out.values(), *grads) if rows.any()])
    largest = max(float(value.abs().max()) for value in results[1])
    for found, expected in zip(*results, strict=True):
        assert_agree(found, expected, scale=largest)


def slow(conv: MTGATConv, graph: GraphBatch, x: dict[str, Tensor]) -> dict[str, Tensor]:
    """Edge by edge, as in the paper: h = W x, a logit per edge, one softmax."""
    names, out = list(x), {}
    h = {
        name: (rows @ weight.T).view(len(rows), conv.heads, 3)
        for (name, rows), weight in zip(x.items(), conv.weight, strict=True)
        if len(weight)
    }
    for m, name in enumerate(names):
        rows = []
        for i in range(len(x[name])):
            row = torch.zeros(conv.heads, 3, dtype=x[name].dtype)
            for values, logits in softmaxes(conv, graph, h, name, i):
                row = row + (torch.stack(logits).softmax(0).unsqueeze(2) * torch.stack(values)).sum(0)
            rows.append((row.flatten() if conv.concat else row.mean(0)) + conv.bias[m])
        out[name] = torch.stack(rows)
    return out


def softmaxes(conv: MTGATConv, graph: GraphBatch, h: dict[str, Tensor], name: str, i: int) -> list[Any]:
    """Values and logits of the edges into one node: one list, or one per relation."""
    groups: dict[int, Any] = {}
    for r, relation in enumerate(graph.schema.edge_types):
        edges = graph.relation(relation)
        for j in edges.src[edges.dst == i].tolist() if relation[2] == name else []:
            logit = (h[relation[0]][j] * conv.att_source[r]).sum(1) + (h[name][i] * conv.att_target[r]).sum(1)
            values, logits = groups.setdefault(r if conv.scope == "relation" else 0, ([], []))
            values.append(h[relation[0]][j])
            logits.append(leaky_relu(logit, 0.2))
    return list(groups.values())


def test_it_has_a_matrix_per_modality_where_gat_has_two_per_relation(graphs: GraphBatch) -> None:
    schema = graphs.schema
    shared, own = (kind(schema, 6, 3, 2, bias=False) for kind in (MTGATConv, GATConv))
    vectors = 2 * 5 * 6  # of source and destination, for 5 relations
    assert sum(p.numel() for p in shared.parameters()) == 3 * 6 * 6 + vectors  # nothing is connected to "d"
    features = sum(6 * schema.edge_channels(r) + 6 for r in schema.edge_types if schema.edge_channels(r))
    assert sum(p.numel() for p in own.parameters()) == 2 * 5 * 6 * 6 + vectors + features
