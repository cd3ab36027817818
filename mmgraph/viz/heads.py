"""`draw_heads`: modality-by-modality attention of every layer and head, as small multiples."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from mmgraph.explain import ModalityAttention
from mmgraph.viz.style import LINE, MUTED, SHADES, ink_on, new_axes, shade

GAP = 0.5  # between two matrices, in cells


def draw_heads(attention: ModalityAttention, ax: Axes | None = None, *, graph: int | None = None) -> Axes:
    """A matrix of modalities per layer (downwards) and head (to the right), all with one scale from 0 to 1.

    In each matrix, rows attend and sum to one, columns are attended to, both in the order that the first one is
    labelled with. With up to four modalities and few heads the share is written in each cell; else a bar says what a
    shade is.

    Does not show: how sure a mean is (`draw_flow_matrix` gives intervals), nor that heads of different layers with the
    same number have nothing to do with each other. A head that differs from the others need not matter to the output.

    Args:
        attention: from `modality_attention` or `data_modality_attention`.
        ax: where to draw; a new figure if not given.
        graph: number of one graph; the mean over graphs if not given.

    Raises:
        ValueError: if there is no layer or no such graph.

    Example:
        >>> import torch
        >>> matrix = torch.tensor([[[[1.0, 0.0], [0.25, 0.75]]] * 3])
        >>> matrix.shape  # one graph, three heads
        torch.Size([1, 3, 2, 2])
        >>> ax = draw_heads(ModalityAttention(("image", "text"), ("first", "second"), (matrix[:, :1], matrix), None))
        >>> len(ax.images), ax.get_xlabel()
        (4, 'attended to')
    """
    tables = _tables(attention, graph)
    names, most = attention.modalities, max(len(layer) for layer in tables)
    size, step = len(names), len(names) + GAP
    if ax is None:
        cell = min(0.42, 9 / (most * step))
        ax = new_axes(cell * most * step + 2.0, cell * len(tables) * step + 1.2)
    write = size <= 4 and most * size <= 24
    for y, layer in enumerate(tables):
        for x, matrix in enumerate(layer):
            _matrix(ax, matrix, x * step, y * step, write=write)
    if not write:
        _scale(ax)
    ax.set(xlim=(-0.1, most * step - GAP + 0.1), ylim=(len(tables) * step - GAP + 0.1, -0.1), aspect="equal")
    ax.set_xticks([i + 0.5 for i in range(size)], names, rotation=90, parse_math=False)
    ax.set_yticks([i + 0.5 for i in range(size)], names, parse_math=False)
    ax.tick_params(labelsize=7.5, colors=MUTED, length=0, bottom=False, labelbottom=False, labeltop=True)
    ax.set_xlabel("attended to", size=8.5, color=MUTED, loc="left")
    ax.xaxis.set_label_position("top")
    ax.set_ylabel("attends", size=8.5, color=MUTED, loc="top")
    ax.spines[:].set_visible(False)
    for x in range(most):
        _say(ax, x * step + size / 2, len(tables) * step - GAP + 0.25, f"head {x + 1}", ("center", "top"))
    for y, name in enumerate(attention.layers):
        right = len(tables[y]) * step - GAP + 0.3
        _say(ax, right, y * step + size / 2, f"layer {y + 1}\n{name}", ("left", "center"))
    return ax


def _tables(attention: ModalityAttention, graph: int | None) -> list[Float[np.ndarray, "_ modalities modalities"]]:
    """A matrix per head of each layer, of one graph or the mean over graphs."""
    if not attention.layers:
        raise ValueError("the attention has no layer: record a model whose convs attend")
    graphs = len(attention.heads[0])
    if graph is not None and not 0 <= graph < graphs:
        raise ValueError(f"no graph {graph}: the attention is of {graphs}")
    layers = range(len(attention.layers))
    return [(attention.mean(i) if graph is None else attention.layer(i)[graph]).cpu().numpy() for i in layers]


def _matrix(ax: Axes, matrix: Float[np.ndarray, "rows columns"], left: float, top: float, *, write: bool) -> None:
    size = len(matrix)
    ax.imshow(matrix, cmap=SHADES, vmin=0, vmax=1, extent=(left, left + size, top + size, top))
    ax.add_patch(Rectangle((left, top), size, size, fill=False, edgecolor=LINE, linewidth=0.8))
    for (y, x), share in np.ndenumerate(matrix):
        if write and not np.isnan(share):
            at, color = (left + x + 0.5, top + y + 0.5), ink_on(shade(float(share)))
            said = "1" if share >= 0.995 else f"{share:.2f}".removeprefix("0")
            ax.text(*at, said, size=6.5, color=color, ha="center", va="center")


def _scale(ax: Axes) -> None:
    """What a shade is, where cells are too small to say it."""
    bar = ax.figure.colorbar(ax.images[0], ax=ax, location="bottom", shrink=0.3, aspect=30, pad=0.02, ticks=[0, 0.5, 1])
    bar.set_label("share of the attention", size=8, color=MUTED)
    bar.ax.tick_params(labelsize=7.5, colors=MUTED, length=2)
    bar.outline.set(edgecolor=LINE, linewidth=0.6)


def _say(ax: Axes, x: float, y: float, text: str, align: tuple[str, str]) -> None:
    ax.text(x, y, text, ha=align[0], va=align[1], size=8, color=MUTED, clip_on=False, parse_math=False)
