"""What counts as a task."""

from mmgraph.tasks import Classification, Task


def test_a_classification_is_a_task() -> None:
    assert isinstance(Classification("label", 3), Task)


def test_an_object_without_loss_and_metrics_is_no_task() -> None:
    assert not isinstance(object(), Task)
