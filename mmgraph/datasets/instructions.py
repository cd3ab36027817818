"""The instructions of SpokenGrid: what to do, and where, in several wordings."""

from __future__ import annotations

from collections.abc import Mapping

QUESTIONS = ("place", "neighbour")
"""What can be asked: about a place of a 2x2 grid, or about the neighbour of the spoken digit in a 3x3 grid."""

OPERATIONS = {
    "place": ("picture", "sound", "larger", "smaller"),
    "neighbour": ("left", "right", "above", "below", "same"),
}
"""Operations of each question, in the order of their numbers."""

PLACES = {
    "place": ("upper left", "upper right", "lower left", "lower right"),
    "neighbour": (
        *("upper left", "upper middle", "upper right"),
        *("middle left", "centre", "middle right"),
        *("lower left", "lower middle", "lower right"),
    ),
}
"""Cells of each question's grid, row by row."""

# Phrase n has as many words for every operation, so the length of a text says nothing about its operation; and every
# phrase names a place, so whether there is one says nothing either.
_PHRASES: Mapping[str, tuple[str, ...]] = {
    "picture": (
        "just look {}",
        "what is written {}?",
        "read the digit drawn {}",
        "tell me what you see {}",
        "ignore the voice and look closely {}",
        "which digit does the picture show me {}?",
    ),
    "sound": (
        "forget {}, listen",
        "skip {}, just listen",
        "ignore {} and repeat it",
        "whatever stands {}, repeat the word",
        "do not read {}, only listen closely",
        "the spoken digit counts, not the one {}",
    ),
    "larger": (
        "maximum with {}",
        "larger, voice or {}?",
        "bigger of voice and {}",
        "which is larger, voice or {}?",
        "the greater of the voice and {}",
        "compare what you hear with {}, bigger wins",
    ),
    "smaller": (
        "minimum with {}",
        "smaller, voice or {}?",
        "lesser of voice and {}",
        "which is smaller, voice or {}?",
        "the lesser of the voice and {}",
        "compare what you hear with {}, smaller wins",
    ),
}
_PLACES: Mapping[str, tuple[str, ...]] = {
    f"{upper} {left}": (
        f"{upper} {left}",
        f"{top} {left}",
        f"at the {top} {left}",
        f"in the {upper} {left} corner",
        f"on the {left} of the {top} row",
        f"in the {first} row on the {left}",
    )
    for upper, top, first in (("upper", "top", "first"), ("lower", "bottom", "second"))
    for left in ("left", "right")
}
_NEIGHBOUR_PHRASES = (
    "what is {} the spoken digit?",
    "look {} the digit that was said",
    "name the digit {} the spoken one",
    "which digit stands {} the one you hear?",
    "tell me what you see {} the digit you hear",
    "find the digit you hear and say what is {} it",
)
_NEIGHBOURS: Mapping[str, tuple[str, ...]] = {
    "left": ("left of", "to the left of"),
    "right": ("right of", "to the right of"),
    "above": ("just above", "in the row above"),
    "below": ("just below", "in the row below"),
    "same": ("exactly at", "in the cell of"),
}
_OPENINGS = ("", "please ", "now ", "um, ", "okay, ", "so, ")
_CLOSINGS = ("", " please", " now", ", um", ", thanks")


def wordings(question: str) -> tuple[int, int, int, int]:
    """Give how many phrases, ways to name the place or direction, openings and closings an instruction can have.

    Args:
        question: `"place"` or `"neighbour"`.

    Example:
        >>> wordings("place")
        (6, 6, 6, 5)
    """
    if question == "place":
        sizes = (len(_PHRASES["picture"]), len(_PLACES["upper left"]))
    else:
        sizes = (len(_NEIGHBOUR_PHRASES), len(_NEIGHBOURS["left"]))
    return (*sizes, len(_OPENINGS), len(_CLOSINGS))


def instruction(question: str, operation: str, place: str, wording: tuple[int, int, int, int]) -> str:
    """Write an instruction in lower-case words and simple punctuation.

    Args:
        question: `"place"` or `"neighbour"`.
        operation: One of `OPERATIONS[question]`.
        place: One of `PLACES[question]`. A neighbour question does not tell it: it asks for the place.
        wording: Numbers of the phrase, of the way to name the place or direction, of the opening and of the closing,
            each below its entry of `wordings(question)`.

    Example:
        >>> instruction("place", "larger", "upper left", (1, 2, 3, 1))
        'um, larger, voice or at the top left please?'
        >>> instruction("neighbour", "above", "centre", (0, 0, 0, 0))
        'what is just above the spoken digit?'
    """
    phrase, name, opening, closing = wording
    if question == "place":
        body = _PHRASES[operation][phrase].format(_PLACES[place][name])
    else:
        body = _NEIGHBOUR_PHRASES[phrase].format(_NEIGHBOURS[operation][name])
    mark = "?" if body.endswith("?") else ""
    return f"{_OPENINGS[opening]}{body.removesuffix('?')}{_CLOSINGS[closing]}{mark}"


def neighbour_cells() -> tuple[tuple[tuple[int, int], ...], ...]:
    """For left, right, above, below and same: the pairs (cell of the spoken digit, cell that answers) of a 3x3 grid.

    Example:
        >>> [len(pairs) for pairs in neighbour_cells()]
        [6, 6, 6, 6, 9]
    """
    steps = ((0, -1), (0, 1), (-1, 0), (1, 0), (0, 0))
    return tuple(
        tuple(
            (3 * row + column, 3 * (row + down) + column + right)
            for row in range(3)
            for column in range(3)
            if 0 <= row + down < 3 and 0 <= column + right < 3
        )
        for down, right in steps
    )
