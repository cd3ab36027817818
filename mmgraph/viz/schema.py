"""`draw_schema`: the modalities of a collection of graphs and the relations between them."""

import math
import textwrap
from collections.abc import Sequence

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

from mmgraph.graph import GraphSchema
from mmgraph.viz.style import INK, MUTED, pair_colors


def draw_schema(schema: GraphSchema, ax: Axes | None = None, *, names: int = 4) -> Axes:
    r"""Draws a box per modality on a circle, and an arrow per ordered pair of them that names its relations.

    It shows what there may be, not how many nodes and edges there are in any graph, nor what edge features mean.

    Args:
        schema: of the graphs.
        ax: where to draw; a new figure if not given.
        names: relations named on an arrow; of more the rest is counted.

    Example:
        >>> ax = draw_schema(GraphSchema({"image": 16, "text": 0}, [("text", "with", "image")]))
        >>> [text.get_text() for text in ax.texts]
        ['image\n16 features', 'text', 'with']
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(7, 6), layout="constrained")
    modalities = list(schema.modalities)
    places = {name: _place(i, len(modalities)) for i, name in enumerate(modalities)}
    colors = pair_colors(modalities)
    named: dict[tuple[str, str], list[str]] = {}
    for src, name, dst in schema.edge_types:
        named.setdefault((src, dst), []).append(name)
    boxes = {name: _box(ax, name, schema.modalities[name], at) for name, at in places.items()}
    for (src, dst), relations in named.items():
        label = _label(relations, names)
        if src == dst:
            _loop(ax, places[src], label)
        else:
            color = colors.get((src, dst)) or colors[dst, src]
            _arrow(ax, (places[src], places[dst]), (boxes[src], boxes[dst]), color, label)
    ax.set(xlim=(-1.6, 1.6), ylim=(-1.5, 1.5), aspect="equal")
    ax.axis("off")
    if (figure := ax.get_figure(root=True)) is not None:
        figure.draw_without_rendering()  # arrows end at the boxes, whose sizes are known once they were laid out
    return ax


def _box(ax: Axes, name: str, channels: int, at: tuple[float, float]) -> Text:
    text = name + (f"\n{channels} feature{'s' * (channels != 1)}" if channels else "")
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": INK}
    return ax.text(*at, text, ha="center", va="center", color=INK, bbox=box, zorder=3)


def _place(i: int, count: int) -> tuple[float, float]:
    angle = math.pi / 2 - 2 * math.pi * i / count
    return math.cos(angle), math.sin(angle)


def _label(relations: Sequence[str], most: int) -> str:
    shown = list(relations[:most]) + ([f"{len(relations) - most} more"] if len(relations) > most else [])
    return textwrap.fill(", ".join(shown), 22)


def _arrow(ax: Axes, places: tuple[tuple[float, float], ...], boxes: tuple[Text, Text], color: str, label: str) -> None:
    src, dst = places
    ends = [box.get_bbox_patch() for box in boxes]
    arrow = FancyArrowPatch(
        src,
        dst,
        connectionstyle="arc3,rad=0.18",
        arrowstyle="-|>",
        mutation_scale=14,
        color=color,
        lw=1.4,
        zorder=1,
        patchA=ends[0],
        patchB=ends[1],
        shrinkA=2,
        shrinkB=2,
    )
    ax.add_patch(arrow)
    # before the middle of the arc, on its own side of the line, so that both directions can be read
    (x, y), (dx, dy) = src, (dst[0] - src[0], dst[1] - src[1])
    at = (x + 0.38 * dx + 0.085 * dy, y + 0.38 * dy - 0.085 * dx)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
    ax.text(*at, label, ha="center", va="center", fontsize=8, color=color, bbox=box, zorder=2)


def _loop(ax: Axes, at: tuple[float, float], label: str) -> None:
    """Above a box of the upper half, below one of the lower."""
    (x, y), side = at, 1 if at[1] >= 0 else -1
    edge = y + side * 0.19
    arrow = FancyArrowPatch(
        (x - 0.12, edge),
        (x + 0.12, edge),
        connectionstyle=f"arc3,rad={-1.2 * side}",
        arrowstyle="-|>",
        mutation_scale=12,
        color=MUTED,
        lw=1.2,
        zorder=1,
    )
    ax.add_patch(arrow)
    ax.text(x, edge + side * 0.22, label, ha="center", va="center", fontsize=8, color=MUTED, zorder=2)
