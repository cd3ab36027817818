"""What `mmgraph data` lists."""

import builtins
import importlib.util
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mmgraph.datasets as datasets
from mmgraph.cli import app
from mmgraph.cli.data import DATA_SETS, card, describe

FACTS = ("ource", "icence", "*Size*", "plits", "onfounds")


def test_every_data_set_of_the_room_is_listed_with_a_card_that_says_all() -> None:
    sequences = {
        value for value in vars(datasets).values() if isinstance(value, type) and hasattr(value, "__getitem__")
    }
    assert sequences == set(DATA_SETS)
    for data_set in sequences:
        text = card(data_set.__name__)
        assert text.startswith(f"{data_set.__name__}\n\n- ")
        assert [fact for fact in FACTS if fact not in text] == [], data_set
        assert f"{data_set.__name__}: " in describe()


def test_what_is_found_is_listed_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "7_ada_0.wav").touch()
    monkeypatch.setenv("MMGRAPH_DATA", str(tmp_path))
    monkeypatch.setenv("MMGRAPH_STAMPS", str(tmp_path))
    assert f"  people: 1 files in {tmp_path}" in describe()
    assert f"  found: {tmp_path}" in describe()


def test_what_is_not_found_comes_with_the_way_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MMGRAPH_DATA", raising=False)
    monkeypatch.setenv("MMGRAPH_STAMPS", str(tmp_path / "none"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    text = describe()
    assert (
        "people: not found; set MMGRAPH_DATA" in text and "not found: apt-get install tuxpaint-stamps-default" in text
    )
    assert 'pip install "mmgraph[stamps]"' in text and 'pip install "mmgraph[csd]"' in text


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*arguments: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert describe() and builtins.open is open


def test_the_command_lists_and_shows_cards() -> None:
    listed = CliRunner().invoke(app, ["data"])
    assert listed.exit_code == 0 and listed.stdout.startswith("SpokenGrid: ")
    shown = CliRunner().invoke(app, ["data", "stamps"])
    assert shown.exit_code == 0 and "tuxpaint-stamps-default" in shown.stdout


def test_an_unknown_name_is_one_line_with_the_names_there_are() -> None:
    result = CliRunner().invoke(app, ["data", "imagenet"])
    assert result.exit_code == 2
    assert result.stderr.startswith("mmgraph: 'imagenet' is no data set: SpokenGrid, ")
    with pytest.raises(ValueError, match="'imagenet' is no data set"):
        card("imagenet")
