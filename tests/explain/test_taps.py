import pytest
import torch
from torch import nn

from mmgraph.explain import Copies, change_encodings, mean_encoding, subgraph, weigh_edges
from mmgraph.graph import GraphBatch


def test_what_stands_for_an_encoding_is_what_the_model_goes_on_with(typed: GraphBatch, fusion):
    fusion.eval()
    seen = {}

    def halve(name, encoded):
        seen[name] = encoded
        return encoded / 2

    with change_encodings(fusion, typed, halve):
        changed = fusion(typed)
    expected = {name: encoder(typed.nodes[name]) for name, encoder in fusion.encoders.items()}
    assert list(seen) == list(expected) and all(torch.equal(seen[name], expected[name]) for name in seen)
    assert not torch.allclose(changed, fusion(typed))
    with change_encodings(fusion, typed, lambda name, encoded: encoded):
        assert torch.equal(fusion(typed), fusion(typed))


def test_only_the_outermost_module_that_encodes_is_changed(typed: GraphBatch, fusion):
    calls = []
    with change_encodings(fusion, typed, lambda name, encoded: calls.append(name) or encoded):
        fusion(typed)
    assert calls == ["image", "text", "audio"]  # the positional encodings inside are called with the nodes too


def test_a_weight_on_all_edges_is_a_weight_in_every_conv(batch: GraphBatch, model):
    weight = torch.rand(batch.num_edges, 1)
    with weigh_edges(model, batch, weight) as convs:
        found = model(batch)
    torch.testing.assert_close(found, model(batch, edge_weight=weight))
    assert convs == ["convs.0", "convs.1"]
    with weigh_edges(model, batch, weight):
        both = model(batch, edge_weight=weight)
    torch.testing.assert_close(both, model(batch, edge_weight=weight**2))


def test_a_conv_within_a_conv_gets_the_weights_once(batch: GraphBatch, model):
    class Wrapped(nn.Module):
        def __init__(self, conv):
            super().__init__()
            self.conv = conv

        def forward(self, x, graph, edge_weight=None):
            return self.conv(x, graph, edge_weight)

    weight = torch.rand(batch.num_edges, 1)
    expected = model(batch, edge_weight=weight)
    model.convs[0] = Wrapped(model.convs[0])
    with weigh_edges(model, batch, weight) as convs:
        torch.testing.assert_close(model(batch), expected)
    assert convs == ["convs.0", "convs.1"]


def learned(batch: GraphBatch) -> GraphBatch:
    """The graphs with a relation more, as a model sees them that learns edges; its ids come last."""
    src, relation = batch.flat.src, batch.flat.relation
    node = int(batch.flat.rowptr.diff().argmax())
    place = int(batch.flat.rowptr[node + 1])
    flat = batch.flat._replace(
        rowptr=batch.flat.rowptr + (torch.arange(batch.num_nodes + 1) > node),
        src=torch.cat([src[:place], src[:1], src[place:]]),
        relation=torch.cat([relation[:place], torch.tensor([len(batch.schema.edge_types)]), relation[place:]]).int(),
    )
    return flat, place


def test_edges_that_a_model_learns_keep_their_own_weight(batch: GraphBatch, model):
    flat, place = learned(batch)
    weight = torch.rand(batch.num_edges, 1)
    x = {name: nodes.x for name, nodes in batch.nodes.items()}
    with weigh_edges(model, batch, weight):
        found = model.convs[0](x, flat)
    full = torch.cat([weight[:place], torch.ones(1, 1), weight[place:]])
    for name, rows in model.convs[0](x, flat, full).items():
        torch.testing.assert_close(found[name], rows)


def test_a_conv_that_sees_other_edges_is_named(batch: GraphBatch, model):
    other = subgraph(batch, edges=torch.arange(batch.num_edges) > 0)
    x = {name: nodes.x for name, nodes in batch.nodes.items()}
    with (
        weigh_edges(model, batch, torch.ones(batch.num_edges, 1)),
        pytest.raises(ValueError, match=r"conv 'convs.1' saw other edges than the batch has"),
    ):
        model.convs[1](x, other.flat)


def test_a_model_that_encodes_in_no_module_is_refused(batch: GraphBatch, model):
    with (
        pytest.raises(ValueError, match="TinyModel has no module that is called with the nodes of image, text, audio"),
        change_encodings(model, batch, lambda name, encoded: encoded),
    ):
        model(batch)


def test_the_mean_encoding_is_over_all_nodes(typed: GraphBatch, fusion):
    means = mean_encoding(fusion, typed)
    fusion.eval()
    for name, encoder in fusion.encoders.items():
        torch.testing.assert_close(means[name], encoder(typed.nodes[name]).mean(0).detach())
    with pytest.raises(ValueError, match="no graph has nodes of image, audio"):
        mean_encoding(fusion, typed[2])


def test_copies_are_encoded_as_their_originals(typed: GraphBatch, fusion):
    copies = Copies.of(typed, torch.tensor([3, 3, 0]))
    rows = {}
    fusion.eval()
    with change_encodings(fusion, copies.batch, lambda name, encoded: rows.setdefault(name, encoded)):
        fusion(copies.batch)
    assert len(rows["text"]) == 2 + 2 + 3
