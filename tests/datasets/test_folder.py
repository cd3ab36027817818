"""A folder of files with a manifest: what is read, what is missing, what is broken."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.datasets import Folder, folder
from mmgraph.datasets.folder import Problem

PIXELS = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
TONE = np.linspace(-0.5, 0.5, 80).astype(np.float32)


@pytest.fixture
def root(tmp_path, as_png, as_sound):
    """Four good rows with two speakers, and files for them."""
    (tmp_path / "a.png").write_bytes(as_png(PIXELS))
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / "a.flac").write_bytes(as_sound(TONE, kind="FLAC"))
    (tmp_path / "a.txt").write_text("from a file")
    write(
        tmp_path,
        "id,image,audio,text,text_file,label,split,speaker,place",
        "r1,a.png,sounds/a.flac,hello,,dog,train,ann,Rome",
        "r2,,sounds/a.flac,,a.txt,cat,train,ann,",
        "r3,a.png,,,,,val,bob,Oslo",
        "r4,a.png,,there,,dog,test,cy,",
    )
    return tmp_path


def write(root, *lines):
    (root / "manifest.csv").write_text("\n".join(lines) + "\n")


def test_a_row_becomes_a_sample(root):
    data = Folder(root, "train")
    sample = data[0]
    assert (len(data), sample["id"], sample["text"], sample["label"]) == (2, "r1", "hello", 1)
    np.testing.assert_array_equal(sample["image"], PIXELS)
    np.testing.assert_allclose(sample["audio"][0], TONE, atol=1e-4)
    assert sample["audio"][1] == 8000
    assert sample["truth"] == {"speaker": "ann", "place": "Rome"}
    assert data.classes == {"label": ("cat", "dog")}


def test_empty_cells_are_missing_inputs_and_labels(root):
    train, val = Folder(root, "train"), Folder(root, "val")
    assert train[1]["image"] is None and train[1]["text"] == "from a file" and train[1]["label"] == 0
    assert val[0]["audio"] is None and val[0]["text"] is None and val[0]["label"] is None


def test_classes_are_those_of_all_splits(root):
    assert Folder(root, "test").classes == Folder(root).classes == {"label": ("cat", "dog")}
    assert [sample["label"] for sample in Folder(root)] == [1, 0, None, 1]


def test_it_is_a_sequence(root):
    data = Folder(root)
    assert data[-1]["id"] == "r4" and [sample["id"] for sample in data[1:3]] == ["r2", "r3"]
    with pytest.raises(IndexError):
        data[4]


def test_without_ids_rows_are_called_by_their_line(tmp_path):
    write(tmp_path, "text", "one", "", "two")
    assert [sample["id"] for sample in Folder(tmp_path)] == ["line-2", "line-4"]
    assert "label" not in Folder(tmp_path)[0]


def test_columns_can_have_other_names(root):
    write(root, "id,left,note,mood,group", "1,a.png,hm,0.5,x", "2,a.png,so,1,x")
    data = Folder(root, files={"left": "image"}, texts=["note"], labels=["mood"])
    assert data[1]["left"].shape == (2, 2, 3) and data[0]["note"] == "hm" and data[1]["mood"] == 1.0
    (root / "manifest.csv").rename(root / "list.csv")
    assert len(Folder(root, manifest="list.csv", files={"left": "image"}, texts=["note"], labels=["mood"])) == 2


def test_lines_of_json_do_as_well(tmp_path):
    (tmp_path / "manifest.jsonl").write_text('{"id": 7, "text": "one", "label": 2}\n{"id": 8, "text": "two"}\n')
    assert [(sample["id"], sample["label"]) for sample in Folder(tmp_path)] == [("7", 2), ("8", None)]


# --- broken files ---


@pytest.fixture
def broken(root):
    """An image that was cut off, a sound that is none, a file that is not there."""
    (root / "cut.png").write_bytes((root / "a.png").read_bytes()[:40])
    (root / "odd.wav").write_bytes(b"no sound")
    (root / "empty.png").touch()
    write(root, "id,image,audio,text", "r1,cut.png,odd.wav,hello", "r2,none.png,,there", "r3,empty.png,,", "r4,a.png,,")
    return root


def test_a_broken_file_is_named_with_its_row(broken):
    data = Folder(broken)
    assert len(data[3:]) == 1
    with pytest.raises(
        ValueError, match=r"manifest\.csv, line 2 \(r1\), image cut\.png: no image .* line 2 .*odd\.wav"
    ):
        data[0]
    with pytest.raises(ValueError, match=r"line 3 \(r2\), image none\.png: there is no such file .*broken='missing'"):
        data[1]


def test_broken_files_can_be_taken_for_missing_but_not_all_of_a_row(broken):
    data = Folder(broken, broken="missing")
    assert data[0]["image"] is None and data[0]["audio"] is None and data[0]["text"] == "hello"
    assert data[1]["image"] is None and data[3]["image"] is not None
    with pytest.raises(ValueError, match=r"line 4 \(r3\), image empty\.png: the file is empty \(no other input"):
        data[2]


@pytest.mark.parametrize("how", ["raise", "missing"])
def test_problems_lists_every_broken_file(broken, how):
    problems = Folder(broken, broken=how).problems()
    assert [(problem.line, problem.column) for problem in problems] == [
        (2, "image"),
        (2, "audio"),
        (3, "image"),
        (4, "image"),
    ]
    assert problems[2] == Problem(3, "r2", "image", "none.png", "there is no such file")


def test_a_file_that_is_too_large_is_not_read(root, monkeypatch):
    monkeypatch.setattr(folder, "MAX_BYTES", 10)
    with pytest.raises(ValueError, match=r"image a\.png: [\d,]+ bytes, more than 10"):
        Folder(root)[0]


def test_a_file_that_may_not_be_read_is_a_problem(root, monkeypatch):
    def refuse(path):
        raise PermissionError("permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse, raising=True)
    assert folder.KINDS["image"]
    with pytest.raises(ValueError, match="cannot be read"):
        Folder(root)


# --- broken manifests ---


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["id,text", "a,x", "b,y", "a,z"], "line 4: id 'a' is also in line 2"),
        (["id,text", ",x"], "line 2: the id is empty"),
        (["id,text,label", "a,,cat"], "line 2: no input: all of its cells are empty"),
        (["id,text,text_file", "a,x,x.txt"], "line 2: 'text' is given twice"),
        (["id,image", "a,../secret.png"], r"line 2: image '\.\./secret\.png' leads out of the folder"),
        (["id,image", "a,/etc/secret.png"], "leads out of the folder"),
        (["id,image", r"a,x\..\..\secret.png"], "leads out of the folder"),
        (["id,text,split", "a,x,train", "b,y,dev"], "line 3: split 'dev' is not"),
        (["id,text,split,speaker", "a,x,train,ann", "b,y,test,ann"], "line 3: speaker 'ann' is in test, and in train"),
        (["id,text,split,group", "a,x,train,1", "b,y,test,1"], "line 3: group '1' is in test"),
        (["id,label", "a,1"], "has none of the input columns"),
        (["id,text,label", "a,x,", "b,y,"], "has no label in column 'label'"),
    ],
)
def test_a_wrong_manifest_is_named_with_its_line(tmp_path, lines, message):
    write(tmp_path, *lines)
    with pytest.raises(ValueError, match=re.escape("manifest.csv") + ".*" + message):
        Folder(tmp_path)


def test_a_split_has_to_be_there(root):
    with pytest.raises(ValueError, match="has no row of split='dev'"):
        Folder(root, "dev")
    write(root, "id,text", "a,x")
    with pytest.raises(ValueError, match="has no column 'split': split='train' cannot be told"):
        Folder(root, "train")


def test_there_is_one_manifest(tmp_path):
    with pytest.raises(ValueError, match=r"has 0 of manifest\.csv and manifest\.jsonl"):
        Folder(tmp_path)
    write(tmp_path, "text", "x")
    (tmp_path / "manifest.jsonl").touch()
    with pytest.raises(ValueError, match="has 2 of"):
        Folder(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"broken": "skip"}, "broken='skip' is not"),
        ({"files": {"image": "picture"}}, r"unknown kinds \['picture'\]"),
        ({"texts": ["image"]}, "a column is one thing"),
        ({"labels": ["mood"]}, r"has no column \['mood'\]"),
        ({"group": "page"}, r"has no column \['page'\]"),
    ],
)
def test_options_that_do_not_fit_are_refused(root, options, message):
    with pytest.raises(ValueError, match=message):
        Folder(root, **options)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", ""]),
            st.sampled_from(["one", "", "two"]),
            st.sampled_from(["0", "1", "cat", "nan", ""]),
            st.sampled_from(["train", "val", "test", "dev", ""]),
            st.sampled_from(["ann", "bob", ""]),
        ),
        max_size=5,
    )
)
def test_a_manifest_is_refused_exactly_for_what_is_wrong_with_it(tmp_path_factory, rows):
    root = tmp_path_factory.mktemp("manifest")
    text = "\n".join(["id,text,label,split,speaker", *map(",".join, rows)])
    (root / "manifest.csv").write_text(text + "\n")
    filled = [row for row in rows if any(row)]
    ids = [row[0] for row in filled]
    labels = [row[2] for row in filled if row[2]]
    speakers = {row[4]: {other[3] for other in filled if other[4] == row[4]} for row in filled if row[4]}
    numbers = not any(label == "cat" for label in labels)
    wrong = (
        not filled
        or "" in ids
        or len(set(ids)) < len(ids)
        or not all(row[1] for row in filled)
        or not all(row[3] in ("train", "val", "test") for row in filled)
        or any(len(splits) > 1 for splits in speakers.values())
        or not labels
        or (numbers and "nan" in labels)
    )
    if wrong:
        with pytest.raises(ValueError, match=r"manifest\.csv"):
            Folder(root)
    else:
        read = list(Folder(root))
        assert [sample["id"] for sample in read] == ids and [sample["text"] for sample in read] == [
            r[1] for r in filled
        ]
        assert [sample["label"] is None for sample in read] == [not row[2] for row in filled]
