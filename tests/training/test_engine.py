"""One epoch of training."""

import logging
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mmgraph.graph import GraphBatch
from mmgraph.tasks import Classification
from mmgraph.training import FitSettings
from mmgraph.training.engine import Engine

TASK, CPU = Classification("label", 2), torch.device("cpu")
Data = Callable[..., GraphBatch]
Model = Callable[..., nn.Module]
Settings = Callable[..., FitSettings]


def nothing() -> None:
    pass


def norm(gradients: list[Tensor]) -> float:
    return torch.cat([gradient.reshape(-1) for gradient in gradients]).norm().item()


def seen_gradients(engine: Engine, graphs: GraphBatch, monkeypatch: pytest.MonkeyPatch) -> list[list[Tensor]]:
    """The gradients that the optimizer gets, step by step."""
    seen: list[list[Tensor]] = []
    step = engine._plain.step

    def record(*arguments: object) -> object:
        seen.append([p.grad.clone() for p in engine.model.parameters() if p.grad is not None])
        return step(*arguments)

    monkeypatch.setattr(engine._plain, "step", record)
    engine.train_epoch(TASK, graphs, 1, nothing)
    return seen


def test_clipping_limits_the_norm_and_keeps_the_direction(
    data: Data, model: Model, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs = data(4)
    free = seen_gradients(Engine(model(), settings(clip_norm=None), CPU), graphs, monkeypatch)
    limit = norm(free[0]) / 10
    clipped = seen_gradients(Engine(model(), settings(clip_norm=limit), CPU), graphs, monkeypatch)
    loose = seen_gradients(Engine(model(), settings(clip_norm=1e6), CPU), graphs, monkeypatch)
    assert norm(clipped[0]) == pytest.approx(limit, rel=1e-4)
    assert all(torch.allclose(small * 10, full, rtol=1e-4) for small, full in zip(clipped[0], free[0], strict=True))
    assert all(torch.equal(one, other) for one, other in zip(loose[0], free[0], strict=True))


def test_an_epoch_equals_a_loop_written_by_hand(data: Data, model: Model, settings: Settings) -> None:
    graphs, how = data(6), settings(schedule="constant", clip_norm=None, batch_size=6)
    engine = Engine(model(dropout=0.0), how, CPU)
    result = engine.train_epoch(TASK, graphs, 1, nothing)
    by_hand = model(dropout=0.0)
    optimizer = torch.optim.AdamW(by_hand.parameters(), how.learning_rate, weight_decay=how.weight_decay)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(how.seed))
    loss = TASK.loss(by_hand(graphs[order]), graphs[order])
    loss.backward()
    optimizer.step()
    assert result == {"train_loss": pytest.approx(loss.item()), "learning_rate": how.learning_rate}
    for one, other in zip(engine.model.parameters(), by_hand.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-7)


def test_the_training_loss_is_the_mean_over_graphs_not_batches(data: Data, model: Model, settings: Settings) -> None:
    graphs, net = data(5), model(dropout=0.0)
    before = TASK.metrics(net(graphs), graphs)["loss"]
    # With a learning rate of next to nothing the weights stay, so that the mean over batches of 4 and 1 can be known.
    engine = Engine(net, settings(learning_rate=1e-12, weight_decay=0.0), CPU)
    assert engine.train_epoch(TASK, graphs, 1, nothing)["train_loss"] == pytest.approx(before, rel=1e-5)


def test_masked_graphs_move_no_weight_and_no_loss(
    data: Data, model: Model, settings: Settings, masked: Callable[..., GraphBatch]
) -> None:
    graphs, results = data(4), []
    for wrong in (0, 1):
        half = masked(graphs, [1, 3])
        half.targets["label"].values[[1, 3]] = wrong
        engine = Engine(model(), settings(), CPU)
        results.append((engine.train_epoch(TASK, half, 1, nothing), engine.model.linear.weight))
    assert results[0][0] == results[1][0]
    assert torch.equal(results[0][1], results[1][1])


def test_a_batch_without_a_known_target_leaves_the_weights(
    data: Data, model: Model, settings: Settings, masked: Callable[..., GraphBatch]
) -> None:
    graphs = masked(data(4), [0, 1, 2])  # three of four batches of one graph know nothing
    engine, steps = Engine(model(), settings(batch_size=1), CPU), []
    engine.train_epoch(TASK, graphs, 1, lambda: steps.append(1))
    assert len(steps) == 4
    assert {int(state["step"]) for state in engine._plain.state.values()} == {1}


def test_dropout_is_decided_by_seed_and_epoch_alone(data: Data, model: Model, settings: Settings) -> None:
    def loss(seed: int, epoch: int, disturb: int) -> float:
        engine = Engine(model(), settings(seed=seed, batch_size=4, learning_rate=1e-12, schedule="constant"), CPU)
        torch.manual_seed(disturb)
        return engine.train_epoch(TASK, data(4), epoch, nothing)["train_loss"]

    assert loss(0, 1, 5) == loss(0, 1, 6)
    assert len({loss(0, 1, 5), loss(0, 2, 5), loss(1, 1, 5)}) == 3


def test_the_global_random_state_stays(data: Data, model: Model, settings: Settings) -> None:
    engine = Engine(model(), settings(), CPU)
    before = torch.get_rng_state()
    engine.train_epoch(TASK, data(4), 1, nothing)
    assert torch.equal(before, torch.get_rng_state())


def test_bfloat16_computes_in_bfloat16_and_keeps_weights_and_loss_in_float32(
    data: Data, model: Model, settings: Settings
) -> None:
    net, seen = model(), []
    net.linear.register_forward_hook(lambda _, __, output: seen.append(output.dtype))
    engine = Engine(net, settings(precision="bf16-mixed"), CPU)
    engine.train_epoch(TASK, data(4), 1, nothing)
    assert seen == [torch.bfloat16]
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float32}


def test_float64_stays_float64(data: Data, model: Model, settings: Settings) -> None:
    engine = Engine(model().double(), settings(), CPU)
    engine.train_epoch(TASK, data(4).double(), 1, nothing)
    assert {parameter.dtype for parameter in engine.model.parameters()} == {torch.float64}


def test_frozen_weights_stay(data: Data, model: Model, settings: Settings) -> None:
    net = model()
    net.linear.weight.requires_grad_(False)
    before = net.linear.weight.clone()
    Engine(net, settings(), CPU).train_epoch(TASK, data(4), 1, nothing)
    assert torch.equal(net.linear.weight, before)


def test_a_loss_that_is_not_finite_names_epoch_and_step(data: Data, model: Model, settings: Settings) -> None:
    net, calls = model(), []

    def spoil(_: nn.Module, __: object, output: Tensor) -> Tensor:
        calls.append(1)
        return output * float("nan") if len(calls) == 2 else output

    net.linear.register_forward_hook(spoil)
    engine = Engine(net, settings(batch_size=2), CPU)
    with pytest.raises(ValueError, match=r"epoch 3, step 2 of 4: the loss is nan; try a lower learning_rate than 0.05"):
        engine.train_epoch(TASK, data(8), 3, nothing)
    assert all(torch.isfinite(parameter).all() for parameter in net.parameters())


def test_a_gradient_that_is_not_finite_names_epoch_and_step(data: Data, model: Model, settings: Settings) -> None:
    net = model()
    net.linear.weight.register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(ValueError, match=r"epoch 1, step 1 of 1: the norm of the gradients is (nan|inf)"):
        Engine(net, settings(), CPU).train_epoch(TASK, data(4), 1, nothing)
    assert all(torch.isfinite(parameter).all() for parameter in net.parameters())


def test_a_model_that_cannot_learn_is_refused(settings: Settings) -> None:
    with pytest.raises(ValueError, match="Identity has no parameter that requires a gradient"):
        Engine(nn.Identity(), settings(), CPU)


def test_float16_on_a_cpu_is_refused(model: Model, settings: Settings) -> None:
    with pytest.raises(ValueError, match="precision='16-mixed' needs CUDA; on a CPU take 'bf16-mixed'"):
        Engine(model(), settings(precision="16-mixed"), CPU)


def test_fabric_keeps_quiet(
    model: Model, settings: Settings, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    with caplog.at_level(logging.INFO):
        Engine(model(), settings(precision="bf16-mixed"), CPU)
    assert not caplog.records
    assert not [warning for warning in recwarn if "lightning" in warning.filename]
