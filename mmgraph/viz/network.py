"""`draw_attention_graph`: the attention graph of one sample, a column per modality."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from mmgraph.viz.style import INK, MUTED, new_axes, pair_colors

if TYPE_CHECKING:
    from networkx import MultiDiGraph

LABELS = 42  # of a column at most, so that they do not overlap
LETTERS = 22
Point = tuple[float, float]


def draw_attention_graph(network: "MultiDiGraph", ax: Axes | None = None, *, top: int = 2, limit: int = 150) -> Axes:
    """The nodes of one sample in a column per modality, in their order, and the strongest edges of one layer.

    Width and opacity of an edge are its weight, colour the pair of modalities, grey within one, whose edges bend out of
    their column. A dot marks the node that attends. Of many nodes those with strong edges are named.

    Does not show: where regions and frames are (`draw_sample` does), edges beyond `top` and `limit` (their number is
    written below), single heads and other layers.

    Args:
        network: of `AttentionRecord.to_networkx`, or any with `modality`, `index` and `label` of nodes and `weight` of
            edges.
        ax: where to draw; a new figure if not given.
        top: edges into each node.
        limit: edges in all.

    Raises:
        ValueError: if `top` or `limit` is below 1, or the network has no node.

    Example:
        >>> import networkx
        >>> network = networkx.MultiDiGraph()
        >>> network.add_node("text 0", modality="text", index=0, label="two")
        >>> network.add_node("image 0", modality="image", index=0, label="[0 0 1 1]", x1=0.0)
        >>> _ = network.add_edge("text 0", "image 0", weight=0.75)
        >>> [text.get_text() for text in draw_attention_graph(network).texts]
        ['text', 'image', 'two', '0', '1 of 1 edges, the largest weight 0.750']
    """
    if top < 1 or limit < 1:
        raise ValueError(f"{top=} and {limit=} are at least 1")
    if not len(network):
        raise ValueError("the network has no node to draw")
    columns: dict[str, list[Any]] = {}
    for node, data in network.nodes(data=True):
        columns.setdefault(data["modality"], []).append(node)
    if ax is None:
        ax = new_axes(2.6 * len(columns) + 1.4, float(np.clip(0.2 * max(map(len, columns.values())), 3.0, 8.0)))
    places = column_layout(network)
    edges = strongest_edges(network, top, limit)
    _draw_edges(ax, network, edges, places, list(columns))
    _draw_nodes(ax, columns, places)
    _draw_labels(ax, network, columns, edges, places)
    largest = f", the largest weight {edges[0][2]:.3f}" if edges else ""
    said = f"{len(edges):,} of {network.number_of_edges():,} edges{largest}"
    ax.text(0.5, -0.02, said, transform=ax.transAxes, ha="center", va="top", size=8.5, color=MUTED)
    ax.set(xlim=(-0.6, len(columns) - 0.4), ylim=(-0.04, 1.12))
    ax.axis("off")
    return ax


def column_layout(network: "MultiDiGraph") -> dict[Any, Point]:
    """A place per node: columns at x = 0, 1, ... in the order of first appearance, nodes evenly from y = 1 down to 0.

    Example:
        >>> import networkx
        >>> network = networkx.MultiDiGraph()
        >>> network.add_nodes_from([("a", {"modality": "text"}), ("b", {"modality": "text"}), ("c", {"modality": "x"})])
        >>> column_layout(network)
        {'a': (0.0, 1.0), 'b': (0.0, 0.0), 'c': (1.0, 0.5)}
    """
    from networkx import multipartite_layout

    columns: dict[str, list[Any]] = {}
    for node, data in network.nodes(data=True):
        columns.setdefault(data["modality"], []).append(node)
    made = multipartite_layout(network, subset_key=dict(enumerate(columns.values())))
    places: dict[Any, Point] = {}
    for x, nodes in enumerate(columns.values()):
        y = np.array([made[node][1] for node in nodes])  # from the bottom up, a column as high as it has nodes
        heights = 1 - (y - y.min()) / np.ptp(y) if len(nodes) > 1 else np.array([0.5])
        places |= {node: (float(x), float(height)) for node, height in zip(nodes, heights, strict=True)}
    return places


def strongest_edges(network: "MultiDiGraph", top: int, limit: int) -> list[tuple[Any, Any, float]]:
    """Source, destination and weight of the `limit` largest of the `top` largest edges into each node, largest first.

    Example:
        >>> import networkx
        >>> network = networkx.MultiDiGraph()
        >>> _ = network.add_weighted_edges_from([("a", "c", 0.75), ("b", "c", 0.25), ("a", "b", 0.5)])
        >>> strongest_edges(network, 1, 10)
        [('a', 'c', 0.75), ('a', 'b', 0.5)]
    """
    kept: list[tuple[Any, Any, float]] = []
    into: dict[Any, int] = {}
    for src, dst, weight in sorted(network.edges(data="weight"), key=lambda edge: -edge[2]):
        if into.get(dst, 0) < top:
            into[dst] = into.get(dst, 0) + 1
            kept.append((src, dst, float(weight)))
    return kept[:limit]


def edge_curve(src: Point, dst: Point) -> Float[np.ndarray, "4 2"]:
    """The curve of an edge: level at both ends between columns, within one a bow to the side where no names are.

    Example:
        >>> edge_curve((0.0, 1.0), (0.0, 0.0))[1].tolist()
        [0.28, 1.0]
    """
    (x0, y0), (x1, y1) = src, dst
    if x0 == x1:
        out = (0.08 + 0.2 * min(abs(y1 - y0), 1.0)) * (1 if x0 == 0 else -1)
        return np.array([(x0, y0), (x0 + out, y0), (x1 + out, y1), (x1, y1)])
    return np.array([(x0, y0), ((2 * x0 + x1) / 3, y0), ((x0 + 2 * x1) / 3, y1), (x1, y1)])


def _draw_edges(
    ax: Axes,
    network: "MultiDiGraph",
    edges: list[tuple[Any, Any, float]],
    places: dict[Any, Point],
    order: list[str],
) -> None:
    """The weakest first, so that strong ones lie on top; a dot at each destination."""
    modality, colors = dict(network.nodes(data="modality")), pair_colors(order)
    largest = edges[0][2] if edges and edges[0][2] > 0 else 1.0
    curves, looks, widths = [], [], []
    for src, dst, weight in reversed(edges):
        a, b = sorted((modality[src], modality[dst]), key=order.index)
        strength = weight / largest
        curves.append(Path(edge_curve(places[src], places[dst]), [Path.MOVETO, *[Path.CURVE4] * 3]))
        looks.append(to_rgba(MUTED if a == b else colors[a, b], 0.2 + 0.65 * strength))
        widths.append(0.4 + 2.2 * strength)
    drawn = PathCollection(curves, facecolors="none", edgecolors=looks, linewidths=widths, zorder=1, gid="edges")
    ax.add_collection(drawn, autolim=False)
    stops = np.array([places[dst] for _, dst, _ in reversed(edges)]).reshape(-1, 2)
    sizes = [(2.2 + width) ** 2 for width in widths]
    ax.scatter(stops[:, 0], stops[:, 1], s=sizes, color=looks, zorder=3, linewidth=0, gid="attends")


def _draw_nodes(ax: Axes, columns: dict[str, list[Any]], places: dict[Any, Point]) -> None:
    for x, (name, nodes) in enumerate(columns.items()):
        heights = [places[node][1] for node in nodes]
        size = float(np.clip(700 / len(nodes), 4, 40))
        width = 0.8 if len(nodes) <= 100 else 0.3
        look: dict[str, Any] = {"facecolor": "white", "edgecolor": INK, "linewidth": width}
        ax.scatter([x] * len(nodes), heights, s=size, zorder=2, gid=name, **look)
        _say(ax, (x, 1.07), name, "center", INK)


def _draw_labels(
    ax: Axes,
    network: "MultiDiGraph",
    columns: dict[str, list[Any]],
    edges: list[tuple[Any, Any, float]],
    places: dict[Any, Point],
) -> None:
    """Names beside nodes, those with the strongest edges first, as long as there is room in their column."""
    strength: dict[Any, float] = {}
    for src, dst, weight in edges:
        for node in (src, dst):
            strength[node] = strength.get(node, 0.0) + weight
    for x, nodes in enumerate(columns.values()):
        left = x == 0
        used: list[float] = []
        for node in sorted(nodes, key=lambda node: -strength.get(node, 0.0)):
            y = places[node][1]
            if all(abs(y - other) > 0.999 / LABELS for other in used):
                used.append(y)
                at = (x - 0.05, y) if left else (x + 0.05, y)
                _say(ax, at, _called(network.nodes[node]), "right" if left else "left", INK, 7.5)


def _called(node: dict[str, Any]) -> str:
    """The label of a node; the number of a region, whose label is its box."""
    text = " ".join(str(node["index"] if "x1" in node else node["label"]).split()) or "·"
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"


def _say(ax: Axes, at: Point, text: str, align: Any, color: str, size: float = 9.0) -> None:
    halo = [withStroke(linewidth=2.5, foreground="white")]  # to be read over edges
    look: dict[str, Any] = {"ha": align, "va": "center", "size": size, "color": color, "zorder": 4}
    ax.text(*at, text, path_effects=halo, parse_math=False, **look)
