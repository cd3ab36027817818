"""`Speakers`; what every rule promises is asked in test_rules.py."""

import pytest

from mmgraph.relations import Complete, Measured, Speakers, Window, speaker_relations
from tests.relations.tiny import graph, pairs

TALK = graph(4, speaker=[1, 1, 2, 2])


def test_edges_of_given_speakers_are_kept_with_their_features() -> None:
    rule = Measured(Window(2, -1), ("offset",))
    assert pairs(Speakers(rule, "same")(TALK, TALK)) == [(0, 1), (2, 3)]
    other = Speakers(rule, "other")(TALK, TALK)
    assert pairs(other) == [(0, 2), (1, 2), (1, 3)]
    assert other.features is not None and other.features.squeeze(1).tolist() == [-2, -1, -2]
    assert pairs(Speakers(rule, (2, 1))(TALK, TALK)) == []


def test_the_relations_of_all_pairs_of_speakers_are_a_partition() -> None:
    relations = speaker_relations("text", range(1, 3), past=Window(10, -1), future=Window(0, 10))
    assert len(relations) == 8
    found = [pair for rule in relations.values() for pair in pairs(rule(TALK, TALK))]
    assert sorted(found) == sorted(pairs(Complete(loops=True)(TALK, TALK)))
    assert pairs(relations["text", "past_1_2", "text"](TALK, TALK)) == [(0, 2), (1, 2), (0, 3), (1, 3)]


def test_speakers_of_two_modalities_are_compared() -> None:
    faces = graph(2, speaker=[2, 1])
    assert pairs(Speakers(Complete(), "same")(faces, TALK)) == [(1, 0), (1, 1), (0, 2), (0, 3)]


@pytest.mark.unchecked
@pytest.mark.parametrize("who", ["all", (1, 2, 3)])
def test_wrong_speakers_are_refused(who: object) -> None:
    with pytest.raises(ValueError, match=r"who=.* is 'same', 'other', or the numbers of two speakers"):
        Speakers(Complete(), who)  # type: ignore[arg-type]


def test_a_missing_speaker_is_an_error_that_names_the_rule() -> None:
    with pytest.raises(ValueError, match=r"Speakers.*needs the attribute 'speaker'"):
        Speakers(Complete(), "same")(graph(1), TALK)
