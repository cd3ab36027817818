"""`SoftAssignPool` against PyG's `dense_diff_pool`, and against dense matrices."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.nn import dense_diff_pool

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import GCNConv, SoftAssignPool
from mmgraph.ops.reference import destinations


def dense(src: Tensor, dst: Tensor, weight: Tensor, rows: int, columns: int) -> Tensor:
    return weight.new_zeros(rows, columns).index_put((src, dst), weight, accumulate=True)


def test_it_equals_pyg(ragged: Callable[..., GraphBatch], assert_agree: Callable[..., None]) -> None:
    """Features, edges, both losses and all gradients, on a graph with parallel edges and self loops."""
    batch = ragged(GraphSchema({"a": 4}, [("a", "z", "a")]), [{"a": 7}], degree=3.0, dtype=torch.float64)
    pool, flat = SoftAssignPool(batch.schema, 4, 3).double(), batch.flat
    adjacency = dense(flat.src.long(), destinations(flat.rowptr), torch.ones(21).double(), 7, 7)
    assert float(adjacency.max()) > 1 and bool(adjacency.diagonal().any())
    results = []
    for theirs in (False, True):
        pool.zero_grad()
        x = batch.nodes["a"].x.clone().requires_grad_()
        if theirs:
            new, edges, link, entropy = dense_diff_pool(x, adjacency, pool.linear[0](x))
            new, edges = new[0], edges[0]
        else:
            pooled = pool({"a": x}, flat)
            ends = (pooled.graph.src.long(), destinations(pooled.graph.rowptr))
            edges = dense(*ends, pooled.edge_weight[:, 0], 3, 3)
            new, link, entropy = pooled.x["a"], pooled.losses["link"], pooled.losses["entropy"]
        (new.sin().sum() + edges.cos().sum() + 3 * link + 2 * entropy).backward()
        results.append([new, edges, link, entropy, x.grad, *(p.grad for p in pool.parameters())])
    for mine, expected in zip(*results, strict=True):
        assert_agree(mine, expected, scale=1.0)


def test_losses_are_means_over_graphs_and_nodes(ragged: Callable[..., GraphBatch]) -> None:
    schema = GraphSchema({"a": 4, "b": 4}, [("a", "z", "a"), ("a", "x", "b")])
    batch = ragged(schema, [{"a": 5, "b": 2}, {"b": 3}, {"a": 3}], dtype=torch.float64)
    pool = SoftAssignPool(schema, 4, {"a": 2, "b": 3}).double()
    together, *alone = (
        pool({name: nodes.x for name, nodes in part.nodes.items()}, part.flat).losses for part in (batch, *batch)
    )
    links, entropies = ([losses[name].item() for losses in alone] for name in ("link", "entropy"))
    assert together["link"].item() == pytest.approx((links[0] + links[2]) / 2)
    expected = sum(entropy * size for entropy, size in zip(entropies, [7, 3, 3], strict=True)) / 13
    assert together["entropy"].item() == pytest.approx(expected)
    assert links[1] == 0


def test_the_link_loss_is_zero_where_neighbours_share_clusters(assert_agree: Callable[..., None]) -> None:
    """Two cliques with loops and two clusters; hard assignment to other clusters costs."""
    pairs = torch.tensor([[i, j] for i in range(4) for j in range(4) if i // 2 == j // 2]).T
    graph = GraphBatch.single({"a": torch.tensor([[1.0], [1.0], [-1.0], [-1.0]])}, {("a", "z", "a"): pairs})
    pool: Any = SoftAssignPool(graph.schema, 1, 2)
    with torch.no_grad():
        pool.linear[0].weight.copy_(torch.tensor([[50.0], [-50.0]]))
        pool.linear[0].bias.zero_()
    pooled = pool({"a": graph.nodes["a"].x}, graph.flat)
    assert pooled.losses["link"].item() == pytest.approx(0, abs=1e-6)
    assert pooled.losses["entropy"].item() == pytest.approx(0, abs=1e-6)
    assert_agree(pooled.edge_weight, torch.tensor([[4.0], [0.0], [0.0], [4.0]]))
    other = pool({"a": graph.nodes["a"].x[[0, 2, 1, 3]]}, graph.flat)
    assert other.losses["link"].item() == pytest.approx(8**0.5 / 16)


def test_across_modalities_with_different_numbers_of_clusters(
    ragged: Callable[..., GraphBatch], assert_agree: Callable[..., None]
) -> None:
    """S' A S with dense matrices, weights of edges among them; features are means, weighted by what edges add."""
    relations = {("a", "z", "a"): (), ("a", "x", "b"): ("distance",)}
    batch = ragged(GraphSchema({"a": 3, "b": 3}, relations), [{"a": 5, "b": 4}, {"a": 4, "b": 2}], dtype=torch.float64)
    flat, x = batch.flat, {name: nodes.x for name, nodes in batch.nodes.items()}
    weight = torch.rand(batch.num_edges, 1, dtype=torch.float64)
    pooled = SoftAssignPool(batch.schema, 3, {"a": 2, "b": 3}).double()(x, flat, weight)
    assert pooled.graph.num_nodes == (4, 6)
    shares = dense(pooled.member, pooled.cluster, pooled.share, 15, 10)
    assert_agree(torch.cat(list(pooled.x.values())), shares.T @ torch.cat(list(x.values())))
    feature = torch.zeros(batch.num_edges, dtype=torch.float64)
    old_rows, old_features = flat.feature_edges[1], flat.features[1]
    assert old_rows is not None and old_features is not None
    feature[old_rows] = old_features[:, 0]
    for r in range(2):
        of, mine = flat.relation == r, pooled.graph.relation == r
        ends = (flat.src.long()[of], destinations(flat.rowptr)[of])
        new_ends = (pooled.graph.src.long()[mine], destinations(pooled.graph.rowptr)[mine])
        expected = shares.T @ dense(*ends, weight[of, 0], 15, 15) @ shares
        assert_agree(dense(*new_ends, pooled.edge_weight[mine, 0], 10, 10), expected)
    rows = pooled.graph.feature_edges[1]
    assert rows is not None and torch.equal(rows.sort().values, mine.nonzero().flatten())
    expected = shares.T @ dense(*ends, (weight[:, 0] * feature)[of], 15, 15) @ shares
    found = pooled.edge_weight[rows, 0] * pooled.graph.features[1][:, 0]
    new_ends = (pooled.graph.src.long()[rows], destinations(pooled.graph.rowptr)[rows])
    assert_agree(dense(*new_ends, found, 10, 10), expected)


def test_a_conv_may_assign(ragged: Callable[..., GraphBatch], assert_agree: Callable[..., None]) -> None:
    batch = ragged(GraphSchema({"a": 4}, [("a", "z", "a")]), [{"a": 5}])
    pool = SoftAssignPool(batch.schema, 4, 3, assign=GCNConv)
    x = {"a": batch.nodes["a"].x}
    assert pool.conv is not None and not len(pool.linear)
    shares = pool.conv(x, batch.flat)["a"].softmax(1)
    assert_agree(pool(x, batch.flat).x["a"], shares.T @ x["a"])


def test_clusters_that_do_not_fit_are_named(schema: GraphSchema) -> None:
    with pytest.raises(ValueError, match=r"each modality are at least 1; got channels=2, clusters=\{'a': 3"):
        SoftAssignPool(schema, 2, {"a": 3})
    sizes = {"a": 1, "b": 1, "c": 1, "d": 2}
    with pytest.raises(ValueError, match=r"GCNConv gives all modalities equally many clusters, got \{'a': 1"):
        SoftAssignPool(schema, 2, sizes, assign=GCNConv)
