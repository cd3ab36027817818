"""`SAGEConv` equals PyG's `SAGEConv` and, with edge weights, `GraphConv`."""

from collections.abc import Callable
from typing import Any

import pytest
import torch_geometric.nn as pyg
from torch import Tensor

from mmgraph.graph import GraphBatch, GraphSchema, Relation
from mmgraph.nn import SAGEConv
from mmgraph.nn.conv.layout import relation_weights

pytestmark = pytest.mark.filterwarnings("ignore:There exist node types:UserWarning")


def slots(conv: SAGEConv, relation: Relation, of: Callable[[Tensor], Tensor]) -> dict[str, list[Tensor]]:
    schema, d = conv.schema, conv.schema.modality_id(relation[2])
    weights = relation_weights(conv.ends, conv.in_channels, [of(weight) for weight in conv.weight])
    places = {"lin_l.weight": [weights[schema.relation_id(relation)]], "lin_l.bias": [of(conv.bias)[d]]}
    return {**places, "lin_r.weight": [of(conv.root_weight[d])]} if len(conv.root_weight[d]) else places


def slots_of_graph_conv(conv: SAGEConv, relation: Relation, of: Callable[[Tensor], Tensor]) -> dict[str, list[Tensor]]:
    names = {"lin_l.weight": "lin_rel.weight", "lin_l.bias": "lin_rel.bias", "lin_r.weight": "lin_root.weight"}
    return {names[name]: places for name, places in slots(conv, relation, of).items()}


def sizes(schema: GraphSchema) -> dict[Relation, tuple[int, int]]:
    return {r: (schema.modalities[r[0]], schema.modalities[r[2]]) for r in schema.edge_types}


@pytest.mark.parametrize(("aggr", "root_weight"), [("mean", True), ("mean", False), ("sum", True), ("max", True)])
def test_it_equals_pyg(
    graphs: GraphBatch, assert_equals_pyg: Any, in_hetero: Any, hetero: Any, aggr: Any, root_weight: bool
) -> None:
    pairs = sizes(graphs.schema).items()
    theirs = pyg.HeteroConv({r: pyg.SAGEConv(size, 3, aggr, root_weight=root_weight) for r, size in pairs}, "sum")
    conv = SAGEConv(graphs.schema, graphs.schema.modalities, 3, aggr=aggr, root_weight=root_weight)
    assert_equals_pyg(conv, theirs, in_hetero(slots), lambda p, g, x, _, w: hetero(p, g, x, {}, w), graphs)


@pytest.mark.parametrize("aggr", ["mean", "sum", "max"])
def test_with_edge_weights_it_equals_pygs_graph_conv(
    graphs: GraphBatch, assert_equals_pyg: Any, in_hetero: Any, hetero: Any, aggr: Any
) -> None:
    theirs = pyg.HeteroConv({r: pyg.GraphConv(size, 3, aggr) for r, size in sizes(graphs.schema).items()}, "sum")
    conv = SAGEConv(graphs.schema, graphs.schema.modalities, 3, aggr=aggr)
    call = lambda p, g, x, _, w: hetero(p, g, x, {}, w)  # noqa: E731
    assert_equals_pyg(conv, theirs, in_hetero(slots_of_graph_conv), call, graphs, weighted=True)


@pytest.mark.unchecked
def test_an_unknown_aggregation_is_named(schema: GraphSchema) -> None:
    with pytest.raises(ValueError, match="aggr is 'mean', 'sum' or 'max', got 'lstm'"):
        SAGEConv(schema, 3, 2, aggr="lstm")  # type: ignore[arg-type]
