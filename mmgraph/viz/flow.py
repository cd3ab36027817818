"""`draw_flow_matrix` and `draw_flow`: how much each modality attends to each, as a table and as ribbons."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from mmgraph.explain import Estimate, ModalityAttention
from mmgraph.viz.style import INK, LINE, MUTED, SHADES, ink_on, new_axes, pair_colors, shade

BAR = 0.05  # width of the bar of a modality; the figure is 1 wide
SPACE = 0.12  # between two bars, of the height of a destination's
NAMED = 0.1  # share from which a ribbon says it: narrower ones have no room

Table = dict[tuple[str, str], Estimate]


def draw_flow_matrix(
    attention: ModalityAttention, ax: Axes | None = None, *, layer: str | int | None = None, head: int | None = None
) -> Axes:
    """A row per modality that attends and a column per modality attended to, with means over graphs and intervals.

    Each row sums to one. Intervals cover 95 % and are over graphs. The shade goes from 0 to 1 in every figure, so
    figures compare; modalities that nothing enters have an empty row.

    Does not show: how many nodes a modality has (one with more gets more, if all get the same), differences between
    graphs other than as an interval, differences between heads unless one is asked for, and another seed of the model.

    Args:
        attention: from `modality_attention` or `data_modality_attention`.
        ax: where to draw; a new figure if not given.
        layer: name or number of a layer; None for the flow to the pooled output through all layers.
        head: of the layer; the mean over heads if not given.

    Raises:
        ValueError: as `ModalityAttention.estimate` does.

    Example:
        >>> import torch
        >>> matrix = torch.tensor([[[[1.0, 0.0], [0.25, 0.75]]]])
        >>> ax = draw_flow_matrix(ModalityAttention(("image", "text"), ("conv",), (matrix,), None), layer=0)
        >>> [text.get_text() for text in ax.texts[::2]]
        ['1.00', '0.00', '0.25', '0.75']
    """
    names = attention.modalities
    table = _table(attention, layer, head)
    size = 1.1 * len(names) + 1.4
    ax = new_axes(size + 0.6, size) if ax is None else ax
    means = np.array([[table[row, column].mean for column in names] for row in names])
    ax.imshow(means, cmap=SHADES, vmin=0, vmax=1)
    for (y, x), mean in np.ndenumerate(means):
        if not np.isnan(mean):
            found, color = table[names[y], names[x]], ink_on(shade(float(mean)))
            ax.text(x, y, f"{mean:.2f}", ha="center", va="bottom", size=11, color=color)
            bounds = f"{found.low:.2f} to {found.high:.2f}" if found.num_graphs > 1 else "one graph"
            ax.text(x, y + 0.08, bounds, ha="center", va="top", size=6.5, color=color)
    for y in np.flatnonzero(np.isnan(means).all(1)).tolist():
        ax.text((len(names) - 1) / 2, y, "no edge enters", ha="center", va="center", size=8, color=MUTED)
    places = range(len(names))
    ax.set_xticks(places, names, parse_math=False)
    ax.set_yticks(places, names, parse_math=False)
    ax.tick_params(labelsize=9, colors=INK, length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    ax.set_xlabel("attended to", size=9, color=MUTED)
    ax.xaxis.set_label_position("top")
    ax.set_ylabel(_rows(attention, layer, head), size=9, color=MUTED, parse_math=False)
    ax.set_xticks(np.arange(len(names) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(len(names) + 1) - 0.5, minor=True)
    ax.grid(which="minor", color=LINE, linewidth=0.6)
    ax.tick_params(which="minor", length=0)
    ax.spines[:].set(color=LINE, linewidth=0.6)
    return ax


def draw_flow(
    attention: ModalityAttention, ax: Axes | None = None, *, layer: str | int | None = None, head: int | None = None
) -> Axes:
    """Ribbons from the modalities that are attended to, on the left, to those that attend, on the right.

    All bars on the right are equally high, since each modality has one unit of attention; a ribbon is as wide as its
    share, the mean over graphs. Colour says which pair of modalities a ribbon joins, as in all figures; grey is within
    one. Shares of 0.1 and more are written where the ribbon ends.

    Does not show: intervals (`draw_flow_matrix` does), how many nodes a modality has, single graphs, and which nodes
    attend to which.

    Args:
        attention: from `modality_attention` or `data_modality_attention`.
        ax: where to draw; a new figure if not given.
        layer: name or number of a layer; None for the flow to the pooled output through all layers.
        head: of the layer; the mean over heads if not given.

    Raises:
        ValueError: as `ModalityAttention.estimate` does.

    Example:
        >>> import torch
        >>> matrix = torch.tensor([[[[1.0, 0.0], [0.25, 0.75]]]])
        >>> ax = draw_flow(ModalityAttention(("image", "text"), ("conv",), (matrix,), None), layer=0)
        >>> [text.get_text() for text in ax.texts][:2]
        ['image  1.25', 'text  0.75']
    """
    names, table = attention.modalities, _table(attention, layer, head)
    ax = new_axes(7, 1.1 * len(names) + 1.2) if ax is None else ax
    shares = {pair: found.mean for pair, found in table.items() if found.mean > 0}  # drops NaN too
    attend = [name for name in names if any(row == name for row, _ in shares)]
    given = {name: sum(share for (_, column), share in shares.items() if column == name) for name in names}
    height = len(attend) + SPACE * (len(names) - 1)
    left = _stack({name: given[name] for name in names}, height)
    right = _stack(dict.fromkeys(attend, 1.0), height)
    for name in names:
        _bar(ax, 0.0, left[name], given[name])
        _say(ax, -0.015, left[name] - given[name] / 2, f"{name}  {given[name]:.2f}", "right")
    for name in attend:
        _bar(ax, 1.0 - BAR, right[name], 1.0)
        _say(ax, 1.015, right[name] - 0.5, name, "left")
    _ribbons(ax, names, shares, dict(left), dict(right))
    ax.set(xlim=(-0.3, 1.3), ylim=(-0.05, height + 0.3))
    ax.axis("off")
    _say(ax, BAR / 2, height + 0.12, "attended to", "center", MUTED)
    _say(ax, 1 - BAR / 2, height + 0.12, _rows(attention, layer, head), "center", MUTED)
    return ax


def _table(attention: ModalityAttention, layer: str | int | None, head: int | None) -> Table:
    """The estimate of each (destination, source)."""
    names = attention.modalities
    return {(row, column): attention.estimate(layer, row, column, head) for row in names for column in names}


def _rows(attention: ModalityAttention, layer: str | int | None, head: int | None) -> str:
    """What rows, or bars on the right, are."""
    if layer is None:
        return "pooled, through all layers"
    number = layer if isinstance(layer, int) else attention.layers.index(layer)
    number %= len(attention.layers)
    heads = attention.layer(layer).shape[1]
    which = f"mean over {heads} heads" if head is None else f"head {head + 1} of {heads}"
    return f"attends in layer {number + 1} of {len(attention.layers)}, {which}"


def _stack(heights: Mapping[str, float], total: float) -> dict[str, float]:
    """Upper ends of bars that stand below each other, in the middle of a height in total."""
    used = sum(heights.values()) + SPACE * (len(heights) - 1)
    top, tops = (total + used) / 2, {}
    for name, height in heights.items():
        tops[name] = top
        top -= height + SPACE
    return tops


def _bar(ax: Axes, left: float, top: float, height: float) -> None:
    ax.add_patch(Rectangle((left, top - height), BAR, height, facecolor=MUTED, edgecolor="none", gid="bar"))


def _say(ax: Axes, x: float, y: float, text: str, align: Any, color: str = INK) -> None:
    ax.text(x, y, text, ha=align, va="center", size=9, color=color, parse_math=False)


def _ribbons(
    ax: Axes,
    names: Sequence[str],
    shares: Mapping[tuple[str, str], float],
    left: dict[str, float],
    right: dict[str, float],
) -> None:
    """Ribbons leave and enter bars in the order of the modalities, from the top."""
    colors = pair_colors(names)
    for row in names:
        for column in names:
            share = shares.get((row, column))
            if share is None:
                continue
            color = MUTED if row == column else colors.get((row, column)) or colors[column, row]
            outline = ribbon(left[column], right[row], share)
            path = Path(outline, [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3])
            gid = f"flow {column} {row}"
            face = to_rgba(color, 0.35 if row == column else 0.6)
            ax.add_patch(PathPatch(path, facecolor=face, edgecolor="white", linewidth=0.5, gid=gid))
            if share >= NAMED:
                halo = [withStroke(linewidth=2, foreground=(1, 1, 1, 0.7))]  # to be read on a dark ribbon
                look: dict[str, Any] = {"ha": "right", "va": "center", "size": 8, "path_effects": halo}
                ax.text(1 - BAR - 0.012, right[row] - share / 2, f"{share:.2f}", color=INK, **look)
            left[column] -= share
            right[row] -= share


def ribbon(left: float, right: float, width: float) -> Float[np.ndarray, "points 2"]:
    """The outline of a ribbon: from its upper left corner along two curves and back.

    Args:
        left: height of its upper edge on the left.
        right: and on the right.
        width: of the ribbon.

    Example:
        >>> ribbon(3.0, 1.0, 0.5)[[0, 3, 4, 7], 1].tolist()
        [3.0, 1.0, 0.5, 2.5]
    """
    x0, x1 = BAR, 1 - BAR
    middle = (x0 + x1) / 2
    upper = [(x0, left), (middle, left), (middle, right), (x1, right)]
    lower = [(x1, right - width), (middle, right - width), (middle, left - width), (x0, left - width)]
    return np.array(upper + lower)
