import pytest
import torch
from torch import nn

from mmgraph.explain import (
    GradientInput,
    IntegratedGradients,
    OutputScore,
    change_encodings,
    mean_encoding,
    weigh_edges,
)
from mmgraph.graph import GraphBatch
from mmgraph.models import ConcatMLP


def test_an_additive_model_gives_every_node_what_it_weighs(batch: GraphBatch, additive):
    model = additive(batch.schema)
    weights = torch.cat([model.encoder(nodes).squeeze(1) for nodes in batch.nodes.values()])
    for method in (GradientInput(), IntegratedGradients(steps=1)):
        found = method(model, batch, OutputScore())
        torch.testing.assert_close(found.nodes, weights)


def test_an_additive_model_gives_every_edge_what_it_carries(batch: GraphBatch, additive):
    model = additive(batch.schema, 0.5)
    weights = torch.cat([model.encoder(nodes).squeeze(1) for nodes in batch.nodes.values()])
    expected = 0.5 * weights[batch.flat.src.long()]
    for method in (GradientInput(), IntegratedGradients(steps=1, edges=True)):
        torch.testing.assert_close(method(model, batch, OutputScore()).edges, expected)


def test_integrated_gradients_sum_to_the_way_from_the_baseline(typed: GraphBatch, fusion):
    fusion.double().eval()
    graphs = typed.double()
    baseline = mean_encoding(fusion, graphs)
    found = IntegratedGradients(steps=96, baseline=baseline, edges=True, batch_size=100)(fusion, graphs, OutputScore(1))
    with torch.no_grad():
        whole = fusion(graphs)[:, 1]
        with change_encodings(fusion, graphs, lambda name, encoded: baseline[name].expand_as(encoded)):
            nothing = fusion(graphs)[:, 1]
        with weigh_edges(fusion, graphs, torch.zeros(graphs.num_edges, 1, dtype=torch.float64)):
            silent = fusion(graphs)[:, 1]
    torch.testing.assert_close(found.modality_sums().sum(1), whole - nothing, atol=2e-3, rtol=2e-3)
    torch.testing.assert_close(found.relation_sums().sum(1), whole - silent, atol=2e-3, rtol=2e-3)


def test_the_gradient_of_an_edge_is_that_of_its_weight(batch: GraphBatch, model):
    class Encoded(nn.Module):  # the tiny model behind a module that encodes
        def __init__(self):
            super().__init__()
            self.schema, self.encoder, self.model = batch.schema, Same(), model

        def forward(self, graphs):
            x = {name: self.encoder(nodes) for name, nodes in graphs.nodes.items()}
            for conv in self.model.convs:
                x = conv(x, graphs.flat)
            return self.model.pool(x, graphs.flat)

    class Same(nn.Module):
        def forward(self, nodes):
            return nodes.x * 1

    weight = torch.ones(batch.num_edges, 1, requires_grad=True)
    expected = torch.autograd.grad(model(batch, edge_weight=weight)[:, 2].sum(), weight)[0]
    found = GradientInput(batch_size=2)(Encoded(), batch, OutputScore(2))
    torch.testing.assert_close(found.edges, expected.squeeze(1))


def test_a_model_without_edges_gives_nodes_only(typed: GraphBatch):
    model = ConcatMLP(typed.schema, 3, {"image": 4, "text": 4, "audio": 4}, node_channels=4, hidden_channels=8)
    assert GradientInput()(model, typed, OutputScore(0)).edges is None
    with pytest.raises(ValueError, match="ConcatMLP has no conv that takes edge_weight: use edges=False"):
        IntegratedGradients(edges=True)(model, typed, OutputScore(0))


def test_a_node_that_the_score_cannot_see_gets_nothing(typed: GraphBatch, fusion):
    found = GradientInput()(fusion, typed, lambda outputs, graphs: outputs[:, 0] * 0 + 1.0)
    assert float(found.nodes.abs().max()) == 0 and float(found.edges.abs().max()) == 0


def test_sizes_below_one_are_refused(typed: GraphBatch, fusion):
    with pytest.raises(ValueError, match="steps=0 is at least 1"):
        IntegratedGradients(steps=0)
    with pytest.raises(ValueError, match="batch_size=0 is at least 1"):
        GradientInput(batch_size=0)(fusion, typed, OutputScore(0))
