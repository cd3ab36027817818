"""What is measured between two ends; test_rules.py compares all of it with slow references."""

import pytest
import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import Complete, Measured
from mmgraph.relations.measures import MEASURES
from tests.relations.tiny import graph


def measured(name: str, src: NodeSet, dst: NodeSet) -> list[float]:
    features = Measured(Complete(), (name,))(src, dst).features
    assert features is not None
    return features.squeeze(1).tolist()


def features(*rows: list[float]) -> NodeSet:
    return NodeSet.of([torch.tensor(rows)])


def test_boxes_are_measured_in_sizes_of_the_destination() -> None:
    left, right = graph(1, box=[[0.0, 0.0, 0.2, 0.4]]), graph(1, box=[[0.5, 0.2, 0.9, 0.4]])
    assert measured("box_x", right, left) == pytest.approx([3.0])
    assert measured("box_y", right, left) == pytest.approx([0.25])
    assert measured("box_width", right, left) == pytest.approx([torch.tensor(2.0).log().item()])
    assert measured("box_height", right, left) == pytest.approx([torch.tensor(0.5).log().item()])
    assert measured("iou", right, left) == [0.0]
    assert measured("iou", left, left) == []
    assert measured("iou", graph(1, box=[[0.0, 0.0, 0.2, 0.2]]), left) == pytest.approx([0.5])


def test_a_box_without_extent_has_finite_measures() -> None:
    point, box = graph(1, box=[[0.5, 0.5, 0.5, 0.5]]), graph(1, box=[[0.0, 0.0, 1.0, 1.0]])
    for name in ("box_x", "box_y", "box_width", "box_height", "iou"):
        assert torch.tensor(measured(name, box, point) + measured(name, point, point)).isfinite().all()


def test_the_angle_is_exact_for_nearly_equal_vectors() -> None:
    assert measured("angular_similarity", features([1.0, 0.0]), features([1.0, 1e-5])) == pytest.approx(
        [1 - 1e-5 / torch.pi], abs=1e-7
    )
    assert measured("angular_similarity", features([1.0, 0.0]), features([-2.0, 0.0])) == [0.0]


def test_a_vector_of_zeros_is_at_right_angles_to_everything() -> None:
    zero, one = features([0.0, 0.0]), features([1.0, 1.0])
    assert measured("similarity", zero, one) == [0.0]
    assert measured("angular_similarity", zero, one) == [0.5]


@pytest.mark.parametrize("name", ["distance", "similarity", "angular_similarity"])
def test_both_ends_need_the_same_features(name: str) -> None:
    with pytest.raises(ValueError, match=r"Measured.*compares features of both ends, got 1 channels in src, 2 in dst"):
        measured(name, features([1.0]), features([1.0, 2.0]))


@pytest.mark.parametrize("name", MEASURES)
def test_no_edge_has_no_measure(name: str) -> None:
    empty = NodeSet.of(
        [torch.zeros(0, 2)],
        position=[torch.zeros(0).long()],
        span=[torch.zeros(0, 2)],
        box=[torch.zeros(0, 4)],
    )
    assert measured(name, empty, empty) == []
