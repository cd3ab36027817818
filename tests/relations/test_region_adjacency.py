"""`RegionAdjacency`; what every rule promises is asked in test_rules.py."""

import numpy as np
import pytest

from mmgraph.features.adjacency import neighbours
from mmgraph.relations import RegionAdjacency
from tests.relations.tiny import graph, pairs

LABELS = np.array([[0, 0, 0, 1, 1], [0, 0, 2, 2, 1], [3, 2, 2, 2, 2], [3, 3, 3, 2, 2]])


def test_what_a_front_end_lists_once_becomes_an_edge_in_both_directions_with_its_border() -> None:
    found, length = neighbours(LABELS, 4)
    regions = graph(4, neighbours=found.tolist(), borders=length.tolist())
    edges = RegionAdjacency(features=("border",))(regions, regions)
    # Sides of pixels, counted in the picture above.
    borders = {(0, 1): 1, (0, 2): 3, (0, 3): 1, (1, 2): 3, (2, 3): 4}
    assert edges.features is not None
    assert dict(zip(pairs(edges), edges.features.squeeze(1).tolist(), strict=True)) == {
        ends: length for (a, b), length in borders.items() for ends in ((a, b), (b, a))
    }


def test_a_pair_that_is_listed_at_both_ends_counts_once() -> None:
    regions = graph(2, neighbours=[[1], [0]])
    assert pairs(RegionAdjacency()(regions, regions)) == [(1, 0), (0, 1)]


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"features=\('length',\): RegionAdjacency gives 'border'"):
        RegionAdjacency(features=("length",))
    with pytest.raises(ValueError, match=r"connects nodes of one modality; take Grid or SpatialClass"):
        RegionAdjacency()(graph(1, neighbours=[[-1]]), graph(1, neighbours=[[-1]]))
    regions = graph(1, neighbours=[[-1]])
    with pytest.raises(ValueError, match="needs the attribute 'borders'"):
        RegionAdjacency(features=("border",))(regions, regions)
