import json
import re

import pytest

from mmgraph.viz import page, page_sample, write_page
from mmgraph.viz.page import STATE


def data_of(text: str) -> dict:
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_samples_stand_in_their_order_with_what_was_said_about_them(sample, record):
    raw, graph = sample()
    first = page_sample(raw, graph, record(graph), prediction=3, truth=4, model="a")
    text = page([first, page_sample(raw, graph, model="b")], title="Title", note="Note", start={"layer": "1"})
    data = data_of(text)
    assert [(s["id"], s["model"], s["prediction"], s["right"]) for s in data["samples"]] == [
        ("s1", "a", "3", False),
        ("s1", "b", None, None),
    ]
    assert (data["note"], data["start"]) == ("Note", {"layer": "1"})
    assert "<title>Title</title>" in text and "<h1>Title</h1>" in text


def test_a_page_without_samples_or_with_one_twice_is_refused(sample):
    raw, graph = sample()
    with pytest.raises(ValueError, match="a page needs at least one sample"):
        page([])
    with pytest.raises(ValueError, match="sample 's1' of model '' is given twice; name the models"):
        page([page_sample(raw, graph)] * 2)


def test_an_unknown_part_of_the_state_is_refused(sample):
    raw, graph = sample()
    with pytest.raises(ValueError, match="'colour' is no part of the page's state; it has sample, "):
        page([page_sample(raw, graph)], start={"colour": "red"})


def test_the_names_of_the_state_are_those_of_the_script():
    from pathlib import Path

    import mmgraph.viz

    code = (Path(mmgraph.viz.__file__).parent / "page_parts" / "state.js").read_text("utf-8")
    assert tuple(re.findall(r"(\w+):", re.search(r"DEFAULTS = \{(.*?)\};", code, re.DOTALL)[1])) == STATE


def test_the_same_samples_give_the_same_page(sample, record):
    raw, graph = sample()
    assert page([page_sample(raw, graph, record(graph))]) == page([page_sample(raw, graph, record(graph))])


def test_the_file_is_written_into_a_new_folder(sample, tmp_path):
    raw, graph = sample()
    path = tmp_path / "new" / "page.html"
    write_page([page_sample(raw, graph)], path, title="größer")
    assert path.read_bytes().decode() == page([page_sample(raw, graph)], title="größer")


def test_a_page_that_cannot_be_written_leaves_the_one_before(sample, tmp_path):
    shown, path = page_sample(*sample()), tmp_path / "page.html"
    write_page([shown], path)
    before = path.read_bytes()
    with pytest.raises(UnicodeEncodeError):
        write_page([shown], path, title="\ud800")  # no text of a file
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_raw_inputs_stay_as_they_are(sample):
    raw, graph = sample()
    picture, tone = raw["image"].copy(), raw["audio"][0].copy()
    page([page_sample(raw, graph)])
    assert (raw["image"] == picture).all() and (raw["audio"][0] == tone).all()
