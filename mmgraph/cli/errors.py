"""What a user's mistake looks like on the command line."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def one_line_errors(*, debug: bool) -> Iterator[None]:
    """Turns a ValueError, which says what a caller did wrong, into its message and exit code 2; others pass.

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
    except ValueError as error:
        if debug:
            raise
        message = "; ".join([str(error), *getattr(error, "__notes__", [])])
        typer.echo(f"mmgraph: {message} (--debug shows where)", err=True)
        raise typer.Exit(2) from None
