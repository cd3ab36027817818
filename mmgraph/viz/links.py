"""Links between the panels of a figure: which node they end at, their colour and width."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from mmgraph.explain import AttentionEdge
from mmgraph.graph import GraphBatch
from mmgraph.viz.layout import Layout, Panel, Rect
from mmgraph.viz.routes import End, region_ends, route, shares_of, time_ends, word_ends
from mmgraph.viz.sound import STRIP, frame_cells
from mmgraph.viz.style import pair_colors

THIN = 0.4  # points, of a link without weight
OPACITIES = (0.25, 0.9)  # of a link without weight and of the one with the largest


def link_ends(
    panels: Sequence[Panel], layout: Layout, graph: GraphBatch, lengths: Mapping[str, float]
) -> dict[str, list[End]]:
    """Per modality where links may end at each of its nodes.

    Args:
        panels: what is drawn.
        layout: where.
        graph: one graph.
        lengths: seconds of sound of each time axis; spans may reach further.
    """
    ends: dict[str, list[End]] = {}
    for panel in panels:
        nodes, place = graph.nodes[panel.modality], layout.places[panel.modality]
        if panel.role == "regions":
            ends[panel.modality] = region_ends(nodes.attribute("box").tolist(), place)
        if panel.role == "time":
            spans = nodes.attribute("span").double().numpy()
            length = max(lengths[panel.modality], float(spans.max(initial=0.0))) or 1.0
            top = place.bottom + STRIP[1] * place.height
            ends[panel.modality] = time_ends(frame_cells(spans).tolist(), place, length, top)
    return ends | _word_ends([panel for panel in panels if panel.role == "words"], layout)


def draw_links(
    fig: Figure, links: Sequence[AttentionEdge], ends: Mapping[str, Sequence[End]], layout: Layout, order: Sequence[str]
) -> None:
    """Draws the links, the weakest first, and a dot at each one's destination.

    Args:
        fig: drawn into.
        links: edges of one graph.
        ends: per modality and node where a link ends.
        layout: of the figure.
        order: the modalities; fixes the colour of each pair.
    """
    largest = max((link.mean for link in links), default=1.0) or 1.0
    widths = (THIN, thickest(len(links)))
    shares = _spread(links, ends)
    by_pair: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number in sorted(range(len(links)), key=lambda i: links[i].mean):
        by_pair[pair_of(links[number], order)].append(number)
    colors = pair_colors(order)
    for pair, numbers in by_pair.items():
        curves = [route(*_ends(links[i], ends), shares[i], layout) / (layout.width, layout.height) for i in numbers]
        strength = [links[i].mean / largest for i in numbers]
        drawn = PathCollection(
            [Path(points, [Path.MOVETO, *[Path.CURVE4] * (len(points) - 1)]) for points in curves],
            facecolors="none",
            edgecolors=[to_rgba(colors[pair], _between(OPACITIES, s)) for s in strength],
            linewidths=[_between(widths, s) for s in strength],
            transform=fig.transFigure,
            capstyle="round",
            zorder=2,
            gid="links " + " ".join(pair),
        )
        fig.add_artist(drawn)
        _outline(fig, [end for i in numbers for end in _ends(links[i], ends)], colors[pair], layout)
        leads = [_lead(end, shares[i][side], layout) for i in numbers for side, end in enumerate(_ends(links[i], ends))]
        fig.add_artist(
            LineCollection(
                [lead for lead in leads if lead is not None],
                colors=colors[pair],
                linewidths=0.7,
                path_effects=[withStroke(linewidth=1.6, foreground=(1, 1, 1, 0.6))],  # to be seen on dark images
                transform=fig.transFigure,
                zorder=2,
                gid="leads " + " ".join(pair),
            )
        )
        stops = [layout.point(*_ends(links[i], ends)[1].at(shares[i][1])) for i in numbers]
        fig.add_artist(
            Line2D(
                [x for x, _ in stops],
                [y for _, y in stops],
                linestyle="",
                marker="o",
                markersize=1.2 + widths[1],
                color=colors[pair],
                markeredgewidth=0,
                transform=fig.transFigure,
                zorder=4,
                gid="destinations " + " ".join(pair),
            )
        )


def thickest(links: int) -> float:
    """Width in points of the link with the largest weight: the more links, the thinner.

    Example:
        >>> thickest(1), thickest(400)
        (2.8, 1.0)
    """
    return min(2.8, max(1.0, 20 / max(links, 1) ** 0.5))


def pair_of(link: AttentionEdge, order: Sequence[str]) -> tuple[str, str]:
    """The two modalities of a link, in the order of the schema."""
    a, b = sorted((link.source.modality, link.destination.modality), key=list(order).index)
    return a, b


def _ends(link: AttentionEdge, ends: Mapping[str, Sequence[End]]) -> tuple[End, End]:
    source, destination = link.source, link.destination
    return ends[source.modality][source.index], ends[destination.modality][destination.index]


def _outline(fig: Figure, ends: Sequence[End], color: str, layout: Layout) -> None:
    """The borders of small regions that links end at; with large ones it is plain which region a line comes from."""
    rects = [layout.fraction(end.outline) for end in ends if end.outline is not None and end.outline.height < 0.6]
    corners = [[(x, y), (x + w, y), (x + w, y + h), (x, y + h)] for x, y, w, h in rects]
    look: dict[str, Any] = {"facecolors": "none", "edgecolors": color, "linewidths": 0.8}
    fig.add_artist(PolyCollection(corners, transform=fig.transFigure, zorder=2, **look))


def _lead(end: End, share: float, layout: Layout) -> list[tuple[float, float]] | None:
    """The thin line over the image, from a region to where its link begins; None where the region is at the edge."""
    point, begin = end.at(share), end.begin(share)
    return None if abs(begin[0] - point[0]) < 1e-6 else [layout.point(*point), layout.point(*begin)]


def _spread(links: Sequence[AttentionEdge], ends: Mapping[str, Sequence[End]]) -> list[tuple[float, float]]:
    """Where on the borders of its nodes each link ends: side by side, in the order of the other ends."""
    at: dict[End, list[tuple[tuple[float, float], int, int]]] = defaultdict(list)
    for number, link in enumerate(links):
        pair = _ends(link, ends)
        for side in (0, 1):
            x, y = pair[1 - side].at(0.5)
            # Along a lower or upper edge ends are sorted by x; along the right side of a region by how far up they go.
            key = (y, x) if pair[side].role == "regions" else (x, y)
            at[pair[side]].append((key, number, side))
    shares = [[0.5, 0.5] for _ in links]
    for entries in at.values():
        for (_, number, side), share in zip(sorted(entries), shares_of(len(entries)), strict=True):
            shares[number][side] = share
    return [(a, b) for a, b in shares]


def _word_ends(panels: Sequence[Panel], layout: Layout) -> dict[str, list[End]]:
    rows: list[list[Rect]] = []
    for panel in panels:
        place = layout.places[panel.modality]
        for number in range(max((box.row for box in panel.words), default=-1) + 1):
            rows.append(
                [
                    Rect(place.left + box.left, place.top - box.bottom, box.width, box.height)
                    for box in panel.words
                    if box.row == number
                ]
            )
    ends = iter(word_ends(rows))
    return {panel.modality: [next(ends) for _ in panel.words] for panel in panels}


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + share * (ends[1] - ends[0])
