"""The key below a sample's figure: what colours, widths and tints mean."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mmgraph.explain import SampleAttention
from mmgraph.viz.layout import MARGIN, Layout
from mmgraph.viz.links import OPACITIES, THIN, pair_of, thickest
from mmgraph.viz.style import INK, MUTED, mix, pair_colors
from mmgraph.viz.tokens import text_width

SIZE = 8.0
ROW = 0.21
LINE_HEIGHT = 1.35 * SIZE * 1.17 / 72


@dataclass(frozen=True)
class Entry:
    """A mark and its text: a line of some width and colour, or (no line) the bar of the tint before the text.

    Example:
        >>> Entry("image – text", "#0072B2", 2.0).length > 0.4
        True
    """

    text: str
    color: str = MUTED
    line: float | None = None
    opacity: float = 1.0
    before: str = ""

    @property
    def mark(self) -> float:
        """Inches that the mark takes."""
        return 0.28 if self.line is not None else 0.7

    @property
    def length(self) -> float:
        """Inches that the entry takes, with the space after it."""
        return self.mark + sum(text_width(text, SIZE) + 0.08 for text in (self.before, self.text) if text) + 0.14


def key_height(attention: SampleAttention | None, order: Sequence[str], width: float) -> float:
    """Inches that the key takes in a figure of the given width.

    Example:
        >>> key_height(None, ["text"], 11.0)
        0.2
    """
    if attention is None:
        return 0.2
    return entries_height(_entries(attention, order), attention.caption, width)


def entries_height(entries: Sequence[Entry], caption: str, width: float) -> float:
    """Inches that entries and a caption take.

    Example:
        >>> entries_height([], "", 11.0) < entries_height([], "what is shown", 11.0)
        True
    """
    return 0.4 + len(_rows(entries, width)) * ROW + len(_lines(caption, width)) * LINE_HEIGHT


def draw_key(fig: Figure, attention: SampleAttention, layout: Layout, order: Sequence[str]) -> None:
    """Draws colours and widths of the links that there are, the scale of the tint, and the caption.

    Args:
        fig: drawn into.
        attention: what was drawn.
        layout: of the figure.
        order: the modalities; fixes the colour of each pair.
    """
    draw_entries(fig, _entries(attention, order), attention.caption, layout)


def draw_entries(fig: Figure, entries: Sequence[Entry], caption: str, layout: Layout) -> None:
    """Draws entries in rows, and a caption below them, in the room below the panels."""
    y = layout.below - 0.28
    for row in _rows(entries, layout.width):
        x = MARGIN
        for entry in row:
            _draw(fig, layout, entry, x, y)
            x += entry.length
        y -= ROW
    style: dict[str, Any] = {"size": SIZE, "color": MUTED, "va": "top", "linespacing": 1.35}
    lines = "\n".join(_lines(caption, layout.width))
    fig.text(*layout.point(MARGIN, y + 0.02), lines, parse_math=False, **style)


def _entries(attention: SampleAttention, order: Sequence[str]) -> list[Entry]:
    pairs = {pair_of(link, order) for link in attention.links}
    entries = [Entry(" – ".join(p), color, 2.0) for p, color in pair_colors(order).items() if p in pairs]
    if attention.links:
        largest, thick = max(link.mean for link in attention.links), thickest(len(attention.links))
        for share, before in ((0.25, "attention weight"), (1.0, "")):
            width, opacity = THIN + share * (thick - THIN), OPACITIES[0] + share * (OPACITIES[1] - OPACITIES[0])
            entries.append(Entry(f"{share * largest:.3f}", MUTED, width, opacity, before))
    if attention.flow:
        entries.append(Entry("largest of the panel", before="attention flow  0"))
    return entries


def _rows(entries: Sequence[Entry], width: float) -> list[list[Entry]]:
    """The entries in as many rows as they need."""
    rows: list[list[Entry]] = [[]]
    for entry in entries:
        if rows[-1] and sum(e.length for e in rows[-1]) + entry.length > width - 2 * MARGIN:
            rows.append([])
        rows[-1].append(entry)
    return rows


def _lines(caption: str, width: float) -> list[str]:
    return textwrap.wrap(caption, max(20, int((width - 2 * MARGIN) * 72 / (0.52 * SIZE))))


def _draw(fig: Figure, layout: Layout, entry: Entry, x: float, y: float) -> None:
    if entry.before:
        _text(fig, layout, (x, y), entry.before, MUTED)
        x += text_width(entry.before, SIZE) + 0.08
    if entry.line is None:
        _tint(fig, layout, (x, y))
    else:
        (x0, level), (x1, _) = layout.point(x, y), layout.point(x + 0.28, y)
        line = Line2D([x0, x1], [level, level], color=entry.color, linewidth=entry.line, alpha=entry.opacity)
        line.set_transform(fig.transFigure)
        fig.add_artist(line)
    _text(fig, layout, (x + entry.mark + 0.08, y), entry.text, MUTED if entry.line is None else INK)


def _text(fig: Figure, layout: Layout, at: tuple[float, float], text: str, color: str) -> None:
    fig.text(*layout.point(*at), text, size=SIZE, color=color, va="center_baseline", parse_math=False)


def _tint(fig: Figure, layout: Layout, at: tuple[float, float]) -> None:
    """A bar from white to the full tint."""
    ax = fig.add_axes((*layout.point(at[0], at[1] - 0.06), *layout.point(0.7, 0.12)), label="flow scale")
    scale = LinearSegmentedColormap.from_list("flow", [mix(i / 8) for i in range(9)])
    ax.imshow([[i / 63 for i in range(64)]], cmap=scale, aspect="auto", extent=(0, 1, 0, 1))
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(color=MUTED, linewidth=0.4)
