import pytest
import torch

from mmgraph.explain import (
    AttentionRecord,
    LayerAttention,
    data_modality_attention,
    flow_to_output,
    modality_attention,
    record_attention,
)
from mmgraph.explain.nodes import destinations
from mmgraph.graph import GraphBatch


def slow(record: AttentionRecord, layer: int) -> torch.Tensor:
    """Node by node: the mean over the nodes that are entered, of the sums by source modality."""
    batch, found = record.batch, record.layers[layer]
    weight = found.alpha if found.edge_weight is None else found.alpha * found.edge_weight
    heads, dst = weight.shape[1], destinations(found.graph)
    modality = torch.repeat_interleave(torch.arange(3), torch.tensor(batch.flat.num_nodes))
    graph = torch.cat([nodes.graph for nodes in batch.nodes.values()])
    result = torch.full((len(batch), heads, 3, 3), torch.nan)
    for g in range(len(batch)):
        for h in range(heads):
            for m in range(3):
                rows = []
                for node in ((graph == g) & (modality == m)).nonzero().flatten():
                    own = weight[dst == node, h]
                    if own.sum() > 0:
                        of = modality[found.graph.src[dst == node].long()]
                        rows.append(torch.stack([own[of == s].sum() / own.sum() for s in range(3)]))
                if rows:
                    result[g, h, m] = torch.stack(rows).mean(0)
    return result


def test_entries_are_means_over_the_nodes_that_are_entered(batch: GraphBatch, record):
    made = record(batch)
    weight = torch.rand(batch.num_edges, 1)
    weight[:4] = 0
    first, second = made.layers
    weighted = LayerAttention(first.name, "node", first.relations, first.alpha, first.graph, weight)
    made = AttentionRecord(batch, (weighted, second), made.pools)
    found = modality_attention(made)
    for number in range(2):
        torch.testing.assert_close(found.heads[number], slow(made, number), equal_nan=True)
    sums = found.heads[1].sum(-1)
    torch.testing.assert_close(sums[~sums.isnan()], torch.ones(int((~sums.isnan()).sum())))


def test_rows_to_the_output_are_shares_of_the_flow(batch: GraphBatch, record):
    made = record(batch)
    found = modality_attention(made)
    flow = flow_to_output(made)
    for m, part in enumerate(flow.split(batch.flat.num_nodes)):
        nodes = list(batch.nodes.values())[m]
        reached = torch.zeros(3).index_add_(0, nodes.graph, part)
        torch.testing.assert_close(found.output.nan_to_num()[:, :, m].sum(1), reached, atol=1e-5, rtol=1e-5)
    assert torch.equal(found.output.isnan().any(2), ~batch.present)


def test_a_data_set_is_its_graphs_whatever_the_batch_size(batch: GraphBatch, model):
    model(batch)  # the tiny model keeps the schema it was last called with
    whole = data_modality_attention(model, batch, batch_size=3)
    parts = data_modality_attention(model, batch, batch_size=1)
    for a, b in zip((*whole.heads, whole.output), (*parts.heads, parts.output), strict=True):
        torch.testing.assert_close(a, b, equal_nan=True)
    with record_attention(model) as records:
        model(batch)
    torch.testing.assert_close(whole.heads[1], modality_attention(records[0]).heads[1], equal_nan=True)
    expected = whole.heads[0][:, 1, 0, 1]
    estimate = whole.estimate("convs.0", "image", "text", head=1)
    assert estimate.mean == pytest.approx(float(expected.nanmean())) and estimate.num_graphs == 2
    assert whole.estimate(0, "image", "text").mean == pytest.approx(float(whole.heads[0][:, :, 0, 1].nanmean()))
    assert whole.estimate(None, "text", "text").num_graphs == 3
    torch.testing.assert_close(whole.mean("convs.0"), whole.heads[0].nanmean(0), equal_nan=True)


def test_relations_with_a_softmax_each_are_refused(batch: GraphBatch, record):
    with pytest.raises(ValueError, match="build the model with scope='node' and train it anew"):
        modality_attention(record(batch, scope="relation"))


def test_what_is_not_there_is_refused(batch: GraphBatch, record, model):
    found = modality_attention(AttentionRecord(batch, record(batch).layers, ()))
    with pytest.raises(ValueError, match=r"no layer 'convs.7': there are \['convs.0', 'convs.1'\]"):
        found.layer("convs.7")
    with pytest.raises(ValueError, match="no modality 'video'"):
        found.estimate(0, "video", "text")
    with pytest.raises(ValueError, match="no head 2: layer 0 has 2"):
        found.estimate(0, "image", "text", head=2)
    with pytest.raises(ValueError, match="not one attention pool"):
        found.estimate(None, "image", "text")
    model(batch)
    with pytest.raises(ValueError, match="batch_size=0 is at least 1"):
        data_modality_attention(model, batch, batch_size=0)
