"""`draw_schema`: the modalities of a collection of graphs and the relations between them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from mmgraph.graph import GraphSchema
from mmgraph.viz.style import INK, MUTED, pair_colors

LABEL_SIZE = 8.0
BEND = 0.16  # of an arrow that has a partner in the other direction: height of its arc over its length
PLACES = (0.5, 0.4, 0.6, 0.32, 0.68, 0.25, 0.75)  # along an arrow, where its names may stand; the first that is free
Point = tuple[float, float]


def draw_schema(schema: GraphSchema, ax: Axes | None = None, *, names: int = 4) -> Axes:
    r"""Draws a box per modality on a circle, and arrows between them with the names of the relations.

    An arrow goes from source to destination. Where two modalities have relations of the same names both ways, one
    straight arrow with two heads stands for them; relations within a modality are a loop.

    Does not show: how many nodes and edges there are in any graph (it shows what there may be), attributes, edge
    features and targets.

    Args:
        schema: of the graphs.
        ax: where to draw; a new figure if not given.
        names: relations named on an arrow; of more the rest is counted.

    Raises:
        ValueError: if `names` is below 1.

    Example:
        >>> ax = draw_schema(GraphSchema({"image": 16, "text": 0}, [("text", "with", "image")]))
        >>> [text.get_text() for text in ax.texts]
        ['image\n16 features', 'text', 'with']
    """
    if names < 1:
        raise ValueError(f"{names=} relations are named on an arrow: give at least 1")
    ax = Figure(figsize=(7, 6), layout="constrained").subplots() if ax is None else ax
    modalities = list(schema.modalities)
    places = {name: _place(i, len(modalities)) for i, name in enumerate(modalities)}
    _frame(ax, list(places.values()))
    boxes = {name: _box(ax, name, schema.modalities[name], at) for name, at in places.items()}
    # The places of names depend on the sizes of boxes, which are known once the axes has its size.
    figure = ax.get_figure(root=True)
    if figure is not None:
        figure.draw_without_rendering()
    taken = [_extent(ax, box) for box in boxes.values()]
    colors, named = pair_colors(modalities), _named(schema)
    loops = [src for src, dst in named if src == dst]
    for name in loops:
        taken.append(_loop(ax, places[name], taken[modalities.index(name)], _label(named[name, name], names)))
    for (src, dst), relations in named.items():
        both = named.get((dst, src)) == relations
        if src == dst or (both and modalities.index(src) > modalities.index(dst)):
            continue
        color = colors.get((src, dst)) or colors[dst, src]
        bend = BEND if (dst, src) in named and not both else 0.0
        ends = places[src], places[dst]
        _arrow(ax, ends, (boxes[src], boxes[dst]), color, bend=bend, both=both)
        taken.append(_name(ax, ends, bend, color, _label(relations, names), taken))
    return ax


def _named(schema: GraphSchema) -> dict[tuple[str, str], list[str]]:
    """The names of the relations of each pair of source and destination."""
    named: dict[tuple[str, str], list[str]] = {}
    for src, name, dst in schema.edge_types:
        named.setdefault((src, dst), []).append(name)
    return named


def _place(i: int, count: int) -> Point:
    if count < 3:
        return (0.0, 0.0) if count == 1 else (2.0 * i - 1.0, 0.0)
    angle = math.pi / 2 - 2 * math.pi * i / count
    return 1.25 * math.cos(angle), math.sin(angle)


def _frame(ax: Axes, places: Sequence[Point]) -> None:
    """Limits with room for loops, and no axis."""
    x, y = ([place[axis] for place in places] for axis in (0, 1))
    ax.set(xlim=(min(x) - 0.6, max(x) + 0.6), ylim=(min(y) - 0.75, max(y) + 0.75), aspect="equal")
    ax.axis("off")


def _box(ax: Axes, name: str, channels: int, at: Point) -> Text:
    text = name + (f"\n{channels:,} feature{'s' * (channels != 1)}" if channels else "")
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": INK}
    return ax.text(*at, text, ha="center", va="center", color=INK, bbox=box, zorder=3, parse_math=False)


def _label(relations: Sequence[str], most: int) -> str:
    """Short names in one line of up to 22 characters, then the next one; a name is never cut."""
    parts = [*relations[:most], *([f"{len(relations) - most} more"] if len(relations) > most else [])]
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) + 2 <= 22:
            lines[-1] += ", " + part
        else:
            lines[-1] += ","
            lines.append(part)
    return "\n".join(lines)


def _extent(ax: Axes, text: Text) -> Bbox:
    """What a text takes, with its box, in the coordinates of the axes' data."""
    patch = text.get_bbox_patch()
    shown = text.get_window_extent() if patch is None else patch.get_window_extent()
    return shown.transformed(ax.transData.inverted())


def _arrow(
    ax: Axes, places: tuple[Point, Point], boxes: tuple[Text, Text], color: str, *, bend: float, both: bool
) -> None:
    look: dict[str, Any] = {"color": color, "lw": 1.4, "zorder": 1, "shrinkA": 2, "shrinkB": 2, "mutation_scale": 14}
    start, stop = (box.get_bbox_patch() for box in boxes)
    heads = "<|-|>" if both else "-|>"
    way = f"arc3,rad={2 * bend}"  # of the control point of a quadratic curve, which is twice as high as its arc
    ax.add_patch(FancyArrowPatch(*places, connectionstyle=way, arrowstyle=heads, patchA=start, patchB=stop, **look))


def _name(ax: Axes, places: tuple[Point, Point], bend: float, color: str, label: str, taken: Sequence[Bbox]) -> Bbox:
    """Writes names on an arrow, at the place where they overlap what there is the least."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.9}
    text = ax.text(0, 0, label, ha="center", va="center", color=color, size=LABEL_SIZE, bbox=box, zorder=2)
    text.set_parse_math(False)
    tries = []
    for order, share in enumerate(PLACES):
        text.set_position(_along(places, bend, share))
        extent = _moved_extent(ax, text)
        overlap = sum(_area(Bbox.intersection(extent, other)) for other in taken)
        tries.append((overlap, order, share, extent))
    _, _, share, extent = min(tries, key=lambda found: found[:2])
    text.set_position(_along(places, bend, share))
    return extent


def _moved_extent(ax: Axes, text: Text) -> Bbox:
    """What a text takes that has moved since it was drawn: its box has not moved with it yet."""
    return text.get_window_extent().padded(2).transformed(ax.transData.inverted())


def _along(places: tuple[Point, Point], bend: float, share: float) -> Point:
    """The point of an arrow's curve at a share of its way."""
    (x0, y0), (x1, y1) = places
    dx, dy = x1 - x0, y1 - y0
    control = np.array([(x0 + x1) / 2 + 2 * bend * dy, (y0 + y1) / 2 - 2 * bend * dx])
    at = (1 - share) ** 2 * np.array([x0, y0]) + 2 * share * (1 - share) * control + share**2 * np.array([x1, y1])
    return float(at[0]), float(at[1])


def _area(box: Bbox | None) -> float:
    return 0.0 if box is None else float(box.width * box.height)


def _loop(ax: Axes, at: Point, box: Bbox, label: str) -> Bbox:
    """An arrow from a box to itself with its names: above a box of the upper half, below one of the lower."""
    side, edge = (1, box.y1) if at[1] >= 0 else (-1, box.y0)
    half = min(0.09, 0.3 * box.width)
    ends = (at[0] - half, edge), (at[0] + half, edge)
    look: dict[str, Any] = {"color": MUTED, "lw": 1.2, "zorder": 1, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 11}
    way = f"arc3,rad={-0.144 * side / half}"  # 0.144 high, however wide
    ax.add_patch(FancyArrowPatch(*ends, connectionstyle=way, arrowstyle="-|>", **look))
    align = "bottom" if side > 0 else "top"
    text = ax.text(at[0], edge + side * 0.17, label, ha="center", va=align, size=LABEL_SIZE, color=MUTED, zorder=2)
    text.set_parse_math(False)
    return _moved_extent(ax, text)
