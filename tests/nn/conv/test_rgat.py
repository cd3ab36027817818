"""`RGATConv` equals PyG's layer on the nodes of all modalities numbered through."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch_geometric.nn as pyg
from torch import Tensor

from mmgraph.graph import GraphSchema
from mmgraph.nn import RGATConv

MECHANISM = {"node": "across-relation", "relation": "within-relation"}


def places(conv: RGATConv, of: Callable[[Tensor], Tensor]) -> dict[str, list[Tensor]]:
    found = {"q": [of(conv.query)], "k": [of(conv.key)], "bias": [of(conv.bias)[0]]}
    if conv.weight.mixture is None:
        found["weight"] = [of(conv.weight.basis)]
    else:
        found |= {"basis": [of(conv.weight.basis)], "att": [of(conv.weight.mixture)]}
    if len(conv.att_edge):
        found |= {"lin_edge.weight": [of(weight) for weight in conv.edge_weight], "e": [of(conv.att_edge)]}
    return found


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("scope", ["node", "relation"])
@pytest.mark.parametrize("mode", ["additive", "multiplicative"])
@pytest.mark.parametrize("options", [{"heads": 1}, {"heads": 2, "num_bases": 2, "concat": False}], ids=str)
def test_it_equals_pyg(
    alike: Any, assert_equals_pyg: Any, numbered_through: Any, dtype: Any, scope: Any, mode: Any, options: Any
) -> None:
    graphs = alike(dtype)
    names = {"attention_mechanism": MECHANISM[scope], "attention_mode": f"{mode}-self-attention"}
    theirs = pyg.RGATConv(4, 3, 5, **names, **options)
    conv = RGATConv(graphs.schema, 4, 3, scope=scope, mode=mode, **options)
    assert_equals_pyg(conv, theirs, places, numbered_through(edge_type=True), graphs)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_with_edge_features_it_equals_pyg(
    alike: Any, assert_equals_pyg: Any, numbered_through: Any, dtype: torch.dtype
) -> None:
    """PyG has one matrix for the features of all relations, which have the same then."""
    graphs = alike(dtype, ("angle", "distance"))
    theirs = pyg.RGATConv(4, 3, 5, heads=2, edge_dim=2, negative_slope=0.05)
    conv = RGATConv(graphs.schema, 4, 3, heads=2, negative_slope=0.05)
    assert_equals_pyg(conv, theirs, places, numbered_through(edge_type=True, edge_attr=True), graphs)


@pytest.mark.unchecked
def test_what_it_cannot_do_is_named(schema: GraphSchema) -> None:
    with pytest.raises(ValueError, match=r"takes both ends of an edge through one matrix, so .* got {'a': 5, 'b': 3"):
        RGATConv(schema, schema.modalities, 2)
    with pytest.raises(ValueError, match="mode is 'additive' or 'multiplicative', got 'dot'"):
        RGATConv(schema, 3, 2, mode="dot")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"'multiplicative' has no place for edge features; these have some: .*'x'"):
        RGATConv(schema, 3, 2, mode="multiplicative")
