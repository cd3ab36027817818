"""Tables of samples: CSV and JSON lines, and what is wrong with them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.datasets.manifest import Row, check_rows, read_manifest


def write(folder, text, name="manifest.csv"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_cells_with_commas_line_breaks_and_quotes_are_one_cell(tmp_path):
    path = write(tmp_path, '\ufeffid, text \na,"one, ""two""\nthree"\n\nb,  \n')
    assert read_manifest(path) == (
        ("id", "text"),
        [Row(3, {"id": "a", "text": 'one, "two"\nthree'}), Row(5, {"id": "b", "text": None})],
    )


@pytest.mark.parametrize("letter", "\u2028\u2029\x85\x0b\x0c\x1c")
def test_a_line_of_csv_ends_at_the_end_of_a_line_only(tmp_path, letter):
    path = write(tmp_path, f'id,text\r\na,one{letter}two\r\nb,"three{letter}\r\nfour"\r\nc,five\n')
    assert read_manifest(path)[1] == [
        Row(2, {"id": "a", "text": f"one{letter}two"}),
        Row(4, {"id": "b", "text": f"three{letter}\r\nfour"}),
        Row(5, {"id": "c", "text": "five"}),
    ]


def test_lines_of_json_keep_numbers_and_may_lack_keys(tmp_path):
    path = write(tmp_path, '{"id": "a", "label": 1}\n\n{"id": "b", "text": " x ", "ok": true}\n', "manifest.jsonl")
    columns, rows = read_manifest(path)
    assert columns == ("id", "label", "text", "ok")
    assert rows[1] == Row(3, {"id": "b", "label": None, "text": "x", "ok": True})


@given(st.lists(st.fixed_dictionaries({"id": st.text(min_size=1), "text": st.text()}), min_size=1, max_size=4))
def test_any_text_in_json_comes_back(tmp_path_factory, objects):
    lines = "\n".join(map(json.dumps, objects))
    rows = read_manifest(write(tmp_path_factory.mktemp("m"), lines, "m.jsonl"))[1]
    assert [row.cells["text"] for row in rows] == [one["text"].strip() or None for one in objects]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"line 1: the header has empty or repeated columns: \[\]"),
        ("id,text,id\n", r"repeated columns: \['id', 'text', 'id'\]"),
        ("id,,text\n", "empty or repeated"),
        ("id,text\n", "has no row"),
        ("id,text\na\n", "line 2: 1 cells under 2 columns"),
        ("id,text\na,b,c\n", "line 2: 3 cells under 2 columns"),
        ('id,text\na,"never ends\n', r"line \d: no CSV"),
        (b"id,text\na,b\nc,\xff\n", "line 3: no UTF-8 text"),
    ],
)
def test_a_broken_table_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(ValueError, match=r"manifest\.csv.*" + message):
        read_manifest(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": "a"}\n{"id": ', "line 2: Expecting value"),
        ('["id"]', "line 1: a JSON object is wanted"),
        ('{"id": "a", "id": "b"}', "line 1: a key is there twice"),
        ('{"id": "a", "box": [1, 2]}', "line 1: 'box' is an object or a list"),
        ('{"id": "a", "box": {"x": 2}}', "line 1: 'box' is an object or a list"),
        ("[" * 100_000, "line 1"),
        ("\n\n", "has no row"),
    ],
)
def test_a_broken_line_of_json_is_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_manifest(write(tmp_path, text, "m.jsonl"))


def test_another_kind_of_file_or_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"m\.txt is no manifest: give a \.csv or \.jsonl"):
        read_manifest(tmp_path / "m.txt")
    with pytest.raises(ValueError, match=r"m\.csv cannot be read"):
        read_manifest(tmp_path / "m.csv")


def test_rows_of_a_group_belong_to_one_split(tmp_path):
    rows = [Row(2, {"split": "train", "who": None}), Row(3, {"split": "test", "who": None})]
    check_rows(tmp_path, rows, split="split", group="who")
    check_rows(tmp_path, [Row(2, {"who": "a"}), Row(3, {"who": "a"})], split=None, group="who")
    rows += [Row(4, {"split": "val", "who": 7}), Row(9, {"split": "train", "who": 7})]
    with pytest.raises(ValueError, match="line 9: who 7 is in train, and in val in line 4"):
        check_rows(tmp_path, rows, split="split", group="who")


@pytest.mark.parametrize(("one", "other"), [(7, "7"), ("7", 7.0), (7, 7.0), (1, True)])
def test_a_group_is_the_same_as_number_and_as_text(tmp_path, one, other):
    rows = [Row(2, {"split": "train", "who": one}), Row(3, {"split": "test", "who": other})]
    with pytest.raises(ValueError, match=f"line 3: who {other!r} is in test, and in train in line 2"):
        check_rows(tmp_path, rows, split="split", group="who")
    check_rows(tmp_path, [rows[0], Row(3, {"split": "test", "who": 7.5})], split="split", group="who")


@pytest.mark.parametrize("name", ["dev", None, "Train"])
def test_a_split_of_another_name_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=f"line 2: split {name!r} is not"):
        check_rows(tmp_path, [Row(2, {"split": name})], split="split", group=None)
