"""`SelfLoops`; what every rule promises is asked in test_rules.py."""

from mmgraph.relations import Difference, SelfLoops, Window
from tests.relations.tiny import graph, pairs


def test_every_node_has_one_loop_whatever_the_rule_gives() -> None:
    nodes = graph(2)
    assert pairs(SelfLoops(Window(1, -1))(nodes, nodes)) == [(0, 0), (0, 1), (1, 1)]
    assert pairs(SelfLoops(Window(1, 0))(nodes, nodes)) == [(0, 0), (0, 1), (1, 1)]


def test_a_window_of_nothing_else_takes_loops_away() -> None:
    nodes = graph(2)
    assert pairs(Difference(SelfLoops(Window(1, -1)), Window(0, 0))(nodes, nodes)) == [(0, 1)]
