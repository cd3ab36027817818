"""One run: who sees which graphs, and what is measured."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mmgraph.bench import Suite, resample
from mmgraph.bench.run import (
    OpenSuite,
    architecture_digest,
    build_model,
    measure,
    name_of,
    resampled_metric,
    run_settings,
    targets_only,
    train_model,
)
from mmgraph.graph import GraphBatch, GraphSchema, Target
from mmgraph.models import ConcatMLP
from mmgraph.tasks import Classification
from mmgraph.training import FitSettings, NodeDropout, evaluate, fit


def graphs_in(*values: Any) -> set[str]:
    """Ids of all graphs that can be reached from the values."""
    found: set[str] = set()
    for value in values:
        if isinstance(value, GraphBatch):
            found |= set(value.ids.tolist())
        elif hasattr(value, "__dict__"):
            found |= graphs_in(*vars(value).values())
    return found


def masked(batch: GraphBatch, known: list[bool]) -> GraphBatch:
    target = Target(batch.targets["label"].values, torch.tensor(known))
    return GraphBatch(batch.schema, batch.ids, batch.nodes, batch.edges, {"label": target})


def test_neither_building_nor_training_is_given_a_test_graph(suite: Suite) -> None:
    splits, seen = suite.data(), []

    def build(*given: Any) -> nn.Module:
        seen.append(graphs_in(*given))
        return suite.models["wide"].build(*given)

    def train(*given: Any) -> Any:
        seen.append(graphs_in(*given))
        return fit(*given)

    model = build_model(type(suite.models["wide"])(build), splits.train, splits.task, 0)
    train_model(model, splits.task, splits.train, splits.val, FitSettings(epochs=1), train)
    train_ids, val_ids = set(splits.train.ids.tolist()), set(splits.val.ids.tolist())
    assert seen == [train_ids, train_ids | val_ids]


def test_the_seed_of_a_run_decides_first_weights_and_settings(suite: Suite) -> None:
    splits, candidate = suite.data(), suite.models["wide"]
    first = [
        torch.cat([p.flatten() for p in build_model(candidate, splits.train, splits.task, seed).parameters()])
        for seed in (3, 3, 4)
    ]
    assert torch.equal(first[0], first[1]) and not torch.equal(first[0], first[2])
    assert run_settings(candidate, 3) == FitSettings(epochs=2, batch_size=10, learning_rate=0.01, device="cpu", seed=3)


def test_building_leaves_the_random_state_alone(suite: Suite) -> None:
    splits, before = suite.data(), torch.get_rng_state()
    build_model(suite.models["wide"], splits.train, splits.task, 7)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_measured_is_what_evaluate_says(suite: Suite) -> None:
    splits, candidate = suite.data(), suite.models["wide"]
    model = build_model(candidate, splits.train, splits.task, 0)
    history = fit(model, splits.task, splits.train, splits.val, candidate.settings)
    measured = measure(model, history, splits, 6)
    assert measured.val == evaluate(model, splits.task, splits.val)
    assert measured.test == evaluate(model, splits.task, splits.test)
    assert measured.val["accuracy"] == pytest.approx(history.best["val_accuracy"])
    labels = splits.test.targets["label"].values
    assert np.mean(np.array(measured.predictions) == labels.numpy()) == pytest.approx(measured.test["accuracy"])
    assert measured.parameters == sum(p.numel() for p in model.parameters())
    assert len(measured.resampled) == 6
    assert (measured.epochs, measured.best_epoch) == (2, history.best_epoch)


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "loss"])
def test_the_resampled_metric_equals_the_metric_of_selected_graphs(suite: Suite, metric: str) -> None:
    graphs, task = suite.data().test, Classification("label", 2, monitor=metric)
    outputs = torch.randn(len(graphs), 2)

    def slow(rows: np.ndarray) -> float:
        chosen = torch.from_numpy(rows)
        return task.metrics(outputs[chosen], graphs[chosen])[metric]

    assert resampled_metric(task, outputs, graphs, 9) == pytest.approx(resample(slow, 12, times=9).tolist(), rel=1e-5)


def test_graphs_without_a_known_target_are_not_drawn(suite: Suite) -> None:
    graphs = masked(suite.data().test, [True] * 4 + [False] * 8)
    labels = graphs.targets["label"].values
    right: Tensor = torch.nn.functional.one_hot(labels, 2).float()
    right[4:] = 1 - right[4:]  # wrong wherever it does not count
    assert set(resampled_metric(Classification("label", 2), right, graphs, 9)) == {1.0}


def test_targets_alone_keep_targets_ids_and_counts_of_nodes(suite: Suite) -> None:
    graphs = suite.data().test
    bare = targets_only(graphs)
    assert bare.ids == graphs.ids and bare.num_edges == 0 and bare.num_nodes == graphs.num_nodes
    assert torch.equal(bare.targets["label"].values, graphs.targets["label"].values)
    assert torch.equal(bare[3:5].targets["label"].values, graphs[3:5].targets["label"].values)


def test_the_key_of_a_run_names_what_decides_it(suite: Suite) -> None:
    opened = OpenSuite(suite, suite.data())
    key = opened.key("wide", 1)
    assert (key["suite"], key["model"], key["seed"], key["settings"]["seed"]) == ("tiny", "wide", 1, 1)
    assert {split: facts["graphs"] for split, facts in key["data"].items()} == {"train": 20, "val": 10, "test": 12}
    assert key["train"] == "mmgraph.training.fit:fit"
    assert key["data"] == OpenSuite(suite, suite.data()).data


def test_the_key_names_the_class_of_a_training_object() -> None:
    class Training:
        def __call__(self) -> None: ...

    assert name_of(Training()).endswith("Training") and name_of(fit) == "mmgraph.training.fit:fit"
    some, more = (partial(fit, augment=NodeDropout(rate)) for rate in (0.1, 0.2))
    assert name_of(some) == "mmgraph.training.fit:fit(augment=NodeDropout(rate=0.1, modality=None))" != name_of(more)


def test_the_architecture_digest_sees_sizes_and_plain_attributes_and_no_weights() -> None:
    def digest(channels: int = 3, p: float = 0.1, scope: str = "node") -> str:
        model = nn.Sequential(nn.Linear(2, channels), nn.Dropout(p))
        model[0].scope = scope
        return architecture_digest(model)

    assert digest() == digest()
    assert len({digest(), digest(channels=4), digest(p=0.2), digest(scope="relation")}) == 4


def test_the_architecture_digest_sees_the_lengths_of_a_concatenation() -> None:
    schema = GraphSchema({"image": 2, "text": 2})
    models = [ConcatMLP(schema, 2, {"image": number, "text": 5 - number}) for number in (2, 3)]
    assert len({architecture_digest(model) for model in models}) == 2  # with weights of the same shapes
