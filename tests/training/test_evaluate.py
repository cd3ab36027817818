"""Evaluation over whole data sets, without a trace in the model."""

import inspect
from collections.abc import Callable

import pytest
import torch
from torch import nn

from mmgraph.graph import GraphBatch
from mmgraph.tasks import Classification
from mmgraph.training import evaluate, predict
from mmgraph.training.evaluate import keep_modes

TASK = Classification("label", 2)
Data = Callable[..., GraphBatch]
Model = Callable[..., nn.Module]


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_batch_size_changes_nothing(data: Data, model: Model, batch_size: int) -> None:
    graphs, net = data(7), model()
    whole = net.eval()(graphs)
    assert torch.allclose(predict(net, graphs, batch_size=batch_size), whole, atol=1e-6)
    assert evaluate(net, TASK, graphs, batch_size=batch_size) == pytest.approx(TASK.metrics(whole, graphs))


def test_metrics_are_over_all_graphs_and_not_the_mean_over_batches(data: Data, model: Model) -> None:
    graphs, net = data(5), model()
    # F1 of each batch of one graph is 0 or 1; only over the whole set it is what scikit-learn says.
    assert evaluate(net, TASK, graphs, batch_size=1) == pytest.approx(evaluate(net, TASK, graphs, batch_size=5))


def test_masked_graphs_change_no_metric(data: Data, model: Model, masked: Callable[..., GraphBatch]) -> None:
    graphs, net = data(6), model()
    assert evaluate(net, TASK, masked(graphs, [1, 4])) == pytest.approx(evaluate(net, TASK, graphs[[0, 2, 3, 5]]))


def test_prediction_needs_no_gradient_and_no_dropout(data: Data, model: Model) -> None:
    graphs, net = data(4), model(dropout=0.9)
    outputs = predict(net, graphs)
    assert not outputs.requires_grad
    assert torch.equal(outputs, predict(net, graphs))


def test_every_module_is_in_its_earlier_mode_afterwards(data: Data, model: Model) -> None:
    net = model()
    net.train()
    net.dropout.eval()  # frozen on purpose
    predict(net, data(2))
    assert net.training
    assert not net.dropout.training


def test_modes_come_back_after_an_error_too(model: Model) -> None:
    net = model()
    with pytest.raises(KeyError), keep_modes(net):
        net.eval()
        raise KeyError
    assert net.training


def test_the_global_random_state_is_not_touched(data: Data, model: Model) -> None:
    net, graphs = model(), data(3)
    before = torch.get_rng_state()
    evaluate(net, TASK, graphs)
    assert torch.equal(before, torch.get_rng_state())


def test_a_device_can_be_named(data: Data, model: Model) -> None:
    assert predict(model(), data(2), device="cpu").device.type == "cpu"
    with pytest.raises(ValueError, match="device='tpu' is not one of auto"):
        predict(model(), data(2), device="tpu")


def test_a_model_without_parameters_is_evaluated_where_the_graphs_are(data: Data) -> None:
    class Same(nn.Module):
        schema = data(1).schema

        def forward(self, batch: GraphBatch) -> torch.Tensor:
            return torch.zeros(batch.num_graphs, 2, device=batch.device)

    assert evaluate(Same(), TASK, data(4))["accuracy"] == 0.5


def test_an_empty_data_set_is_refused(data: Data, model: Model) -> None:
    with pytest.raises(ValueError, match="empty data set"):
        predict(model(), data(2)[:0])


def test_another_schema_is_refused(model: Model) -> None:
    other = GraphBatch.single({"text": torch.ones(1, 3)}, {})
    with pytest.raises(ValueError, match="schema mismatch"):
        predict(model(), other)


def test_a_model_without_schema_is_refused(data: Data) -> None:
    with pytest.raises(ValueError, match="Linear has no `schema`"):
        predict(nn.Linear(2, 2), data(2))


def test_a_target_that_is_not_there_is_named(data: Data, model: Model) -> None:
    with pytest.raises(ValueError, match="no target 'answer'; it has label"):
        evaluate(model(), Classification("answer", 2), data(2))


def test_evaluation_has_no_training_data() -> None:
    assert not {"train", "val"} & set(inspect.signature(evaluate).parameters)
