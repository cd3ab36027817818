"""What a user sees of an error."""

from pathlib import Path

import pytest
import typer

from mmgraph.cli.errors import one_line_errors


def fail(*, debug: bool) -> None:
    with one_line_errors(debug=debug):
        error = ValueError("size=0 must be at least 1")
        error.add_note("in the val split")
        error.add_note("in suite 'tiny'")
        raise error


def test_a_value_error_becomes_one_line_with_its_notes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught:
        fail(debug=False)
    assert caught.value.exit_code == 2
    message = "mmgraph: size=0 must be at least 1; in the val split; in suite 'tiny' (--debug shows where)\n"
    assert capsys.readouterr() == ("", message)


def test_with_debug_the_error_passes() -> None:
    with pytest.raises(ValueError, match="size=0 must be at least 1"):
        fail(debug=True)


def test_a_path_that_cannot_be_used_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "missing" / "graph.json"
    with pytest.raises(typer.Exit) as caught, one_line_errors(debug=False):
        path.write_text("")
    assert caught.value.exit_code == 2
    said = capsys.readouterr().err
    assert said.startswith("mmgraph: ") and str(path) in said and said.endswith(" (--debug shows where)\n")
    with pytest.raises(FileNotFoundError), one_line_errors(debug=True):
        path.write_text("")


@pytest.mark.parametrize("error", [KeyError("layer"), BrokenPipeError(32, "Broken pipe"), RuntimeError("no memory")])
def test_an_error_that_is_no_mistake_of_the_user_passes(error: Exception) -> None:
    with pytest.raises(type(error)), one_line_errors(debug=False):
        raise error
