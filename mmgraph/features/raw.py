"""What the front ends share: saying which raw input was wrong, and putting nodes in order."""

from collections.abc import Callable, Sequence
from typing import TypeVar

Checked = TypeVar("Checked")


def check_each(raws: Sequence[object], check: Callable[[object], Checked]) -> list[tuple[int, Checked]]:
    """Position and checked value of each raw input that is not None.

    Raises:
        ValueError: what `check` raised, with a note that says where, if there is more than one input.
    """
    checked = []
    for index, raw in enumerate(raws):
        if raw is None:
            continue
        try:
            checked.append((index, check(raw)))
        except ValueError as error:
            if len(raws) > 1:
                error.add_note(f"in input {index} of {len(raws)}")
            raise
    return checked
