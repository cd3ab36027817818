"""`PseudoAlignment`; what every rule promises is asked in test_rules.py."""

import pytest

from mmgraph.graph import NodeSet
from mmgraph.relations import PseudoAlignment, alignment_relations
from tests.relations.tiny import graph, pairs


def seen(shorter: int, longer: int, factor: int = 2) -> list[list[int]]:
    """What each node of the shorter stream sees of the longer one, which sends."""
    edges = pairs(PseudoAlignment("now", factor)(graph(longer), graph(shorter)))
    return [[source for source, to in edges if to == node] for node in range(shorter)]


def test_windows_are_those_of_mtag() -> None:
    assert seen(3, 8) == [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]]
    assert seen(3, 6) == [[0, 1], [2, 3], [4, 5]]
    assert seen(1, 4) == [[0, 1, 2, 3]]
    assert seen(3, 5) == [[0, 1], [2, 3], [3, 4]]  # less than twice as long
    assert seen(3, 3) == [[0, 1], [1, 2], [1, 2]]
    assert seen(1, 1) == [[0]]
    assert seen(2, 5) == [[0, 1, 2], [2, 3, 4]]
    assert seen(3, 20, factor=4) == [[*range(0, 16)], [*range(2, 18)], [*range(4, 20)]]


@pytest.mark.parametrize("shorter", range(1, 12))
@pytest.mark.parametrize("longer", range(1, 40))
def test_windows_begin_and_end_with_the_longer_stream(shorter: int, longer: int) -> None:
    if shorter <= longer:
        windows = seen(shorter, longer)
        assert windows[0][0] == 0 and windows[-1][-1] == longer - 1
        assert {node for window in windows for node in window} == set(range(longer))


@pytest.mark.parametrize(("words", "frames"), [(3, 8), (8, 3), (4, 4), (5, 0), (1, 1)])
def test_every_pair_is_past_now_or_future_and_the_edges_back_are_those_there(words: int, frames: int) -> None:
    src, dst = graph(words), graph(frames)
    found = alignment_relations("word", "frame")

    def edges(source: str, when: str, to: str, first: NodeSet, second: NodeSet) -> list[tuple[int, int]]:
        return pairs(found[source, when, to](first, second))

    there = {when: edges("word", when, "frame", src, dst) for when in ("past", "now", "future")}
    assert sorted(pair for part in there.values() for pair in part) == [
        (j, i) for j in range(words) for i in range(frames)
    ]
    for when, opposite in (("past", "future"), ("now", "now"), ("future", "past")):
        back = edges("frame", when, "word", dst, src)
        assert sorted((j, i) for i, j in back) == sorted(there[opposite])


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="factor=0 is 1 or more"):
        PseudoAlignment("now", 0)
    nodes = graph(2)
    with pytest.raises(ValueError, match="lays two modalities side by side; within one take Window"):
        PseudoAlignment("now")(nodes, nodes)


@pytest.mark.unchecked
def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(ValueError, match="when='current' is not one of past, now, future"):
        PseudoAlignment("current")  # type: ignore[arg-type]
