import copy

import pytest
import torch
from torch import nn

from mmgraph import ops
from mmgraph.explain import record_attention
from mmgraph.graph import GraphBatch
from mmgraph.models import GraphFusion


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
