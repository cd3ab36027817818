"""Colours and words that all pictures share."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from torch import Tensor

# Okabe and Ito, "Color Universal Design", 2008: told apart with every common colour vision, without its yellow, which
# is lost on white paper. In black and white print the two panels that a link joins still say which pair it is.
PAIR_COLORS = ("#0072B2", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
TINT = "#E69F00"  # of the same palette, and kept for the flow alone
MARKERS = ("o", "s", "^", "D", "v", "P")  # told apart where colours are not
INK = "#1B1F24"
MUTED = "#5B636D"
LINE = "#B9C0C8"
SHADES = LinearSegmentedColormap.from_list("shades", ["#FFFFFF", "#9CC5E3", "#0072B2", "#00304F"])  # 0 is white paper


def pair_colors(modalities: Iterable[str]) -> dict[tuple[str, str], str]:
    """A colour per unordered pair of different modalities, in the order of the schema; after six pairs they repeat.

    Example:
        >>> pair_colors(["image", "text"])
        {('image', 'text'): '#0072B2'}
    """
    names = list(modalities)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    return {pair: PAIR_COLORS[i % len(PAIR_COLORS)] for i, pair in enumerate(pairs)}


def tints(flow: Float[Tensor, " nodes"], largest: float | None = None) -> Float[np.ndarray, " nodes"]:
    """How strong each node is tinted, 0..1: its flow over the largest one, or over a `largest` that panels share.

    Example:
        >>> import torch
        >>> tints(torch.tensor([0.5, 0.25])).tolist(), tints(torch.zeros(1)).tolist()
        ([1.0, 0.5], [0.0])
    """
    values = np.asarray(flow.cpu(), dtype=np.float64)
    top = float(values.max(initial=0.0)) if largest is None else largest
    return np.clip(values / top, 0, 1) if top > 0 else np.zeros_like(values)


def mix(strength: float) -> tuple[float, float, float]:
    """The tint on white paper: white for 0, almost the full colour for 1, so that black text stays readable.

    Example:
        >>> mix(0.0)
        (1.0, 1.0, 1.0)
    """
    red, green, blue = (1 - 0.85 * strength * (1 - part) for part in to_rgb(TINT))
    return red, green, blue


def heading(modality: str, count: int, noun: str, flow: Float[Tensor, " nodes"] | None) -> str:
    """What a panel shows.

    Example:
        >>> heading("image", 1, "region", None)
        'image · 1 region'
    """
    text = f"{modality} · {count:,} {noun}{'s' * (count != 1)}"
    return text if flow is None or count == 0 else f"{text} · attention flow up to {float(flow.max()):.3f}"


def shade(strength: float) -> tuple[float, float, float]:
    """The colour of a cell, 0..1, in a matrix: from white through blue to almost black, in print too.

    Example:
        >>> shade(0.0)
        (1.0, 1.0, 1.0)
    """
    red, green, blue, _ = SHADES(strength)
    return float(red), float(green), float(blue)


def ink_on(color: tuple[float, float, float]) -> str:
    """Black or white, whichever is easier to read on a colour.

    Example:
        >>> ink_on(shade(0.1)) == INK, ink_on(shade(0.9))
        (True, '#FFFFFF')
    """
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color]
    luminance = float(np.dot((0.2126, 0.7152, 0.0722), linear))  # of WCAG, as is the contrast of two
    return INK if luminance > 0.208 else "#FFFFFF"


def new_axes(width: float, height: float) -> Axes:
    """An axes alone in a new figure of a size in inches.

    Example:
        >>> new_axes(4, 3).figure.get_size_inches().tolist()
        [4.0, 3.0]
    """
    return Figure(figsize=(width, height), layout="constrained").subplots()


def quiet(ax: Axes) -> None:
    """Thin grey borders and ticks, small labels, none above and on the right."""
    ax.tick_params(labelsize=8, colors=MUTED, length=2.5, width=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    for spine in ax.spines.values():
        spine.set(color=LINE, linewidth=0.6)


def legend(ax: Axes) -> None:
    """What the lines are, at the right of the axes, where it covers nothing.

    Example:
        >>> ax = new_axes(4, 3)
        >>> _ = ax.plot([0, 1], label="GraphFusion")
        >>> legend(ax)
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['GraphFusion']
    """
    for text in ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=8).get_texts():
        text.set(color=INK, parse_math=False)
