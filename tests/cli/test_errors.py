"""What a user sees of an error."""

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


def test_an_error_that_is_no_mistake_of_the_user_passes() -> None:
    with pytest.raises(KeyError), one_line_errors(debug=False):
        raise KeyError("layer")
