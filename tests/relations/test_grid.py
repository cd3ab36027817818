"""`Grid`; what every rule promises is asked in test_rules.py."""

import networkx as nx
import pytest
import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import Grid


def boxes(rows: int, columns: int) -> torch.Tensor:
    """Boxes of a full grid in reading order, computed as a front end would: in float32."""
    y, x = torch.arange(rows + 1) / rows, torch.arange(columns + 1) / columns
    return torch.tensor([[x[j], y[i], x[j + 1], y[i + 1]] for i in range(rows) for j in range(columns)]).view(-1, 4)


def regions(*box: torch.Tensor) -> NodeSet:
    return NodeSet.of([torch.zeros(len(part), 1) for part in box], box=list(box))


def neighbours(rule: Grid, nodes: NodeSet, graph: int = 0) -> set[tuple[int, int]]:
    edges = rule(nodes, nodes)
    rows = slice(int(edges.ptr[graph]), int(edges.ptr[graph + 1]))
    return set(zip(edges.src[rows].tolist(), edges.dst[rows].tolist(), strict=True))


def test_in_a_grid_of_two_by_two_corners_count_with_8_neighbours_only() -> None:
    nodes = regions(boxes(2, 2))
    assert neighbours(Grid(4), nodes) == {(0, 1), (1, 0), (0, 2), (2, 0), (1, 3), (3, 1), (2, 3), (3, 2)}
    assert neighbours(Grid(8), nodes) == neighbours(Grid(4), nodes) | {(0, 3), (3, 0), (1, 2), (2, 1)}


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 7), (5, 3), (22, 23), (1, 500)])
def test_4_neighbours_equal_the_grid_graph_of_networkx_at_any_size(rows: int, columns: int) -> None:
    expected = {
        (a * columns + b, c * columns + d) for (a, b), (c, d) in nx.DiGraph(nx.grid_2d_graph(rows, columns)).edges
    }
    nodes = regions(boxes(2, 2), boxes(rows, columns), torch.zeros(0, 4), boxes(3, 1))
    assert neighbours(Grid(4), nodes, graph=1) == expected


def test_regions_of_different_sizes_have_as_many_neighbours_as_touch_them() -> None:
    large_and_two_small = torch.tensor([[0, 0, 0.5, 1], [0.5, 0, 1, 0.5], [0.5, 0.5, 1, 1]])
    assert neighbours(Grid(4), regions(large_and_two_small)) == {(1, 0), (2, 0), (0, 1), (2, 1), (0, 2), (1, 2)}


def test_overlapping_boxes_touch_and_boxes_apart_do_not() -> None:
    nodes = regions(torch.tensor([[0, 0, 0.6, 0.6], [0.4, 0.4, 1, 1], [0.0, 0.7, 0.3, 1.0]]))
    assert neighbours(Grid(4), nodes) == {(0, 1), (1, 0)}


def test_the_tolerance_bridges_gaps() -> None:
    nodes = regions(torch.tensor([[0, 0, 0.49, 1], [0.5, 0, 1, 1]]))
    assert neighbours(Grid(4), nodes) == set()
    assert neighbours(Grid(4, tolerance=0.02), nodes) == {(0, 1), (1, 0)}


def test_loops_hold_even_for_a_region_without_area() -> None:
    nodes = regions(torch.tensor([[0.5, 0.5, 0.5, 0.5]]))
    assert neighbours(Grid(4, loops=True), nodes) == {(0, 0)}
    assert neighbours(Grid(4), nodes) == set()


def test_across_modalities_faces_meet_the_regions_they_lie_on() -> None:
    face = regions(torch.tensor([[0.1, 0.1, 0.4, 0.4]]))
    edges = Grid(4)(regions(boxes(2, 2)), face)
    assert edges.src.tolist() == [0]


@pytest.mark.unchecked
def test_other_numbers_of_neighbours_are_refused() -> None:
    with pytest.raises(ValueError, match="neighbours=5: a grid has 4 neighbours"):
        Grid(5)  # type: ignore[arg-type]


def test_a_negative_tolerance_is_refused() -> None:
    with pytest.raises(ValueError, match=r"tolerance=-0\.1"):
        Grid(4, tolerance=-0.1)


def test_a_missing_box_is_an_error_that_names_the_rule() -> None:
    nodes = NodeSet.of([torch.zeros(2, 1)], span=[torch.zeros(2, 2)])
    with pytest.raises(ValueError, match=r"Grid\(neighbours=8.*\) needs the attribute 'box'.*they have span"):
        Grid(8)(nodes, nodes)
