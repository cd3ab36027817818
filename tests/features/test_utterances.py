"""`Utterances`; what every front end promises is asked in test_front_ends.py."""

from typing import Any

import pytest

from mmgraph.features import Utterances

TALK = [
    {"text": "Ready?", "speaker": "Bob", "start": 0, "end": 0.5},
    {"text": "Nearly.", "speaker": "Ann", "start": 0.5, "end": 1.5},
    {"text": "", "speaker": "Ann", "start": 2, "end": 2},
]


def test_nodes_carry_speaker_text_and_time() -> None:
    nodes = Utterances(16, times=True, speakers=("Ann",))([TALK])
    assert nodes.attribute("speaker").tolist() == [0, 1, 1]
    assert nodes.attributes["text"].tolist() == ["Ready?", "Nearly.", ""]
    assert nodes.attribute("span").tolist() == [[0, 0.5], [0.5, 1.5], [2, 2]]
    assert nodes.x.norm(dim=1).tolist() == pytest.approx([1, 1, 0])


def test_fit_learns_the_speakers_most_frequent_first() -> None:
    assert Utterances().fit([TALK, ["nobody"]]).speakers == ("Ann", "Bob")


def test_a_conversation_may_be_empty() -> None:
    assert Utterances(16, times=True)([[]]).attribute("span").shape == (0, 2)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("hello", "takes a list of utterances, got str"),
        ([1], "utterance 0 is a str or a mapping with a str under 'text', got 1"),
        (["a", {"speaker": "Ann"}], "utterance 1 is a str or a mapping"),
        ([{"text": "a", "speaker": 3}], "utterance 0: speaker is a string, got 3"),
        (["a"], "utterance 0 has no 'start' and 'end' in seconds"),
        ([{"text": "a", "start": 2, "end": 1}], r"utterance 0 ends before it starts: \[2\.0, 1\.0\] s"),
        ([{"text": "a", "start": 0, "end": float("inf")}], "span has inf in row 0"),
    ],
)
def test_an_input_of_another_form_is_refused(raw: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Utterances(times=True)([raw])


def test_speakers_are_different() -> None:
    with pytest.raises(ValueError, match="speakers has entries that are repeated or empty"):
        Utterances(speakers=("Ann", "Ann"))
