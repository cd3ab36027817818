"""`SpatialClass`; what every rule promises is asked in test_rules.py."""

import math

import pytest
import torch

from mmgraph.relations import SPATIAL_CLASSES, SpatialClass, spatial_relations
from mmgraph.relations.spatial_class import FAR, spatial_class
from tests.relations.tiny import graph, pairs

OPPOSITE = dict(zip(SPATIAL_CLASSES, (1, 0, 2, 7, 8, 9, 10, 3, 4, 5, 6), strict=True))


def around(degrees: float, distance: float = 0.2) -> list[float]:
    """A small box in this direction, counter-clockwise from the right, seen from the middle of the picture."""
    x, y = 0.5 + distance * math.cos(math.radians(degrees)), 0.5 - distance * math.sin(math.radians(degrees))
    return [x - 0.01, y - 0.01, x + 0.01, y + 0.01]


MIDDLE = [0.49, 0.49, 0.51, 0.51]


def name_of(source: list[float], destination: list[float], **options: float) -> str | None:
    number = int(spatial_class(torch.tensor([source]).double(), torch.tensor([destination]).double(), **options))
    return None if number == FAR else SPATIAL_CLASSES[number]


@pytest.mark.parametrize(("number", "name"), list(enumerate(SPATIAL_CLASSES[3:])))
def test_sectors_are_45_degrees_each_and_begin_at_the_right(number: int, name: str) -> None:
    for degrees in (45 * number + 1, 45 * number + 22.5, 45 * number + 44):
        assert name_of(around(degrees), MIDDLE) == name


def test_the_middle_of_a_sector_is_the_direction_of_its_name() -> None:
    bearing = {
        "ENE": 67.5,
        "NNE": 22.5,
        "NNW": 337.5,
        "WNW": 292.5,
        "WSW": 247.5,
        "SSW": 202.5,
        "SSE": 157.5,
        "ESE": 112.5,
    }
    for name, clockwise_from_north in bearing.items():
        assert name_of(around(90 - clockwise_from_north), MIDDLE) == name


def test_boxes_in_contact() -> None:
    large, small = [0.0, 0.0, 1.0, 1.0], [0.0, 0.2, 0.3, 0.4]
    assert (name_of(small, large), name_of(large, small)) == ("inside", "covers")
    assert name_of(large, large) == "overlaps"
    assert name_of([0.0, 0.25, 1.0, 0.75], [0.25, 0.0, 0.75, 1.0]) == "overlaps"  # a cross: the same centre
    half = [0.0, 0.0, 1.0, 0.5], [0.0, 0.125, 1.0, 0.625]  # 0.375 of 0.625
    assert name_of(*half) == "overlaps"
    assert name_of(*half, min_iou=0.61) == "NNW"  # straight up, where NNW begins


def test_beyond_reach_there_is_no_class() -> None:
    assert name_of(around(40, 0.6), MIDDLE) == "ENE"
    assert name_of(around(40, 0.6), MIDDLE, reach=0.4) is None
    assert name_of(around(40, 0.4), [0.0, 0.0, 1.0, 1.0], reach=0.0) == "inside"


def test_every_pair_is_in_one_class_and_turned_round_in_the_opposite_one() -> None:
    corners = torch.randint(0, 5, (40, 2, 2)).sort(1).values.reshape(40, 4) / 4
    regions = graph(40, box=corners.tolist())
    found = {
        name: pairs(rule(regions, regions)) for (_, name, _), rule in spatial_relations("image", reach=1.0).items()
    }
    assert sorted(pair for edges in found.values() for pair in edges) == [
        (j, i) for j in range(40) for i in range(40) if i != j
    ]
    for name, edges in found.items():
        opposite = SPATIAL_CLASSES[OPPOSITE[name]]
        assert sorted((i, j) for j, i in edges) == sorted(found[opposite]), name


def test_across_modalities_boxes_of_both_are_compared() -> None:
    boxes, words = graph(1, box=[[0.1, 0.1, 0.2, 0.2]]), graph(2, box=[[0.0, 0.0, 1.0, 1.0], [0.1, 0.1, 0.2, 0.2]])
    found = {name: pairs(rule(boxes, words)) for (_, name, _), rule in spatial_relations("image", "text").items()}
    assert {name: edges for name, edges in found.items() if edges} == {"inside": [(0, 0)], "overlaps": [(0, 1)]}


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="name='left' is not one of inside, covers, overlaps, ENE"):
        SpatialClass("left")
    with pytest.raises(ValueError, match=r"min_iou=0\.0, reach=0\.5: give"):
        SpatialClass("overlaps", min_iou=0.0)
    with pytest.raises(ValueError, match=r"SpatialClass\(name='ENE'.*needs the attribute 'box'"):
        SpatialClass("ENE")(graph(1), graph(1))
