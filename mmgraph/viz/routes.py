"""Paths of links: Bezier curves that keep to the gutter and the gap between panels, clear of words and axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from mmgraph.viz.layout import Layout, Rect

Point = tuple[float, float]


@dataclass(frozen=True)
class End:
    """Where a link may end.

    Attributes:
        role: "regions", "words" or "time".
        low: one end of the border that links end at: of a region's right side, a token's lower edge, a frame's top.
        high: its other end.
        edge: for a region: the right side of its image, where its links begin; a thin line leads there from the region.
        outline: for a region: its rectangle.
        lanes: for a token: where a link passes the rows below it, as (x, upper y, lower y), from the top.

    Example:
        >>> End("time", (1.0, 2.0), (2.0, 2.0)).at(0.5)
        (1.5, 2.0)
    """

    role: str
    low: Point
    high: Point
    edge: float | None = None
    outline: Rect | None = None
    lanes: tuple[tuple[float, float, float], ...] = ()

    def at(self, share: float) -> Point:
        """The point that lies this share of the way along the border."""
        return (
            self.low[0] + share * (self.high[0] - self.low[0]),
            self.low[1] + share * (self.high[1] - self.low[1]),
        )

    def begin(self, share: float) -> Point:
        """Where a link that belongs to this point begins: level with it at the image's edge, or at the point."""
        x, y = self.at(share)
        return (x, y) if self.edge is None else (self.edge, y)


def region_ends(boxes: Sequence[Sequence[float]], place: Rect) -> list[End]:
    """The right sides of regions, for an image that fills `place`.

    Example:
        >>> region_ends([[0, 0, 0.5, 1]], Rect(0, 0, 2, 1))[0].at(0.5)
        (1.0, 0.5)
    """
    ends = []
    for left, top, right, bottom in boxes:
        x, low = place.left + left * place.width, place.top - bottom * place.height
        rect = Rect(x, low, (right - left) * place.width, (bottom - top) * place.height)
        ends.append(End("regions", (rect.right, low), (rect.right, rect.top), edge=place.right, outline=rect))
    return ends


def time_ends(cells: Sequence[Sequence[float]], place: Rect, length: float, top: float) -> list[End]:
    """The upper edges of frames, for a time axis of `length` seconds as wide as `place`, at height `top`.

    Example:
        >>> time_ends([[0.0, 1.0]], Rect(0, 0, 4, 1), 2.0, 1.25)[0].at(0.5)
        (1.0, 1.25)
    """
    scale = place.width / length
    return [End("time", (place.left + a * scale, top), (place.left + b * scale, top)) for a, b in cells]


def word_ends(strips: Sequence[Sequence[Rect]]) -> list[End]:
    """The lower edges of tokens, given their boxes row by row, from the top; lanes lead down between the words.

    Example:
        >>> rows = [[Rect(0.0, 1.0, 2.0, 0.2)], [Rect(0.0, 0.5, 0.9, 0.2), Rect(1.0, 0.5, 1.0, 0.2)]]
        >>> [round(x, 2) for x, upper, lower in word_ends(rows)[0].lanes]
        [0.95]
    """
    ends = []
    for number, row in enumerate(strips):
        for box in row:
            x, lanes = box.left + box.width / 2, []
            for below in strips[number + 1 :]:
                x = _lane(below, x)
                lanes.append((x, below[0].top, below[0].bottom))
            ends.append(End("words", (box.left, box.bottom), (box.right, box.bottom), lanes=tuple(lanes)))
    return ends


def route(start: End, stop: End, shares: tuple[float, float], layout: Layout) -> Float[np.ndarray, "points 2"]:
    """The path of one link, in inches: the points of cubic Bezier curves, each of which starts where the last one ends.

    A link leaves an image to the right, a token downwards, a frame upwards. Between these it stays within the gutter
    and the gap of the layout.

    Args:
        start: one end.
        stop: the other.
        shares: where on the borders of the two it ends, 0..1.
        layout: of the figure.

    Example:
        >>> layout = Layout(4.0, 3.0, {}, (1.0, 2.0), (0.5, 1.0))
        >>> points = route(End("words", (2, 2), (3, 2)), End("time", (2, 1), (3, 1)), (0.5, 0.5), layout)
        >>> points[0].tolist(), points[-1].tolist()
        ([2.5, 2.0], [2.5, 1.0])
    """
    toward = (stop.at(shares[1])[0], start.at(shares[0])[0])
    same_column = start.role == stop.role == "regions"
    out = _leave(start, shares[0], toward[0], layout, same_column)
    back = _leave(stop, shares[1], toward[1], layout, same_column)
    here, there = out[-1], back[-1]
    bend = _bend(here, there, (out, back), layout, same_column)
    return np.array([*out, *bend, *reversed(back)])


def shares_of(count: int) -> list[float]:
    """Where on one border so many links end, side by side.

    Example:
        >>> shares_of(1), shares_of(2)
        ([0.5], [0.3, 0.7])
    """
    reach = min(0.6, 0.4 * (count - 1))
    return [0.5] if count == 1 else [round(float(x), 4) for x in np.linspace(0.5 - reach / 2, 0.5 + reach / 2, count)]


def _lane(row: Sequence[Rect], x: float) -> float:
    """The nearest space between two words of a row, or beside it: straight on where the row has ended."""
    inner = [(a.right + b.left) / 2 for a, b in pairwise(row)]
    outer = [min(x, row[0].left - 0.06), max(x, row[-1].right + 0.06)]
    return min([*inner, *outer], key=lambda lane: abs(lane - x))


def _leave(end: End, share: float, toward: float, layout: Layout, same_column: bool) -> list[Point]:
    """Control points from an end to where the link is free: 1, 4, 7, ... of them, the first at the end itself."""
    point = end.begin(share)
    if end.role == "words":
        return _down(point, end.lanes)
    if end.role == "regions" and not same_column:
        return _aside(point, toward, layout)
    return [point]


def _down(point: Point, lanes: Sequence[tuple[float, float, float]]) -> list[Point]:
    points = [point]
    for x, upper, lower in lanes:
        above = points[-1]
        middle = (above[1] + upper) / 2
        points += [(above[0], middle), (x, middle), (x, upper)]
        points += [(x, upper + (lower - upper) / 3), (x, upper + (lower - upper) * 2 / 3), (x, lower)]
    return points


def _aside(point: Point, toward: float, layout: Layout) -> list[Point]:
    """From a region into the gutter and along it to the height of the gap, if the region is above or below the gap."""
    low, high = layout.gap
    inset = 0.25 * (high - low)
    level = min(max(point[1], low + inset), high - inset)
    if level == point[1]:
        return [point]
    left, right = layout.gutter
    # Links that go further to the right keep further to the left, so that they lie around the others.
    reach = min(max((toward - right) / max(layout.width - right, 1e-9), 0.0), 1.0)
    x = left + (0.75 - 0.5 * reach) * (right - left)
    return [point, (x - 0.3 * (x - point[0]), point[1]), (x, point[1] + 0.25 * (level - point[1])), (x, level)]


def _bend(
    here: Point, there: Point, legs: tuple[list[Point], list[Point]], layout: Layout, same_column: bool
) -> list[Point]:
    """The two inner control points of the curve between the free ends of both legs."""
    low, high = layout.gap
    result = []
    for point, leg, other in ((here, legs[0], there), (there, legs[1], here)):
        if same_column:
            result.append((layout.gutter[1], point[1]))
        elif point[0] <= layout.gutter[0] and len(leg) == 1:  # still at its region: leaves to the right
            result.append((point[0] + 0.5 * (other[0] - point[0]), point[1]))
        else:
            up = 1.0 if _goes_up(point, leg, layout) else -1.0
            reach = max(0.55 * abs(other[1] - point[1]), 0.3 * (high - low))
            result.append((point[0], min(max(point[1] + up * reach, low), high)))
    return result


def _goes_up(point: Point, leg: list[Point], layout: Layout) -> bool:
    """Whether a link is on its way up at the end of its leg; without a leg, it comes from a frame or a token."""
    if len(leg) > 1:
        return leg[-1][1] > leg[-2][1]
    return point[1] - layout.gap[0] < layout.gap[1] - point[1]
