"""`Measured`; what every rule promises is asked in test_rules.py."""

import pytest

from mmgraph.relations import Complete, Measured, Nearest, Window
from tests.relations.tiny import graph


def test_features_of_the_rule_come_first() -> None:
    nodes = graph(2)
    rule = Measured(Nearest(1, features=("distance",)), ("offset",))
    assert rule.feature_names == ("distance", "offset")
    edges = rule(nodes, nodes)
    assert edges.features is not None and edges.features.tolist() == [[0, 1], [0, -1]]


def test_one_name_needs_no_list() -> None:
    assert Measured(Complete(), "offset").feature_names == ("offset",)


def test_wrong_names_are_refused() -> None:
    with pytest.raises(
        ValueError, match="features has 'colour'; Measured knows offset, time_difference, overlap, box_x"
    ):
        Measured(Complete(), ("offset", "colour"))
    with pytest.raises(ValueError, match=r"features=\(\): give each once, at least one; Complete.* gives none"):
        Measured(Complete(), ())
    with pytest.raises(ValueError, match=r"give each once.*gives \('distance',\)"):
        Measured(Nearest(1, features=("distance",)), ("distance",))


def test_a_missing_attribute_is_an_error_that_names_the_rule() -> None:
    with pytest.raises(ValueError, match=r"Measured\(rule=Window.*needs the attribute 'span'"):
        Measured(Window(1, 1), ("overlap",))(graph(1, position=[0]), graph(1, position=[0]))
