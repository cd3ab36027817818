"""`draw_confusion`: which classes are taken for which."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from mmgraph.viz.style import INK, LINE, MUTED, SHADES, ink_on, new_axes, shade

WRITTEN = 20  # classes up to which counts are written
LONGEST = 24  # letters of a class's name


def draw_confusion(
    truth: Int[Tensor, "_"],
    predicted: Int[Tensor, "_"],
    ax: Axes | None = None,
    *,
    classes: Sequence[str] | None = None,
) -> Axes:
    """A row per true class, a column per predicted one: counts, shaded by their share of the row.

    The diagonal, with a frame, is what is right. Behind a class's name stands how many samples it has; from 21 classes
    on, counts are not written, from 41 on, not every class is named.

    Does not show: how sure the predictions are, and how much of a share is chance: with few samples in a row a dark
    cell says little.

    Args:
        truth: class numbers, [samples]; samples without a known class are to be left out by the caller.
        predicted: class numbers of the same samples.
        ax: where to draw; a new figure if not given.
        classes: their names; numbers if not given.

    Raises:
        ValueError: if the two have different lengths, if there is no sample, or a class has no name.

    Example:
        >>> ax = draw_confusion(torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1]), classes=["cat", "dog"])
        >>> [text.get_text() for text in ax.texts], ax.get_yticklabels()[0].get_text()
        (['1', '1', '0', '1'], 'cat (2)')
    """
    counts = _counts(truth, predicted, classes)
    size = len(counts)
    names = [str(i) for i in range(size)] if classes is None else [_short(name) for name in classes]
    side = float(np.clip(0.45 * size, 2.5, 8.0))
    ax = new_axes(side + 1.8, side + 1.0) if ax is None else ax
    totals = counts.sum(1)
    shares = np.divide(counts, totals[:, None], where=totals[:, None] > 0, out=np.zeros(counts.shape))
    ax.imshow(shares, cmap=SHADES, vmin=0, vmax=1)
    width = 1.2 if size <= 40 else 0.4
    for i in range(size):
        ax.add_patch(Rectangle((i - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=width))
    if size <= WRITTEN:
        for (y, x), share in np.ndenumerate(shares):
            color = ink_on(shade(float(share))) if counts[y, x] else LINE
            ax.text(x, y, f"{counts[y, x]:,}", ha="center", va="center", size=8 if size <= 12 else 6.5, color=color)
    step = -(-size // 40)
    rows = [f"{name} ({total:,})" for name, total in zip(names, totals.tolist(), strict=True)]
    ax.set_xticks(range(0, size, step), names[::step], rotation=90 if max(map(len, names)) > 2 else 0, parse_math=False)
    ax.set_yticks(range(0, size, step), rows[::step], parse_math=False)
    ax.tick_params(labelsize=8 if size <= WRITTEN else 6.5, colors=INK, length=0)
    ax.set_xlabel("predicted", size=9, color=MUTED)
    ax.set_ylabel("true class (samples)", size=9, color=MUTED)
    ax.spines[:].set(color=LINE, linewidth=0.6)
    return ax


def _counts(truth: Tensor, predicted: Tensor, classes: Sequence[str] | None) -> Int[np.ndarray, "truth predicted"]:
    if truth.shape != predicted.shape or truth.dim() != 1:
        raise ValueError(f"{tuple(truth.shape)} true and {tuple(predicted.shape)} predicted: give one class per sample")
    if not truth.numel():
        raise ValueError("no sample to draw: give at least one")
    both = torch.cat([truth, predicted]).long().cpu()
    size = int(both.max()) + 1 if classes is None else len(classes)
    outside = both[(both < 0) | (both >= size)]
    if outside.numel():
        raise ValueError(f"class {int(outside[0])} is not in 0..{size - 1}: leave such samples out, or name the class")
    pairs = torch.bincount(truth.long().cpu() * size + predicted.long().cpu(), minlength=size**2)
    return pairs.view(size, size).numpy()


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
