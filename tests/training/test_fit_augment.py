"""Augmentation and balanced epochs: of training graphs only, decided by the seed, the same after a break."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmgraph.graph import GraphBatch
from mmgraph.tasks import Classification
from mmgraph.training import (
    Augmentation,
    Chain,
    EdgeDropout,
    FitSettings,
    ModalityDropout,
    NodeDropout,
    balance,
    class_groups,
    fit,
    load_checkpoint,
    presence_groups,
)

TASK = Classification("label", 2)
CHANGE = Chain([NodeDropout(0.5), EdgeDropout(0.5), ModalityDropout({"image": 0.5})])
Data = Callable[..., GraphBatch]
Model = Callable[..., nn.Module]
Settings = Callable[..., FitSettings]


def nothing_known(graphs: GraphBatch, generator: torch.Generator) -> GraphBatch:
    graphs.targets["label"].mask.zero_()
    return graphs


def half(graphs: GraphBatch, generator: torch.Generator) -> GraphBatch:
    return graphs[: graphs.num_graphs // 2]


def watched(net: nn.Module) -> tuple[list[GraphBatch], list[GraphBatch]]:
    """What the model sees from now on while it trains, and while it is evaluated."""
    seen: tuple[list[GraphBatch], list[GraphBatch]] = ([], [])
    net.register_forward_hook(lambda module, given, _: seen[not module.training].append(given[0]))
    return seen


def losses(rows: Any) -> list[tuple[float, float]]:
    return [(row["train_loss"], row["val_loss"]) for row in rows]


def test_only_training_batches_are_changed(data: Data, model: Model, settings: Settings) -> None:
    train, val, net = data(12), data(6, seed=1), model()
    nodes, edges = train.num_nodes, train.edges.num_edges
    trained, evaluated = watched(net)
    fit(net, TASK, train, val, settings(epochs=2, batch_size=12), augment=CHANGE)
    assert all(batch.num_nodes < nodes and batch.edges.num_edges < edges for batch in trained)
    assert all(batch.equal(val) for batch in evaluated)
    assert len(trained) == len(evaluated) == 2
    assert (train.num_nodes, train.edges.num_edges) == (nodes, edges)


def test_every_epoch_changes_anew_and_the_seed_decides(data: Data, model: Model, settings: Settings) -> None:
    def seen(seed: int, disturb: int) -> list[Tensor]:
        net = model(dropout=0.0)
        torch.manual_seed(disturb)
        trained, _ = watched(net)
        fit(
            net, TASK, data(12), data(6, seed=1), settings(epochs=2, batch_size=12, seed=seed), augment=NodeDropout(0.5)
        )
        return [batch.nodes["text"].x.sum() for batch in trained]

    first = seen(0, 1)
    assert first == seen(0, 2)
    assert len({float(total) for total in (*first, *seen(1, 1))}) == 4


def test_without_a_change_the_run_is_the_same_run(data: Data, model: Model, settings: Settings) -> None:
    """Augmentation draws from a generator of its own: the order of the graphs and dropout stay as they were."""
    runs = [
        fit(model(), TASK, data(8), data(4), settings(), augment=change).rows for change in (None, NodeDropout(0.0))
    ]
    assert losses(runs[0]) == losses(runs[1])


def test_epochs_are_balanced_by_class_and_by_present_modalities(data: Data, model: Model, settings: Settings) -> None:
    """Of 12 graphs, 4 have no image; a third of the graphs that stay are of class 1."""
    some = data(12)[torch.tensor([0, 2, 4, 6, 8, 10, 1, 3, 5])]
    weights = balance([class_groups(some, "label"), presence_groups(some)])
    net = model()
    trained, evaluated = watched(net)
    fit(net, TASK, some, data(4), settings(epochs=4, batch_size=9), weights=weights)
    labels = Counter(int(label) for batch in trained for label in batch.targets["label"].values)
    images = Counter(bool(count) for batch in trained for count in batch.nodes["image"].counts)
    assert sum(labels.values()) == 36
    assert abs(labels[0] - labels[1]) <= 4  # each graph comes as often as its share says, give or take one an epoch
    assert abs(images[True] - images[False]) <= 4
    assert all(list(batch.ids) == list(data(4).ids) for batch in evaluated)


def test_classes_that_divide_an_epoch_come_equally_often(data: Data, model: Model, settings: Settings) -> None:
    some = data(12)[torch.tensor([0, 2, 4, 6, 1, 3])]  # four of class 0, two of class 1
    net = model()
    trained, _ = watched(net)
    fit(net, TASK, some, data(4), settings(batch_size=6), weights=balance([class_groups(some, "label")]))
    assert [batch.targets["label"].values.bincount().tolist() for batch in trained] == [[3, 3]] * 3


class Stopped(KeyboardInterrupt):
    """Ctrl-C."""


@pytest.mark.unchecked
@pytest.mark.parametrize("at", [2, 7, 12])
def test_a_resumed_run_is_bit_by_bit_the_run_without_a_break(
    tmp_path: Path, data: Data, model: Model, settings: Settings, at: int
) -> None:
    train, val, how = data(11), data(5, seed=1), settings(epochs=4)
    given: dict[str, Any] = {"augment": CHANGE, "weights": balance([class_groups(train, "label")])}
    straight, broken, calls = model(), model(), []

    def stop(*_: object) -> None:
        calls.append(1)
        if len(calls) == at:
            raise Stopped

    broken.register_forward_hook(stop)
    expected = fit(straight, TASK, train, val, how, out=tmp_path / "straight", **given)
    with pytest.raises(Stopped):
        fit(broken, TASK, train, val, how, out=tmp_path / "broken", **given)
    resumed = model(seed=9)
    torch.manual_seed(9)
    history = fit(resumed, TASK, train, val, how, out=tmp_path / "broken", resume=True, **given)
    assert losses(history.rows) == losses(expected.rows)
    ends = [load_checkpoint(tmp_path / name / "last") for name in ("straight", "broken")]
    assert all(torch.equal(value, ends[1]["model"][name]) for name, value in ends[0]["model"].items())
    assert torch.equal(ends[0]["run"]["engine"]["shuffle"], ends[1]["run"]["engine"]["shuffle"])


@pytest.mark.parametrize(
    ("augment", "weights", "message"),
    [
        (NodeDropout(0.2), torch.ones(6), r"augment was NodeDropout\(rate=0.1.*is now NodeDropout\(rate=0.2"),
        (None, torch.ones(6), r"augment was NodeDropout.*is now None"),
        (NodeDropout(0.1), torch.arange(6.0), r"data.weights was \w+, is now \w+"),
        (NodeDropout(0.1), None, r"data.weights was \w+, is now None"),
    ],
)
def test_a_run_with_another_augmentation_or_other_weights_is_not_resumed(
    tmp_path: Path,
    data: Data,
    model: Model,
    settings: Settings,
    augment: Augmentation | None,
    weights: Tensor | None,
    message: str,
) -> None:
    train, val = data(6), data(4, seed=1)
    fit(model(), TASK, train, val, settings(), augment=NodeDropout(0.1), weights=torch.ones(6), out=tmp_path)
    with pytest.raises(ValueError, match=message):
        fit(model(), TASK, train, val, settings(), augment=augment, weights=weights, out=tmp_path, resume=True)


def test_what_makes_no_sense_is_refused(tmp_path: Path, data: Data, model: Model, settings: Settings) -> None:
    train, val = data(6), data(4, seed=1)
    with pytest.raises(ValueError, match=r"weights \[5\] for 6 training graphs: give one each"):
        fit(model(), TASK, train, val, settings(), weights=torch.ones(5), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(ValueError, match=r"half.* made other graphs: as many are wanted"):
        fit(model(), TASK, train, val, settings(), augment=half)
    with pytest.raises(ValueError, match="epoch 1: no target was known; look at the weights and the augmentation"):
        fit(model(), TASK, train, val, settings(), augment=nothing_known)
