"""`MaxRelativeConv` equals a loop over nodes, outputs and gradients; PyG has no such layer."""

from typing import Any

import pytest
import torch
from torch import Tensor

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import MaxRelativeConv


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_it_equals_a_loop_over_nodes(alike: Any, assert_agree: Any, weighted: bool, dtype: torch.dtype) -> None:
    graphs = alike(dtype)
    weight = torch.rand(graphs.num_edges, 1, dtype=dtype) if weighted else None
    conv = MaxRelativeConv(graphs.schema, 4, 3).to(dtype)
    torch.nn.init.normal_(conv.bias)
    results = []
    for layer in (lambda x: conv(x, graphs.flat, weight), lambda x: slow(conv, graphs, x, weight)):
        conv.zero_grad()
        x = {name: nodes.x.clone().requires_grad_() for name, nodes in graphs.nodes.items()}
        out = layer(x)
        torch.cat(list(out.values())).square().sum().backward()
        grads = [value.grad for value in (*x.values(), *conv.parameters()) if value.numel()]
        results.append([*out.values(), *grads])
    for found, expected in zip(*results, strict=True):
        assert_agree(found, expected)


def slow(conv: MaxRelativeConv, graphs: GraphBatch, x: dict[str, Tensor], weight: Tensor | None) -> dict[str, Tensor]:
    out: dict[str, Any] = {}
    weight = torch.ones(graphs.num_edges, 1) if weight is None else weight
    for m, name in enumerate(graphs.schema.modalities):
        rows = [conv.root_weight[m] @ row + conv.bias[m] for row in x[name]]
        for matrix, r in zip(conv.weight[m], graphs.schema.into(name), strict=True):
            relation = graphs.schema.edge_types[r]
            edges = graphs.relation(relation)
            src = edges.src + graphs.nodes[relation[0]].ptr[edges.graph]
            dst = edges.dst + graphs.nodes[name].ptr[edges.graph]
            for i in range(len(rows)):
                if (dst == i).any():
                    own = weight[graphs.flat.relation == r][dst == i]
                    rows[i] = rows[i] + matrix @ (own * (x[relation[0]][src[dst == i]] - x[name][i])).max(0).values
        out[name] = torch.stack(rows)
    return out


@pytest.mark.unchecked
def test_modalities_of_other_sizes_are_named(schema: GraphSchema) -> None:
    with pytest.raises(ValueError, match=r"MaxRelativeConv subtracts the features of both ends, so .* got {'a': 5"):
        MaxRelativeConv(schema, schema.modalities, 2)
