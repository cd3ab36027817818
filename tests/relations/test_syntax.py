"""`Syntax`; what every rule promises is asked in test_rules.py."""

import pytest

from mmgraph.relations import Symmetric, Syntax, syntax_relations
from tests.relations.tiny import graph, pairs


def test_edges_lead_to_the_head_or_from_it() -> None:
    words = graph(4, head=[1, 2, -1, 2])  # The dog barks loudly
    assert pairs(Syntax("head")(words, words)) == [(0, 1), (1, 2), (3, 2)]
    assert pairs(Syntax("dependent")(words, words)) == [(1, 0), (2, 1), (2, 3)]
    assert pairs(Symmetric(Syntax())(words, words)) == [(1, 0), (0, 1), (2, 1), (1, 2), (3, 2), (2, 3)]


def test_heads_may_stand_under_another_name() -> None:
    words = graph(2, governor=[-1, 0])
    found = [pairs(rule(words, words)) for rule in syntax_relations("text", "governor").values()]
    assert found == [[(1, 0)], [(0, 1)]]


@pytest.mark.unchecked
def test_an_unknown_direction_is_refused() -> None:
    with pytest.raises(ValueError, match="to='root' is neither 'head' nor 'dependent'"):
        Syntax("root")  # type: ignore[arg-type]


def test_a_missing_head_is_an_error_that_names_it() -> None:
    words = graph(1)
    with pytest.raises(ValueError, match=r"Syntax\(to='head'.*needs the attribute 'head' of its nodes"):
        Syntax()(words, words)
