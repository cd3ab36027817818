"""`Limit`; what every rule promises is asked in test_rules.py."""

import pytest
import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import Complete, Limit, Measured, Nearest, TimeOverlap
from tests.relations.tiny import pairs

NODES = NodeSet.of([torch.tensor([[0.0], [1.0], [3.0]])])
FAR = Measured(Complete(), ("distance", "offset"))


def test_destinations_or_sources_keep_their_first_edges() -> None:
    assert pairs(Limit(FAR, 1, by="distance")(NODES, NODES)) == [(1, 0), (0, 1), (1, 2)]
    assert pairs(Limit(FAR, 1, by="distance", largest=True)(NODES, NODES)) == [(2, 0), (2, 1), (0, 2)]
    assert pairs(Limit(FAR, 1, by="distance", end="src")(NODES, NODES)) == [(1, 0), (0, 1), (2, 1)]
    assert pairs(Limit(FAR, 9, by="distance")(NODES, NODES)) == pairs(Complete()(NODES, NODES))


def test_differences_count_without_their_sign_unless_the_largest_are_kept() -> None:
    assert pairs(Limit(FAR, 1, by="offset")(NODES, NODES)) == [(1, 0), (0, 1), (1, 2)]
    assert pairs(Limit(FAR, 1, by="offset", largest=True)(NODES, NODES)) == [(2, 0), (2, 1), (1, 2)]


def test_features_stay_with_their_edges() -> None:
    features = Limit(FAR, 1, by="distance")(NODES, NODES).features
    assert features is not None and features.tolist() == [[1, 1], [1, -1], [2, -1]]


@pytest.mark.unchecked
def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="k=0: keep at least 1"):
        Limit(FAR, 0, by="distance")
    with pytest.raises(ValueError, match="end='both' is neither 'dst' nor 'src'"):
        Limit(FAR, 1, by="distance", end="both")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"by='distance' is no edge feature of Nearest\(.*gives none; Measured"):
        Limit(Nearest(3), 1, by="distance")
    with pytest.raises(ValueError, match=r"gives overlap; Measured"):
        Limit(TimeOverlap(features=("overlap",)), 1, by="time_difference")
