"""Colours and words that all pictures share."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float
from matplotlib.colors import to_rgb
from torch import Tensor

# Okabe and Ito, "Color Universal Design", 2008: told apart with every common colour vision, without its yellow, which
# is lost on white paper. In black and white print the two panels that a link joins still say which pair it is.
PAIR_COLORS = ("#0072B2", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
TINT = "#E69F00"  # of the same palette, and kept for the flow alone
INK = "#1B1F24"
MUTED = "#5B636D"
LINE = "#B9C0C8"


def pair_colors(modalities: Iterable[str]) -> dict[tuple[str, str], str]:
    """A colour per unordered pair of different modalities, in the order of the schema; after six pairs they repeat.

    Example:
        >>> pair_colors(["image", "text"])
        {('image', 'text'): '#0072B2'}
    """
    names = list(modalities)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    return {pair: PAIR_COLORS[i % len(PAIR_COLORS)] for i, pair in enumerate(pairs)}


def tints(flow: Float[Tensor, " nodes"]) -> Float[np.ndarray, " nodes"]:
    """How strong each node is tinted, 0..1: its flow over the largest.

    Example:
        >>> import torch
        >>> tints(torch.tensor([0.5, 0.25])).tolist(), tints(torch.zeros(1)).tolist()
        ([1.0, 0.5], [0.0])
    """
    values = np.asarray(flow.cpu(), dtype=np.float64)
    largest = values.max(initial=0.0)
    return values / largest if largest > 0 else np.zeros_like(values)


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
