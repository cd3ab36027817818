"""`NearestInTime`; what every rule promises is asked in test_rules.py."""

import math

import pytest
import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import Complete, NearestInTime
from tests.relations.tiny import graph, pairs


def moments(*seconds: float) -> NodeSet:
    return graph(len(seconds), span=[[second, second] for second in seconds])


def test_each_destination_gets_the_sources_whose_centres_are_nearest() -> None:
    edges = NearestInTime(2, features=("time_difference",))(moments(0.0, 1.0, 5.0), moments(0.75, 9.0))
    assert pairs(edges) == [(0, 0), (1, 0), (1, 1), (2, 1)]
    assert edges.features is not None and edges.features.squeeze(1).tolist() == [-0.75, 0.25, -8.0, -4.0]


def test_of_equally_near_sources_the_first_are_taken_in_whatever_order_they_come() -> None:
    assert pairs(NearestInTime()(moments(2.0, 0.0), moments(1.0))) == [(0, 0)]
    assert pairs(NearestInTime(2)(moments(*[1.0] * 50), moments(0.0))) == [(0, 0), (1, 0)]
    assert pairs(NearestInTime(2)(moments(0.0, 2.0, 2.0, 1.0), moments(1.0))) == [(0, 0), (3, 0)]


def test_within_leaves_out_what_is_too_far() -> None:
    assert pairs(NearestInTime(3, within=1.0)(moments(0.0, 2.0, 3.0), moments(1.0))) == [(0, 0), (1, 0)]


def test_within_a_modality_a_node_is_not_its_own_neighbour() -> None:
    nodes = moments(0.0, 1.0, 5.0)
    assert pairs(NearestInTime()(nodes, nodes)) == [(1, 0), (0, 1), (1, 2)]
    assert pairs(NearestInTime(loops=True)(nodes, nodes)) == [(0, 0), (1, 1), (2, 2)]


@pytest.mark.parametrize("k", [1, 3, 40])
def test_neighbours_equal_a_stable_sort_of_all_distances(k: int) -> None:
    counts = [30, 7, 50]
    sources, words = ([torch.rand(count, 2).sort(1).values * 9 for count in counts] for _ in range(2))
    edges = NearestInTime(k)(
        *(NodeSet.of([torch.zeros(len(s), 1) for s in spans], span=spans) for spans in (sources, words))
    )
    for graph_index, (theirs, own) in enumerate(zip(sources, words, strict=True)):
        distance = (theirs.double().mean(1) - own.double().mean(1).unsqueeze(1)).abs()
        expected = distance.sort(dim=1, stable=True).indices[:, :k].sort(1).values
        rows = slice(int(edges.ptr[graph_index]), int(edges.ptr[graph_index + 1]))
        assert torch.equal(edges.src[rows].view(len(own), -1).long(), expected)


def test_a_long_sequence_needs_little_memory() -> None:
    span = torch.arange(300_000).float().unsqueeze(1).expand(-1, 2)
    nodes = NodeSet(torch.zeros(300_000, 0), torch.tensor([0, 300_000]), {"span": span})
    assert NearestInTime(2)(nodes, nodes).num_edges == 600_000  # all pairs would be 90 thousand million


@pytest.mark.parametrize("loops", [False, True])
def test_more_neighbours_than_there_are_are_all_of_them(loops: bool) -> None:
    spans = [torch.rand(count, 2).sort(1).values for count in (0, 1, 4)]
    nodes = NodeSet.of([torch.zeros(len(span), 1) for span in spans], span=spans)
    everyone = pairs(Complete(loops=loops)(nodes, nodes))
    assert [pairs(NearestInTime(k, loops=loops)(nodes, nodes)) for k in (4, 9, 2**62)] == [everyone] * 3
    close = NearestInTime(9, within=0.1, loops=loops)(nodes, nodes)
    assert pairs(close) == pairs(NearestInTime(2**62, within=0.1, loops=loops)(nodes, nodes))


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="k=0: give at least 1"):
        NearestInTime(0)
    with pytest.raises(ValueError, match="within=nan is a number of seconds"):
        NearestInTime(within=math.nan)
    with pytest.raises(ValueError, match=r"features=\('overlap',\): NearestInTime gives 'time_difference'"):
        NearestInTime(features=("overlap",))
    with pytest.raises(ValueError, match=r"NearestInTime\(k=1.*needs the attribute 'span'"):
        NearestInTime()(graph(1), moments(0.0))
