"""`MeanPool` against PyG's aggregation."""

from collections.abc import Callable

import pytest
import torch
from torch_geometric.nn import aggr

from mmgraph.graph import GraphBatch
from mmgraph.nn import MeanPool


@pytest.mark.parametrize("span", ["modality", "graph"])
def test_it_equals_pyg(graphs: GraphBatch, span: str, assert_agree: Callable[..., None]) -> None:
    """Outputs and gradients; PyG gives zeros for what is absent, too."""
    names, count = list(graphs.nodes), len(graphs)
    x = {name: torch.randn(nodes.num_nodes, 3, dtype=nodes.x.dtype) for name, nodes in graphs.nodes.items()}
    of = [m * count * (span == "modality") + graphs.nodes[name].graph for m, name in enumerate(names)]
    results = []
    for theirs in (False, True):
        leaves = {name: rows.clone().requires_grad_() for name, rows in x.items()}
        if theirs:
            rows = len(names) if span == "modality" else 1
            flat = aggr.MeanAggregation()(torch.cat(list(leaves.values())), torch.cat(of), dim_size=rows * count)
            out = flat.view(rows, count, 3).transpose(0, 1)
        else:
            out = MeanPool(graphs.schema, 3, span=span)(leaves, graphs.flat)  # type: ignore[arg-type]
        (out * torch.arange(out.numel()).view(out.shape)).sum().backward()
        results.append([out, *(leaf.grad for leaf in leaves.values())])
    for mine, expected in zip(*results, strict=True):
        assert_agree(mine, expected)
