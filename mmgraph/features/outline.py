"""The outline of regions of an image as polygons with a fixed number of corners."""

import heapq
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

RIGHT, DOWN, LEFT, UP = range(4)
STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))  # x, y; clockwise where y points down
Point = tuple[int, int]


def outlines(
    labels: Int[np.ndarray, "height width"], number: int, corners: int
) -> Float[np.ndarray, "regions corners 2"]:
    """The outer border of each region as a polygon, clockwise, x and y in pixels.

    Borders run between pixels, so a region with few corners is kept exactly. Of more corners those that change the
    polygon least go first (Visvalingam and Whyatt 1993). Fewer are filled up with the last one. Holes are not cut out.

    Args:
        labels: the region of each pixel, 0 to `number` - 1; each is connected over the sides of its pixels.
        number: of regions.
        corners: of a polygon, at least 3.

    Example:
        >>> outlines(np.array([[0, 0, 1]]), 2, 5)[0].tolist()
        [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    """
    ways = _ways(labels, number)
    starts = np.unique(labels, return_index=True)[1]  # the first pixel of a region is on its outer border
    width = labels.shape[1]
    found = np.zeros((number, corners, 2))
    for region, start in enumerate(starts.tolist()):
        polygon = _simplify(_walk(ways[region], (start % width, start // width)), corners)
        found[region] = polygon + [polygon[-1]] * (corners - len(polygon))
    return found


def _ways(labels: NDArray[np.integer], number: int) -> list[dict[Point, list[int]]]:
    """Per region the directions in which its border leaves a corner of pixels, with the region on the right hand."""
    height, width = labels.shape
    framed = np.full((height + 2, width + 2), -1)
    framed[1:-1, 1:-1] = labels
    ways: list[dict[Point, list[int]]] = [{} for _ in range(number)]
    # Where the border along one side of a pixel starts, relative to the pixel, and the pixel beyond that side.
    sides = ((RIGHT, 0, 0, 0, -1), (DOWN, 1, 0, 1, 0), (LEFT, 1, 1, 0, 1), (UP, 0, 1, -1, 0))
    for direction, from_x, from_y, beyond_x, beyond_y in sides:
        beyond = framed[1 + beyond_y : 1 + beyond_y + height, 1 + beyond_x : 1 + beyond_x + width]
        y, x = np.nonzero(labels != beyond)
        for region, corner in zip(
            labels[y, x].tolist(), zip((x + from_x).tolist(), (y + from_y).tolist(), strict=True), strict=True
        ):
            ways[region].setdefault(corner, []).append(direction)
    return ways


def _walk(ways: dict[Point, list[int]], start: Point) -> list[Point]:
    """Corners of the border that starts to the right at `start`, those between two straight pieces left out."""
    corners, place, direction = [start], start, RIGHT
    while True:
        place = (place[0] + STEPS[direction][0], place[1] + STEPS[direction][1])
        # Where two pixels touch at a corner only, turning right stays on the same pixel.
        turn = next(turn for turn in (1, 0, 3) if (direction + turn) % 4 in ways[place])
        if place == start and (direction + turn) % 4 == RIGHT:
            return corners
        if turn:
            corners.append(place)
        direction = (direction + turn) % 4


def _simplify(polygon: Sequence[Point], corners: int) -> list[Point]:
    """At most so many corners; each time the one goes that makes the smallest triangle with its neighbours."""
    count = len(polygon)
    before, after = [index - 1 for index in range(count)], [(index + 1) % count for index in range(count)]
    before[0] = count - 1
    area = [_area(polygon[before[i]], polygon[i], polygon[after[i]]) for i in range(count)]
    heap = [(value, index) for index, value in enumerate(area)]
    heapq.heapify(heap)
    gone = [False] * count
    for _ in range(count - corners):
        value, index = heapq.heappop(heap)
        while gone[index] or value != area[index]:  # an entry from before a neighbour went
            value, index = heapq.heappop(heap)
        gone[index] = True
        left, right = before[index], after[index]
        after[left], before[right] = right, left
        for i in (left, right):
            area[i] = max(value, _area(polygon[before[i]], polygon[i], polygon[after[i]]))
            heapq.heappush(heap, (area[i], i))
    return [point for point, out in zip(polygon, gone, strict=True) if not out]


def _area(a: Point, b: Point, c: Point) -> int:
    """Twice the area of a triangle."""
    return abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]))
