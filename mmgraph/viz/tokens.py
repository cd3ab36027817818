"""`draw_tokens`: tokens as a strip of words that wraps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch
from matplotlib.textpath import TextToPath
from torch import Tensor

from mmgraph.viz.style import INK, LINE, mix, tints


@dataclass(frozen=True)
class TokenBox:
    """Where a token stands, in inches from the upper left corner of its strip; y grows downwards.

    Example:
        >>> TokenBox("two", 0, 0.0, 0.1, 0.4, 0.2).bottom
        0.3...
    """

    text: str
    row: int
    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.top + self.height


def font_size(tokens: int) -> float:
    """Points for a strip of so many tokens.

    Example:
        >>> font_size(5), font_size(500)
        (11.0, 6.5)
    """
    return 11.0 if tokens <= 24 else 9.0 if tokens <= 80 else 7.5 if tokens <= 200 else 6.5


def wrap_tokens(texts: Sequence[str], width: float, size: float) -> list[TokenBox]:
    """Tokens set from left to right in as many rows as it takes.

    White space within a token becomes one space, an empty token "·", a character that has no picture "�", and a token
    that is wider than the strip is cut.

    Args:
        texts: the tokens.
        width: of the strip, in inches.
        size: of the font, in points.

    Example:
        >>> [(box.text, box.row) for box in wrap_tokens(["a", "long", "line"], 0.8, 10.0)]
        [('a', 0), ('long', 0), ('line', 1)]
    """
    pad, space, height = 0.45 * size / 72, 0.55 * size / 72, 1.7 * size / 72
    pitch = height + 1.1 * size / 72  # links to this row pass below it
    boxes, left, row = [], 0.0, 0
    for text in texts:
        shown, inner = _fit(_visible(text), width - 2 * pad, size)
        if left > 0 and left + inner + 2 * pad > width:
            left, row = 0.0, row + 1
        boxes.append(TokenBox(shown, row, left, row * pitch, inner + 2 * pad, height))
        left += inner + 2 * pad + space
    return boxes


def draw_tokens(
    texts: Sequence[str],
    *,
    flow: Float[Tensor, " tokens"] | None = None,
    largest: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Tokens in reading order, each in a box, tinted by flow, scaled to the largest.

    Does not show: white space within tokens, and the end of a token that is wider than the strip.

    Args:
        texts: the tokens.
        flow: a number of at least 0 per token.
        largest: the flow that has the full tint; the largest of the tokens if not given.
        ax: where to draw; its data coordinates become inches. A new figure if not given.

    Example:
        >>> ax = draw_tokens(["two", "dogs"])
        >>> [text.get_text() for text in ax.texts]
        ['two', 'dogs']
    """
    size = font_size(len(texts))
    if ax is None:
        boxes = wrap_tokens(texts, 6.0, size)
        height = boxes[-1].bottom if boxes else 0.3
        ax = Figure(figsize=(6, height)).add_axes((0, 0, 1, 1))
    extent = ax.get_window_extent()
    width, height = extent.width / ax.figure.dpi, extent.height / ax.figure.dpi
    draw_boxes(wrap_tokens(texts, width, size), flow, (width, height), ax, largest)
    return ax


def draw_boxes(
    boxes: Sequence[TokenBox],
    flow: Float[Tensor, " tokens"] | None,
    shape: tuple[float, float],
    ax: Axes,
    largest: float | None = None,
) -> None:
    """Draws wrapped tokens into an axes of the given width and height in inches."""
    ax.set(xlim=(0, shape[0]), ylim=(shape[1], 0))
    ax.set_axis_off()
    strength = np.zeros(len(boxes)) if flow is None else tints(flow, largest)
    size = font_size(len(boxes)) if not boxes else boxes[0].height * 72 / 1.7
    for box, tint in zip(boxes, strength, strict=True):
        ax.add_patch(
            FancyBboxPatch(
                (box.left, box.top),
                box.width,
                box.height,
                boxstyle=f"round,pad=0,rounding_size={0.25 * box.height}",
                facecolor=mix(float(tint)),
                edgecolor=LINE,
                linewidth=0.7,
                clip_on=False,
            )
        )
        middle = (box.left + box.width / 2, box.top + 0.5 * box.height)
        ax.text(*middle, box.text, size=size, color=INK, ha="center", va="center_baseline", parse_math=False)


def text_width(text: str, size: float) -> float:
    """Inches that a text takes, dollar signs and all.

    Example:
        >>> text_width("wide", 10) > text_width("li", 10) > 0
        True
    """
    width, _, _ = TextToPath().get_text_width_height_descent(text, FontProperties(size=size), False)
    return float(width) / 72


def _visible(text: str) -> str:
    joined = " ".join(text.split()) or "·"
    return "".join(character if character.isprintable() else "�" for character in joined)


def _fit(text: str, width: float, size: float) -> tuple[str, float]:
    """The text, cut with an ellipsis if it is wider than `width`, and its width."""
    inner = text_width(text, size)
    if inner <= width:
        return text, inner
    kept = int(len(text) * width / inner)
    while kept > 1 and text_width(text[:kept] + "…", size) > width:
        kept -= 1
    shown = text[: max(kept, 1)] + "…"
    return shown, text_width(shown, size)
