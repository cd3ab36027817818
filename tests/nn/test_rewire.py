"""Edges and nodes taken from and added to a `FlatGraph`, against graphs built anew."""

from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.graph import FlatGraph, GraphBatch
from mmgraph.nn.rewire import Edit, graph_of_edges, without_edges
from mmgraph.ops.reference import destinations
from tests.strategies import batches


def rows(graph: FlatGraph) -> list[tuple[Any, ...]]:
    """Destination, relation and source of every edge, with its features."""
    features: dict[int, tuple[float, ...]] = {}
    for edges, values in zip(graph.feature_edges, graph.features, strict=True):
        if edges is not None and values is not None:
            features |= dict(zip(edges.tolist(), map(tuple, values.tolist()), strict=True))
    ends = zip(destinations(graph.rowptr).tolist(), graph.relation.tolist(), graph.src.tolist(), strict=True)
    return [(*end, *features.get(e, ())) for e, end in enumerate(ends)]


@settings(max_examples=25)
@given(batches(max_graphs=3), st.integers(0, 2**16))
def test_kept_edges_keep_their_place_and_features(batch: GraphBatch, seed: int) -> None:
    graph = batch.flat
    kept = torch.rand(batch.num_edges, generator=torch.Generator().manual_seed(seed)) < 0.5
    smaller = Edit(graph).keep_edges(kept)
    assert rows(smaller) == [row for row, keep in zip(rows(graph), kept.tolist(), strict=True) if keep]
    assert torch.equal(graph_of_edges(smaller), graph_of_edges(graph)[kept])


@settings(max_examples=25)
@given(batches(max_graphs=3), st.integers(0, 2**16))
def test_kept_nodes_keep_the_edges_between_them(batch: GraphBatch, seed: int) -> None:
    graph = batch.flat
    kept = torch.rand(batch.num_nodes, generator=torch.Generator().manual_seed(seed)) < 0.7
    smaller, edges = Edit(graph).keep_nodes(kept)
    number = (kept.cumsum(0) - 1).tolist()
    expected = [
        (number[d], r, number[s], *features) for d, r, s, *features in rows(graph) if bool(kept[d]) and bool(kept[s])
    ]
    assert rows(smaller) == expected and int(edges.sum()) == len(expected)
    assert sum(smaller.num_nodes) == int(kept.sum()) == len(smaller.rowptr) - 1
    segment = [int(kept[: int(end)].sum()) for end in graph.segment]
    assert smaller.segment.tolist() == segment


@settings(max_examples=25)
@given(batches(max_graphs=3), st.integers(0, 2**16), st.integers(1, 2))
def test_added_edges_come_behind_their_like_wherever_they_belong(batch: GraphBatch, seed: int, more: int) -> None:
    """Any of the edges taken out and added again, in any order, with a new relation besides."""
    graph, draw = batch.flat, torch.Generator().manual_seed(seed)
    relations = len(graph.features) + more
    count = 5
    src, dst = torch.randint(batch.num_nodes, (2, count), generator=draw).unbind()
    relation = torch.randint(relations, (count,), generator=draw)
    of_new = (relation == relations - 1).nonzero().flatten()
    features = torch.rand(len(of_new), 1, generator=draw)
    given = [*[None] * (relations - 1), (of_new, features)]
    both, place = Edit(graph).add_edges(src, dst, relation, relations, given)
    new: list[tuple[Any, ...]] = list(zip(dst.tolist(), relation.tolist(), src.tolist(), strict=True))
    for row, values in zip(of_new.tolist(), features.tolist(), strict=True):
        new[row] = (*new[row], *values)
    everything = [*rows(graph), *new]
    assert rows(both) == sorted(everything, key=lambda row: row[:2])  # a stable sort
    assert sorted(place.tolist()) == list(range(len(everything)))
    assert [rows(both)[p] for p in place.tolist()] == everything
    assert both.rowptr.diff().tolist() == [sum(row[0] == i for row in everything) for i in range(batch.num_nodes)]


def test_nodes_without_edges_are_counted_by_modality() -> None:
    graph = without_edges(torch.tensor([[2, 0], [1, 3]]), 2)
    assert graph.num_nodes == (2, 4) and graph.num_graphs == 2 and graph.segment.tolist() == [0, 2, 2, 3, 6]
    assert graph.rowptr.tolist() == [0] * 7 and graph.features == (None, None)
