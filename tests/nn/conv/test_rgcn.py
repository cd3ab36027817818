"""`RGCNConv` equals PyG's layer on the nodes of all modalities numbered through."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch_geometric.nn as pyg
from torch import Tensor

from mmgraph.graph import GraphSchema
from mmgraph.nn import RGCNConv, SAGEConv


def places(conv: RGCNConv, of: Callable[[Tensor], Tensor]) -> dict[str, list[Tensor]]:
    found = {"weight": [of(conv.weight.basis)], "bias": [of(conv.bias)[0]]}
    if conv.weight.mixture is not None:
        found["comp"] = [of(conv.weight.mixture)]
    return {**found, "root": [of(conv.root_weight)]} if conv.root_weight.numel() else found


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize(
    "options", [{}, {"num_bases": 2}, {"num_bases": 7, "aggr": "sum"}, {"root_weight": False}], ids=str
)
def test_it_equals_pyg(
    alike: Any, assert_equals_pyg: Any, numbered_through: Any, dtype: torch.dtype, options: dict[str, Any]
) -> None:
    graphs = alike(dtype)
    theirs = pyg.RGCNConv(4, 3, 5, **options)
    conv = RGCNConv(graphs.schema, 4, 3, **options)
    assert_equals_pyg(conv, theirs, places, numbered_through(edge_type=True), graphs)


def test_edge_weights_multiply_what_edges_bring(alike: Any, assert_agree: Any) -> None:
    """As in `SAGEConv` with the same matrices."""
    graphs = alike(torch.float64)
    conv, sage = RGCNConv(graphs.schema, 4, 3).double(), SAGEConv(graphs.schema, 4, 3).double()
    with torch.no_grad():
        for m, name in enumerate(graphs.schema.modalities):
            into = conv.weight()[list(graphs.schema.into(name))]
            sage.weight[m].copy_(into.flatten(0, 1).T)
            sage.root_weight[m].copy_(conv.root_weight.T)
    x = {name: nodes.x for name, nodes in graphs.nodes.items()}
    weight = torch.rand(graphs.num_edges, 1, dtype=torch.float64)
    found, expected = (layer(x, graphs.flat, edge_weight=weight) for layer in (conv, sage))
    for name in x:
        assert_agree(found[name], expected[name])


@pytest.mark.unchecked
def test_what_it_cannot_do_is_named(schema: GraphSchema) -> None:
    with pytest.raises(ValueError, match=r"RGCNConv has one matrix for all nodes, so .* got {'a': 5, 'b': 3"):
        RGCNConv(schema, schema.modalities, 2)
    with pytest.raises(ValueError, match="aggr is 'mean' or 'sum', got 'max'"):
        RGCNConv(schema, 3, 2, aggr="max")  # type: ignore[arg-type]
