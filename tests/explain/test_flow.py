import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mmgraph import ops
from mmgraph.explain import (
    AttentionRecord,
    LayerAttention,
    PoolAttention,
    flow_through_edges,
    flow_to_nodes,
    flow_to_output,
    record_attention,
    subgraph,
)
from mmgraph.explain.nodes import SingleGraph
from mmgraph.graph import GraphBatch
from mmgraph.models import GraphFusion

picks = st.lists(st.integers(0, 25), min_size=1, max_size=4)  # of the pool


def dense_flow(record: AttentionRecord, residual: float) -> Tensor:
    """The definition, with a matrix of nodes per layer and a loop over edges."""
    nodes, rowptr = record.batch.num_nodes, record.batch.flat.rowptr.tolist()
    product = torch.eye(nodes, dtype=torch.float64)
    for layer in record.layers:
        weight = layer.alpha if layer.edge_weight is None else layer.alpha * layer.edge_weight
        attention = torch.zeros(nodes, nodes, dtype=torch.float64)
        for node in range(nodes):
            for edge in range(rowptr[node], rowptr[node + 1]):
                attention[node, int(layer.graph.src[edge])] += float(weight[edge].double().mean())
            total = float(attention[node].sum())
            if total > 0:
                attention[node] = residual * torch.eye(nodes)[node] + (1 - residual) * attention[node] / total
            else:
                attention[node, node] = 1
        product = attention @ product
    return record.pools[0].mean.double() @ product


@settings(max_examples=20)
@given(picks, st.integers(0, 3), st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.integers(0, 2**16))
def test_flow_equals_the_product_of_dense_matrices(pool, record, picked, layers, residual, seed):
    made = record(pool[picked], layers, seed=seed)
    expected = dense_flow(made, residual)
    torch.testing.assert_close(flow_to_output(made, residual=residual).double(), expected, atol=1e-6, rtol=1e-5)


@settings(max_examples=20)
@given(picks, st.integers(0, 3))
def test_flow_of_each_graph_sums_to_its_number_of_modalities(pool, record, picked, layers):
    batch = pool[picked]
    flow = flow_to_output(record(batch, layers))
    totals = torch.zeros(len(batch))
    for (start, stop), number in zip(
        batch.flat.segment.unfold(0, 2, 1).tolist(), list(range(len(batch))) * 3, strict=True
    ):
        totals[number] += flow[start:stop].sum()
    torch.testing.assert_close(totals, batch.present.sum(1).float())
    assert (flow >= 0).all()


def test_flow_of_a_graph_is_the_same_in_every_batch(batch: GraphBatch, model):
    with record_attention(model) as records:
        model(batch)
        for single in batch:
            model(single)
    whole = flow_to_output(records[0])
    for number, single in enumerate(batch):
        bounds = batch.flat.segment.tolist()
        own = torch.cat([whole[bounds[m * 3 + number] : bounds[m * 3 + number + 1]] for m in range(3)])
        torch.testing.assert_close(own, flow_to_output(records[number + 1]))
        assert own.numel() == single.num_nodes


def test_by_hand_two_layers_and_a_node_without_edges():
    batch = GraphBatch.single(
        {"a": torch.rand(2, 1), "b": torch.rand(1, 1)}, {("a", "to", "b"): torch.tensor([[0, 1], [0, 0]])}
    )
    alpha = torch.tensor([[0.5, 1.0], [0.5, 0.0]])  # mean over heads: 0.75 and 0.25
    layer = LayerAttention("c", "node", batch.schema.edge_types, alpha, batch.flat)
    pool = PoolAttention("p", torch.tensor([[0.5], [0.5], [1.0]]))
    flow = flow_to_output(AttentionRecord(batch, (layer, layer), (pool,)), residual=0.5)
    # Of b's unit a half goes to a in the last layer, and a half of what is left in the first.
    torch.testing.assert_close(flow, torch.tensor([0.5 + 0.75 * 0.75, 0.5 + 0.25 * 0.75, 0.25]))


def test_with_nothing_but_the_residual_path_flow_is_the_pool(batch: GraphBatch, record):
    made = record(batch)
    torch.testing.assert_close(flow_to_output(made, residual=1.0), made.pools[0].mean)


def test_edge_weights_count_as_shares(batch: GraphBatch, record):
    made = record(batch)
    weight = torch.rand(batch.num_edges, 2)
    weight[:5] = 0
    layers = tuple(LayerAttention(a.name, a.scope, a.relations, a.alpha, a.graph, weight) for a in made.layers)
    weighted = AttentionRecord(batch, layers, made.pools)
    torch.testing.assert_close(flow_to_output(weighted).double(), dense_flow(weighted, 0.5), atol=1e-6, rtol=1e-5)


def test_a_start_stands_for_the_pool(batch: GraphBatch, record):
    made = record(batch)
    start = torch.zeros(batch.num_nodes)
    start[7] = 1
    without = AttentionRecord(batch, made.layers, ())
    flow = flow_to_output(without, start=start)
    assert flow.sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="has 0 attention pools, not one: give `start`"):
        flow_to_output(without)
    with pytest.raises(ValueError, match=r"start has a weight per node, \[20\], got \(3,\)"):
        flow_to_output(without, start=torch.ones(3))


def test_what_has_no_flow_is_refused(batch: GraphBatch, record):
    with pytest.raises(ValueError, match=r"'convs.1' has scope='relation'.*build the model with scope='node'"):
        flow_to_output(record(batch, scope="relation"))
    with pytest.raises(ValueError, match=r"residual=1.5 is the share"):
        flow_to_output(record(batch), residual=1.5)
    first = record(batch, layers=1).layers[0]
    negative = LayerAttention(
        "signed", "node", first.relations, first.alpha, first.graph, torch.full((batch.num_edges, 1), -0.5)
    )
    with pytest.raises(ValueError, match=r"'signed' was called with negative edge weights \(least -0.5\)"):
        flow_to_output(AttentionRecord(batch, (negative,), record(batch).pools))


def test_a_real_model_has_a_flow(batch: GraphBatch):
    model = GraphFusion(batch.schema, 2, hidden_channels=8, num_layers=2, heads=2).eval()
    with ops.backend("reference"), record_attention(model) as records, torch.no_grad():
        model(batch)
    flow = flow_to_output(records[0])
    torch.testing.assert_close(flow.double(), dense_flow(records[0], 0.5), atol=1e-5, rtol=1e-4)
    assert flow.sum() == pytest.approx(float(batch.present.sum()), abs=1e-4)


@settings(max_examples=15)
@given(picks, st.integers(0, 3), st.sampled_from([0.0, 0.3, 1.0]))
def test_flow_into_the_nodes_started_from_the_pool_is_the_flow_to_the_output(pool, record, picked, layers, residual):
    made = record(pool[picked], layers)
    whole = flow_to_output(made, residual=residual)
    for number in range(len(made.batch)):
        flow = flow_to_nodes(made, number, residual=residual)
        torch.testing.assert_close(flow.sum(1), torch.ones(len(flow)))
        nodes = SingleGraph.of(made.batch.flat, number).nodes
        torch.testing.assert_close(made.pools[0].mean[nodes] @ flow, whole[nodes], atol=1e-6, rtol=1e-5)


def test_flow_through_the_edges_of_one_layer_is_what_arrives_by_them(batch: GraphBatch, record):
    made = record(batch, layers=1)
    through = flow_through_edges(made, residual=0.4)
    arrived = torch.zeros(batch.num_nodes).index_add_(0, batch.flat.src.long(), through)
    own = made.pools[0].mean * torch.where(batch.flat.rowptr.diff() > 0, 0.4, 1.0)
    torch.testing.assert_close(own + arrived, flow_to_output(made, residual=0.4), atol=1e-6, rtol=1e-5)
    assert float(flow_through_edges(made, residual=1.0).abs().max()) == 0


def test_flow_through_edges_that_the_model_added_has_no_place(batch: GraphBatch, record):
    made = record(batch, layers=1)
    kept = record(subgraph(batch, edges=torch.arange(batch.num_edges) > 0), layers=1)
    with pytest.raises(ValueError, match=r"'convs.0' saw \d+ edges, the batch has \d+: the model learns edges"):
        flow_through_edges(AttentionRecord(batch, kept.layers, made.pools))


def test_one_relation_into_each_modality_is_one_softmax(graph):
    batch = graph(3, 2, 2)
    names = tuple(relation for relation in batch.schema.edge_types if relation[2] != "image")
    flat = subgraph(batch, edges=torch.isin(batch.flat.relation, torch.tensor([2, 3]))).flat
    alpha = torch.ones(flat.src.numel(), 1)
    layer = LayerAttention("c", "relation", names, alpha, flat._replace(relation=flat.relation - 2))
    made = AttentionRecord(batch, (layer,), (PoolAttention("p", torch.ones(7, 1)),))
    assert flow_to_output(made).sum() == pytest.approx(7, abs=1e-4)
