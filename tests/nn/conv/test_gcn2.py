"""`GCN2Conv` equals PyG's layer on the nodes of all modalities numbered through."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch_geometric.nn as pyg
from torch import Tensor

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import GCN2Conv


def places(conv: GCN2Conv, of: Callable[[Tensor], Tensor]) -> dict[str, list[Tensor]]:
    return {f"weight{i + 1}": [of(conv.weight)[i]] for i in range(len(conv.weight))}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("options", [{}, {"shared_weights": False}, {"add_self_loops": False}], ids=str)
def test_it_equals_pyg(
    alike: Any,
    with_single_loops: Any,
    assert_equals_pyg: Any,
    numbered_through: Any,
    dtype: torch.dtype,
    weighted: bool,
    options: Any,
) -> None:
    """The first layer's features are another function of the same x, so that their gradients are compared too."""
    graphs = with_single_loops(lambda seed: alike(dtype, seed=seed, degree=1.0))
    theirs = pyg.GCN2Conv(4, 0.3, theta=0.5, layer=3, **options)
    ours = {"self_loops": options.get("add_self_loops", True), "shared_weights": options.get("shared_weights", True)}
    conv = WithInitial(GCN2Conv(graphs.schema, 4, 4, alpha=0.3, beta=math.log(0.5 / 3 + 1), **ours))

    def call(peer: Any, graphs: GraphBatch, x: Any, features: Any, weight: Tensor | None) -> Any:
        def layer(rows: Tensor, ends: Tensor, **options: Any) -> Tensor:
            return peer(rows, rows.sin(), ends, **options)

        return numbered_through()(layer, graphs, x, features, weight)

    assert_equals_pyg(conv, theirs, lambda conv, of: places(conv.inner, of), call, graphs, weighted=weighted)


class WithInitial(torch.nn.Module):
    """Gives the conv the sines of its input as features of the first layer."""

    def __init__(self, inner: GCN2Conv) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Any, graph: Any, edge_weight: Tensor | None = None) -> Any:
        return self.inner(x, graph, edge_weight, initial={name: rows.sin() for name, rows in x.items()})


def test_without_initial_features_it_takes_its_input(alike: Any) -> None:
    graphs = alike(torch.float64)
    conv, x = GCN2Conv(graphs.schema, 4, 4).double(), {name: nodes.x for name, nodes in graphs.nodes.items()}
    alone, given = conv(x, graphs.flat), conv(x, graphs.flat, initial=x)
    assert all(torch.equal(alone[name], given[name]) for name in x)


@pytest.mark.unchecked
def test_what_it_cannot_do_is_named(schema: GraphSchema) -> None:
    with pytest.raises(ValueError, match=r"GCN2Conv has one matrix for all nodes, so .* got {'a': 5, 'b': 3"):
        GCN2Conv(schema, schema.modalities, 2)
    with pytest.raises(ValueError, match="gives as many channels as it takes, got in_channels=3, out_channels=2"):
        GCN2Conv(schema, 3, 2)
    with pytest.raises(ValueError, match=r"shares between 0 and 1, got alpha=0.1, beta=1.5"):
        GCN2Conv(schema, 3, 3, beta=1.5)
