"""Cross entropy and the metrics of one class per graph."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from torch import Tensor
from torch.nn.functional import cross_entropy

from mmgraph.graph import Field, GraphBatch, GraphSchema, NodeSet, Target
from mmgraph.tasks import Classification

LABEL = Field("int64", num_classes=3)


def graphs(labels: list[int], mask: list[bool] | None = None, field: Field = LABEL) -> GraphBatch:
    """One graph of one node for each label."""
    values = torch.tensor(labels, dtype=torch.int32 if field.dtype == "int32" else torch.int64)
    known = torch.ones(len(labels), dtype=torch.bool) if mask is None else torch.tensor(mask)
    nodes = {"text": NodeSet(torch.ones(len(labels), 1), torch.arange(len(labels) + 1))}
    return GraphBatch.build(
        GraphSchema({"text": 1}, targets={"label": field}), nodes, {}, {"label": Target(values, known)}
    )


def random_outputs(rows: int) -> Tensor:
    return torch.randn(rows, 3, generator=torch.Generator().manual_seed(rows)).requires_grad_()


def test_the_loss_is_zero_for_a_certain_right_answer_and_log_of_classes_for_no_idea() -> None:
    task, batch = Classification("label", 3), graphs([0, 2])
    certain = torch.tensor([[100.0, 0, 0], [0, 0, 100]])
    assert float(task.loss(certain, batch)) == pytest.approx(0)
    assert float(task.loss(torch.zeros(2, 3), batch)) == pytest.approx(1.0986123)  # log 3


@pytest.mark.parametrize("weights", [None, (1.0, 2.0, 0.5)])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_is_torchs_mean_over_the_known_graphs(weights: tuple[float, ...] | None, smoothing: float) -> None:
    labels, mask = [0, 1, 2, 1, 0], [True, False, True, True, False]
    task = Classification("label", 3, class_weights=weights, label_smoothing=smoothing)
    outputs, known = random_outputs(5), torch.tensor(mask)
    expected = cross_entropy(
        outputs[known],
        torch.tensor(labels)[known],
        None if weights is None else torch.tensor(weights),
        label_smoothing=smoothing,
    )
    assert torch.allclose(task.loss(outputs, graphs(labels, mask)), expected)


@pytest.mark.parametrize("weights", [None, (1.0, 2.0, 0.5)])
def test_a_batch_in_which_all_is_masked_has_zero_loss_and_zero_gradients(weights: tuple[float, ...] | None) -> None:
    outputs = random_outputs(2)
    loss = Classification("label", 3, class_weights=weights).loss(outputs, graphs([0, 1], [False, False]))
    loss.backward()
    assert loss.item() == 0
    assert outputs.grad is not None
    assert not outputs.grad.any()


def test_a_batch_whose_classes_all_weigh_nothing_has_zero_loss() -> None:
    task = Classification("label", 3, class_weights=(0.0, 1.0, 1.0))
    assert task.loss(random_outputs(2), graphs([0, 0])).item() == 0


def test_masked_graphs_count_nowhere() -> None:
    task, known = Classification("label", 3, label_smoothing=0.1), [True, False, True, False]
    full, part = random_outputs(4), random_outputs(4).detach()[::2].clone().requires_grad_()
    # -7 is no class: what stands under a mask is never read.
    hidden, seen = graphs([1, -7, 0, 2], known), graphs([1, 0])
    assert torch.equal(task.loss(full, hidden), task.loss(part, seen))
    task.loss(full, hidden).backward()
    task.loss(part, seen).backward()
    assert full.grad is not None
    assert part.grad is not None
    assert torch.equal(full.grad[::2], part.grad)
    assert not full.grad[1::2].any()
    assert task.metrics(full, hidden) == task.metrics(part, seen)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12))
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true", "ignore:A single label was found")
def test_metrics_equal_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = [list(values) for values in zip(*pairs, strict=True)]
    outputs = torch.nn.functional.one_hot(torch.tensor(predicted), 3).float()
    metrics = Classification("label", 3).metrics(outputs, graphs(truth))
    assert metrics["accuracy"] == pytest.approx(accuracy_score(truth, predicted))
    assert metrics["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, predicted))
    assert metrics["macro_f1"] == pytest.approx(f1_score(truth, predicted, average="macro"))


def test_the_loss_among_the_metrics_is_the_training_loss_of_the_whole_set() -> None:
    task, batch, outputs = Classification("label", 3), graphs([0, 1, 2]), random_outputs(3)
    assert task.metrics(outputs, batch)["loss"] == task.loss(outputs, batch).item()


def test_the_prediction_is_the_largest_output() -> None:
    assert Classification("label", 3).predict(torch.tensor([[0.0, 2, 1], [3, 2, 1]])).tolist() == [1, 0]


def test_int32_labels_do_as_well() -> None:
    batch = graphs([0, 1], field=Field("int32", num_classes=3))
    assert Classification("label", 3).metrics(torch.eye(3)[:2], batch)["accuracy"] == 1


def test_only_the_loss_is_better_when_lower() -> None:
    assert Classification("label", 2).higher_is_better
    assert not Classification("label", 2, monitor="loss").higher_is_better


def test_two_equal_tasks_are_equal() -> None:
    assert Classification("label", 2, class_weights=(1, 2)) == Classification("label", 2, class_weights=(1.0, 2.0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 1}, "num_classes=1: .* at least 2"),
        ({"num_classes": 2, "label_smoothing": 1.0}, "label_smoothing=1.0"),
        ({"num_classes": 2, "class_weights": (1.0,)}, "1 class weights for num_classes=2"),
        ({"num_classes": 2, "class_weights": (1.0, -1.0)}, "not negative"),
        ({"num_classes": 2, "class_weights": (1.0, float("nan"))}, "must be finite"),
        ({"num_classes": 2, "class_weights": (0.0, 0.0)}, "not all 0"),
        ({"num_classes": 2, "monitor": "auc"}, "monitor='auc' is not one of loss, accuracy"),
    ],
)
def test_impossible_settings_are_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Classification("label", **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("task", "field", "message"),
    [
        (Classification("answer", 3), LABEL, "no target 'answer'; it has label"),
        (Classification("label", 4), LABEL, "num_classes=3 in the schema, the task 4"),
        (Classification("label", 3), Field("int64", num_classes=3, of="text"), "is of the nodes of 'text'"),
        (Classification("label", 3), Field("int64"), "sample '1', target 'label': class 4 is not in 0..2"),
    ],
)
def test_a_target_that_does_not_fit_is_named(task: Classification, field: Field, message: str) -> None:
    labels = [0, 1] if field.num_classes else [0, 4]
    with pytest.raises(ValueError, match=message):
        task.check(graphs(labels, field=field))


def test_a_target_that_is_no_class_number_is_named() -> None:
    graph = GraphBatch.single({"text": torch.ones(1, 1)}, {}, targets={"label": torch.tensor([0.5, 1])})
    with pytest.raises(ValueError, match=r"float32 of shape \(2,\)"):
        Classification("label", 2).check(graph)


def test_a_set_without_any_known_target_is_refused() -> None:
    batch = graphs([0, 1], [False, False])
    with pytest.raises(ValueError, match="masked in all 2 graphs: nothing can be learned"):
        Classification("label", 3).check(batch)
    with pytest.raises(ValueError, match="masked in all 2 graphs: no metric"):
        Classification("label", 3).metrics(torch.zeros(2, 3), batch)


def test_labels_under_the_mask_are_not_checked() -> None:
    Classification("label", 3).check(graphs([0, 9], [True, False], Field("int64")))


def test_a_model_with_another_number_of_outputs_is_named() -> None:
    for call in (Classification("label", 3).loss, Classification("label", 3).metrics):
        with pytest.raises(ValueError, match=r"gives \(2, 5\).*build the model with out_channels=3"):
            call(torch.zeros(2, 5), graphs([0, 1]))
