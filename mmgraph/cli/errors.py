"""What a user's mistake looks like on the command line."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def one_line_errors(*, debug: bool) -> Iterator[None]:
    """Turns what a user did wrong into one line and exit code 2; other errors pass.

    That is a ValueError, which says it, and an OSError about a file: a folder that is not there, or may not be written.

    Example:
        >>> try:
        ...     with one_line_errors(debug=False):
        ...         raise ValueError("size=0 must be at least 1")
        ... except typer.Exit as exit:
        ...     exit.exit_code
        2
    """
    try:
        yield
    except (ValueError, OSError) as error:
        # Without a file's name it is not about what the user gave: a pipe that was closed, for example.
        if debug or (isinstance(error, OSError) and error.filename is None):
            raise
        message = "; ".join([str(error), *getattr(error, "__notes__", [])])
        typer.echo(f"mmgraph: {message} (--debug shows where)", err=True)
        raise typer.Exit(2) from None
