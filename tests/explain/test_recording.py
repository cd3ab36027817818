import copy
import inspect

import pytest
import torch
from torch import nn

from mmgraph import ops
from mmgraph.explain import (
    AttentionFlow,
    GradientInput,
    LayerAttention,
    NodeOcclusion,
    OutputScore,
    flow_to_output,
    record_attention,
)
from mmgraph.explain.nodes import destinations
from mmgraph.graph import GraphBatch
from mmgraph.models import GraphFusion
from mmgraph.nn import SimilarityEdges
from mmgraph.nn import conv as convs


def hooks(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def gradients(model: nn.Module, batch: GraphBatch, recorded: bool) -> list[torch.Tensor]:
    model = copy.deepcopy(model)
    torch.manual_seed(5)
    if recorded:
        with record_attention(model):
            output = model(batch)
    else:
        output = model(batch)
    output.square().sum().backward()
    return [output.detach(), *(p.grad for p in model.parameters())]


def test_a_record_holds_what_the_layers_say(model, batch: GraphBatch):
    with record_attention(model) as records:
        model(batch)
    (record,) = records
    assert record.batch is batch
    assert [(layer.name, layer.scope) for layer in record.layers] == [("convs.0", "node"), ("convs.1", "node")]
    x = {name: nodes.x for name, nodes in batch.nodes.items()}
    assert torch.equal(record.layers[0].alpha, model.convs[0].attention(x, batch.flat))
    x = model.convs[0](x, batch.flat)
    assert torch.equal(record.layers[1].alpha, model.convs[1].attention(x, batch.flat))
    x = model.convs[1](x, batch.flat)
    assert [pool.name for pool in record.pools] == ["pool"]
    assert torch.equal(record.pools[0].alpha, model.pool.node_attention(x, batch.flat))


@pytest.mark.parametrize("training", [True, False])
def test_outputs_and_gradients_stay_what_they_are(model_class, batch: GraphBatch, training: bool):
    model = model_class(dropout=0.5).train(training)
    for plain, recorded in zip(gradients(model, batch, False), gradients(model, batch, True), strict=True):
        assert torch.equal(plain, recorded)


def test_weights_are_without_dropout_in_training(model_class, batch: GraphBatch):
    model = model_class(dropout=0.9).train()
    with record_attention(model) as records:
        model(batch)
    into = records[0].batch.flat.rowptr.diff()
    sums = torch.segment_reduce(records[0].layers[0].mean, "sum", lengths=into.long())
    torch.testing.assert_close(sums[into > 0], torch.ones(int((into > 0).sum())))


def test_records_need_no_gradient(model, batch: GraphBatch):
    with record_attention(model) as records:
        model(batch)
        with torch.no_grad():
            model(batch)
    for record in records:
        assert not any(part.alpha.requires_grad for part in (*record.layers, *record.pools))
    assert torch.equal(records[0].layers[1].alpha, records[1].layers[1].alpha)


def test_every_forward_pass_gives_a_record(model, batch: GraphBatch):
    with record_attention(model) as records:
        model(batch)
        model(batch=batch[1:])
    model(batch)
    assert [record.batch.num_graphs for record in records] == [3, 2]


def test_hooks_are_gone_at_the_end_even_after_an_exception(model, batch: GraphBatch):
    with pytest.raises(KeyboardInterrupt), record_attention(model):
        model(batch)
        raise KeyboardInterrupt
    assert hooks(model) == 0


def test_a_pass_that_breaks_off_leaves_no_record(model, batch: GraphBatch):
    with record_attention(model) as records:
        with pytest.raises(TypeError):
            model(batch, edge_weight="none")
        model(batch)
    assert len(records) == 1 and len(records[0].layers) == 2


def test_nested_recordings_do_not_disturb_each_other(model, batch: GraphBatch):
    with record_attention(model) as outer:
        with record_attention(model) as inner:
            model(batch)
        model(batch)
    assert (len(outer), len(inner)) == (2, 1)
    assert [len(record.layers) for record in (*outer, *inner)] == [2, 2, 2]


def test_a_layer_that_is_called_on_its_own_is_not_recorded(model, batch: GraphBatch):
    with record_attention(model) as records:
        model.convs[0]({name: nodes.x for name, nodes in batch.nodes.items()}, batch.flat)
    assert records == []


def test_a_conv_that_runs_twice_is_recorded_twice(model_class, batch: GraphBatch):
    model = model_class(layers=1)
    model.convs.append(model.convs[0])
    with record_attention(model) as records:
        model(batch)
    assert [layer.name for layer in records[0].layers] == ["convs.0", "convs.0"]


def test_edge_weights_are_kept(model, batch: GraphBatch):
    weight = torch.rand(batch.num_edges, 1, requires_grad=True)
    with record_attention(model) as records:
        model(batch, edge_weight=weight)
    kept = records[0].layers[0].edge_weight
    assert torch.equal(kept, weight) and not kept.requires_grad


def test_a_model_without_attention_is_refused():
    with pytest.raises(ValueError, match="Linear has no layer with attention"), record_attention(nn.Linear(2, 2)):
        pass


@pytest.mark.unchecked
def test_a_compiled_model_is_refused(model):
    with (
        pytest.raises(ValueError, match="a compiled model does not run its hooks"),
        record_attention(torch.compile(model)),
    ):
        pass


def test_a_model_that_is_called_with_something_else_is_refused(model):
    with (
        record_attention(model),
        pytest.raises(ValueError, match="needs a model that is called with a GraphBatch, got Tensor, int"),
    ):
        model(torch.ones(2), edge_weight=3)


def test_a_layer_with_another_forward_is_named(batch: GraphBatch):
    class Odd(nn.Module):
        scope = "node"

        def attention(self, x, graph):
            raise AssertionError

        def forward(self, rows):
            return rows

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.odd = Odd()

        def forward(self, batch: GraphBatch) -> torch.Tensor:
            return self.odd(batch.nodes["text"].x)

    model = Model()
    message = r"layer 'odd' has attention.* x and graph.*\['rows'\]"
    with record_attention(model), pytest.raises(ValueError, match=message):
        model(batch)


@pytest.mark.parametrize("scope", ["node", "relation"])
def test_real_models_are_recorded(batch: GraphBatch, scope):
    model = GraphFusion(batch.schema, 2, hidden_channels=8, num_layers=2, heads=2, scope=scope, dropout=0.5)
    with ops.backend("reference"), record_attention(model) as records:
        model(batch)
    (record,) = records
    assert [(layer.name, layer.scope, layer.alpha.shape) for layer in record.layers] == [
        (f"blocks.{i}.conv", scope, (batch.num_edges, 2)) for i in range(2)
    ]
    assert len(record.pools) == 1 and len(record.edges(0)) == 2 * batch[0].num_edges


def test_what_learned_relations_find_is_recorded_with_its_scores(batch: GraphBatch):
    made = ("text", "learned", "image")

    def learn(schema, channels):
        return SimilarityEdges(schema, [made], channels, k=1, weights="soft")

    model = GraphFusion(batch.schema, 2, hidden_channels=8, num_layers=2, heads=2, learned=learn).eval()
    with ops.backend("reference"):
        plain = model(batch)
        with record_attention(model) as records:
            assert torch.equal(model(batch), plain)
    (record,) = records
    assert [part.name for part in record.learned] == ["learned.0", "learned.1"]
    images = [int(count) if text else 0 for count, text in zip(batch.nodes["image"].counts, [3, 2, 4], strict=True)]
    for number in range(3):
        edges = record.learned_edges(number)
        assert {edge.relation for edge in edges} <= {made} and len(edges) == 2 * images[number]
        assert all(0 <= edge.mean <= 1 and edge.scope == "score" for edge in edges)
        assert edges == record.single(number).learned_edges(0)
    attended = [edge for edge in record.edges(0) if edge.relation == made]
    assert len(attended) == 2 * images[0]  # the convs see them too, in one softmax with all others
    frame = record.to_frame()
    assert (frame[frame["scope"] == "score"]["alpha"].between(0, 1)).all()
    flow = flow_to_output(record)
    assert flow.sum() == pytest.approx(float(batch.present.sum()), abs=1e-4)
    with pytest.raises(ValueError, match="no graph 3"):
        record.learned_edges(3)


def test_a_model_that_learns_edges_is_explained_by_nodes_and_by_the_edges_of_the_data(typed: GraphBatch):
    def learn(schema, channels):
        return SimilarityEdges(schema, [("text", "learned", "image")], channels, k=1)

    model = GraphFusion(typed.schema, 2, hidden_channels=8, num_layers=2, heads=2, learned=learn)
    with ops.backend("reference"):
        found = GradientInput()(model, typed, OutputScore(0))
        assert found.edges.shape == (typed.num_edges,) and float(found.edges.abs().max()) > 0
        for method in (AttentionFlow(edges=False), GradientInput(edges=False), NodeOcclusion()):
            assert method(model, typed, OutputScore(0)).edges is None
        with pytest.raises(ValueError, match="the model learns edges"):
            AttentionFlow()(model, typed, OutputScore(0))


def test_scores_of_different_learned_relations_are_not_compared(batch: GraphBatch, record):
    found = record(batch).layers[0]
    scores = LayerAttention("learned.0", "score", found.relations, found.alpha, found.graph)
    with pytest.raises(ValueError, match=r"'learned.0' is a learned relation: scores of different relations"):
        scores.require_one_softmax()


CONVS = [
    value
    for name in sorted(convs.__all__)
    if isinstance(value := getattr(convs, name), type) and hasattr(value, "attention")
]


@pytest.mark.parametrize("scope", ["node", "relation"])
@pytest.mark.parametrize("conv", CONVS)
def test_every_conv_that_attends_is_recorded_and_sums_to_one(conv, scope, batch: GraphBatch):
    layer = made_conv(conv, batch, scope)
    model = OneConv(layer)
    with ops.backend("reference"):
        plain = model(batch)
        with record_attention(model) as records:
            assert torch.equal(model(batch), plain)
    (found,) = records[0].layers
    assert (found.scope, found.alpha.shape[0]) == (layer.scope, batch.num_edges)
    sums = torch.zeros(batch.num_nodes, found.alpha.shape[1])
    sums.index_add_(0, destinations(batch.flat), found.alpha.detach())
    entered = batch.flat.rowptr.diff() > 0
    if layer.scope == "node":
        torch.testing.assert_close(sums[entered], torch.ones_like(sums[entered]), atol=1e-5, rtol=1e-5)
        found.require_one_softmax()
    else:
        with pytest.raises(ValueError, match="scope='node'"):
            found.require_one_softmax()


@pytest.mark.parametrize("backend", ops.available_backends())
def test_every_back_end_gives_the_same_record(backend: str, batch: GraphBatch):
    model = GraphFusion(batch.schema, 2, hidden_channels=8, num_layers=2, heads=2).eval()
    found = []
    for name in ("reference", backend):
        with ops.backend(name), record_attention(model) as records, torch.no_grad():
            model(batch)
        found.append(records[0])
    for one, other in zip(*((*record.layers, *record.pools) for record in found), strict=True):
        torch.testing.assert_close(one.alpha, other.alpha, atol=1e-5, rtol=1e-5)


def made_conv(conv, batch: GraphBatch, scope: str) -> nn.Module:
    """A conv with two heads, of the scope if it can be chosen."""
    takes = inspect.signature(conv).parameters
    return conv(batch.schema, 3, 4, 2, **({"scope": scope} if "scope" in takes else {})).eval()


class OneConv(nn.Module):
    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, batch: GraphBatch) -> torch.Tensor:
        rows = self.conv({name: nodes.x for name, nodes in batch.nodes.items()}, batch.flat)
        return torch.cat(list(rows.values())).sum().reshape(1, 1)
