"""Conversations: small pickles of IEMOCAP's and MELD's layout, and pickles that are not."""

import pickle

import numpy as np
import pytest

from mmgraph.datasets import Dialogues
from mmgraph.datasets.dialogues import MELD


def content(train=10, test=2):
    """Conversation k has k + 1 utterances of two speakers; features are lists of arrays, as in DialogueGCN's file."""
    ids = [f"Ses{k:02d}" for k in range(train + test)]
    lengths = {name: k % 3 + 1 for k, name in enumerate(ids)}
    of = {name: range(length) for name, length in lengths.items()}
    return {
        "ids": {name: [f"{name}_{i}" for i in of[name]] for name in ids},
        "speakers": {name: ["MF"[i % 2] for i in of[name]] for name in ids},
        "labels": {name: [i % 6 for i in of[name]] for name in ids},
        "text": {name: [np.full(4, i, dtype=np.float32) for i in of[name]] for name in ids},
        "audio": {name: np.ones((lengths[name], 3)) for name in ids},
        "visual": {name: [[0.5, 0.5] for _ in of[name]] for name in ids},
        "sentences": {name: [f"Said {i}." for i in of[name]] for name in ids},
        "train": ids[:train],
        "test": set(ids[train:]),
    }


def write(folder, parts):
    (folder / "features.pkl").write_bytes(pickle.dumps(tuple(parts), protocol=2))
    return folder / "features.pkl"


def test_a_conversation_becomes_a_sample(tmp_path):
    data = Dialogues(write(tmp_path, content().values()), "test")
    assert data.ids == ("Ses10", "Ses11") and len(data) == 2
    sample = data[1]
    assert sample["labels"].tolist() == [0, 1, 2] and sample["labels"].dtype == np.int64
    assert sample["text"]["features"].tolist() == [[0] * 4, [1] * 4, [2] * 4]
    assert sample["visual"]["features"].shape == (3, 2) and sample["audio"]["features"].dtype == np.float32
    assert sample["utterances"][1] == {"text": "Said 1.", "speaker": "F"}
    assert sample["truth"] == {"speakers": ("M", "F", "M")}
    assert [one["id"] for one in data[0:1]] == ["Ses10"]


def test_validation_is_whole_conversations_of_training_drawn_by_the_seed(tmp_path):
    path = write(tmp_path, content().values())
    train, val = (set(Dialogues(path, split, val=0.3).ids) for split in ("train", "val"))
    assert len(val) == 3 and len(train) == 7 and train | val == set(content()["train"])
    assert set(Dialogues(path, "val", val=0.3, seed=1).ids) != val
    assert set(Dialogues(path, "val", val=0.3).ids) == val


def test_meld_has_speakers_as_one_hot_rows_and_a_part_that_is_left_out(tmp_path):
    parts = content() | {"rest": 3}
    parts["speakers"] = {name: np.eye(9)[: len(one)] for name, one in parts["speakers"].items()}
    path = write(tmp_path, [parts[name or "rest"] for name in MELD])
    sample = Dialogues(path, "train", parts=MELD)[1]
    assert "visual" not in sample and sample["truth"]["speakers"] == ("0", "1")


def test_numbers_are_keys_too(tmp_path):
    parts = {"labels": {7: [1], 8: [2]}, "text": {7: np.ones((1, 2)), 8: np.ones((1, 2))}, "test": [8, 7]}
    assert Dialogues(write(tmp_path, parts.values()), "test", parts=tuple(parts))[0]["labels"].tolist() == [1]


def test_parts_may_write_the_same_name_in_their_own_way(tmp_path):
    parts = {"labels": {7: [1]}, "text": {"7": np.ones((1, 2))}, "sentences": {b"7": ["Hi"]}, "test": [np.int64(7)]}
    (sample,) = Dialogues(write(tmp_path, parts.values()), "test", parts=tuple(parts))
    assert sample["labels"].tolist() == [1] and sample["utterances"] == [{"text": "Hi", "speaker": ""}]


def changed(part, name, value):
    parts = content()
    parts[part] = parts[part] | {name: value}
    return list(parts.values())


def listed(train, test):
    return [*(content() | {"train": train, "test": test}).values()]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([1, 2], r"a tuple of 9 parts is wanted, .*, got 2 parts"),
        (listed(["Ses00"], ["Ses00"]), "conversation 'Ses00' is in train and in test"),
        (listed(["Ses00"], ["Ses99"]), "conversation 'Ses99' has no ids, speakers"),
        (listed(["Ses00"], []), "no conversation is of split='test'"),
        (listed(["Ses00"], None), "test is a list of names"),
        (list((content() | {"sentences": ["text"]}).values()), "part 'sentences' is a dict"),
        (changed("text", "Ses10", [np.ones(4)]), r"conversation 'Ses10' has an entry per utterance in each part, got"),
        (changed("audio", "Ses10", 3), "audio of conversation 'Ses10' is a list, got int"),
    ],
)
def test_a_file_of_another_layout_is_named(tmp_path, parts, message):
    with pytest.raises(ValueError, match=message) as caught:
        Dialogues(write(tmp_path, parts), "test")
    assert caught.value.__notes__ == [f"in {tmp_path / 'features.pkl'}"]


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("text", [np.ones(4), np.ones(3)], "utterances have features of different lengths"),
        ("text", [np.ones(4), np.full(4, np.nan)], "text has nan in row 1, column 0"),
        ("labels", [0.5, 1.0], "labels are one whole number per utterance"),
        ("speakers", [None, "M"], "speakers has a NoneType"),
        ("sentences", [None, "M"], "sentences has a NoneType"),
    ],
)
def test_a_conversation_that_cannot_be_used_is_named(tmp_path, part, value, message):
    path = write(tmp_path, changed(part, "Ses10", value))
    with pytest.raises(ValueError, match=message) as caught:
        Dialogues(path, "test")[0]
    assert "in conversation 'Ses10' of" in caught.value.__notes__[0]


@pytest.mark.parametrize("options", [{"parts": ("labels", "smell")}, {"parts": ("text",)}, {"val": 0}, {"val": 1.0}])
def test_options_that_do_not_fit_are_refused(tmp_path, options):
    with pytest.raises(ValueError, match="parts are of"):
        Dialogues(tmp_path / "features.pkl", "train", **options)


def test_an_unknown_split_is_refused(tmp_path):
    with pytest.raises(ValueError, match="split='dev' is not"):
        Dialogues(write(tmp_path, content().values()), "dev")
