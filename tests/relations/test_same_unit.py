"""`SameUnit`; what every rule promises is asked in test_rules.py."""

import pytest

from mmgraph.relations import SameUnit
from tests.relations.tiny import graph, pairs


def test_modalities_meet_in_their_utterances_whatever_is_missing() -> None:
    words, faces = graph(5, unit=[0, 0, 1, 2, 2]), graph(3, unit=[0, 1, 3])
    assert pairs(SameUnit()(words, faces)) == [(0, 0), (1, 0), (2, 1)]
    assert pairs(SameUnit()(faces, words)) == [(0, 0), (0, 1), (1, 2)]


def test_within_a_modality_the_nodes_of_a_unit_meet() -> None:
    words = graph(4, unit=[5, 7, 5, 7])
    assert pairs(SameUnit()(words, words)) == [(2, 0), (3, 1), (0, 2), (1, 3)]
    assert pairs(SameUnit(loops=True)(words, words))[:2] == [(0, 0), (2, 0)]


def test_a_negative_number_belongs_to_no_unit() -> None:
    assert pairs(SameUnit()(graph(2, unit=[-1, 0]), graph(2, unit=[-1, 0]))) == [(1, 1)]


def test_a_missing_attribute_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match=r"SameUnit\(attribute='turn'.*needs the attribute 'turn'.*they have unit"):
        SameUnit("turn")(graph(1, unit=[0]), graph(1, unit=[0]))
