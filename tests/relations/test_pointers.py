"""`Pointers`; what every rule promises is asked in test_rules.py, within one modality."""

import pytest
import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import Pointers
from tests.relations.tiny import graph, pairs


def test_words_name_regions_in_either_direction() -> None:
    words, regions = graph(3, region=[2, -1, 0]), graph(4)
    assert pairs(Pointers("region", held_by="src")(words, regions)) == [(2, 0), (0, 2)]
    assert pairs(Pointers("region")(regions, words)) == [(2, 0), (0, 2)]


def test_a_node_may_name_several_and_the_same_one_twice() -> None:
    words, regions = graph(2, region=[[3, 1, 3], [-1, -1, 0]]), graph(4)
    assert pairs(Pointers("region")(regions, words)) == [(1, 0), (3, 0), (0, 1)]


def test_places_are_counted_within_each_graph() -> None:
    words = NodeSet.of([torch.zeros(1, 1)] * 2, region=[torch.tensor([1]), torch.tensor([0])])
    regions = NodeSet.of([torch.zeros(2, 1), torch.zeros(1, 1)])
    edges = Pointers("region", held_by="src")(words, regions)
    assert edges.ptr.tolist() == [0, 1, 2] and pairs(edges) == [(0, 1), (0, 0)]


@pytest.mark.parametrize("place", [2, -2])
def test_a_place_that_is_not_there_is_an_error_that_names_node_and_value(place: int) -> None:
    words = NodeSet.of([torch.zeros(1, 1), torch.zeros(2, 1)], region=[torch.tensor([0]), torch.tensor([0, place])])
    regions = NodeSet.of([torch.zeros(9, 1), torch.zeros(2, 1)])
    with pytest.raises(ValueError, match=rf"Pointers.*in graph 1, 'region' of node 1 is {place}, .*in 0..1, or -1"):
        Pointers("region")(regions, words)


@pytest.mark.parametrize("value", [[0.0], [True]])
def test_places_are_whole_numbers(value: list[float]) -> None:
    with pytest.raises(ValueError, match=r"Pointers.*needs whole numbers in 'region', got torch\.(float32|bool)"):
        Pointers("region")(graph(1), graph(1, region=value))


@pytest.mark.unchecked
def test_an_unknown_end_is_refused() -> None:
    with pytest.raises(ValueError, match="held_by='both' is neither 'src' nor 'dst'"):
        Pointers("region", "both")  # type: ignore[arg-type]
