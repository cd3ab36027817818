"""The panels of a sample's figure: what each modality is drawn as, and drawing it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from mmgraph.graph import GraphBatch, NodeSet, Texts
from mmgraph.viz.image import draw_regions, image_shape
from mmgraph.viz.layout import MARGIN, Layout, Panel, right_column
from mmgraph.viz.sound import draw_sound
from mmgraph.viz.style import LINE, MUTED, heading
from mmgraph.viz.tokens import draw_boxes, font_size, text_width, wrap_tokens

NOUNS = {"regions": "region", "words": "token", "time": "frame"}
HEADING_SIZE = 8.5


def graph_of(sample: Mapping[str, Any], graphs: GraphBatch, shown: str | None) -> GraphBatch:
    """The graph of a sample, alone and on the CPU.

    Args:
        sample: the raw sample.
        graphs: a batch that holds its graph.
        shown: id of the sample that the attention to be drawn belongs to, if there is any.

    Raises:
        ValueError: if the batch lacks the sample, or the attention is of another one.
    """
    places = [i for i, name in enumerate(graphs.ids.tolist()) if name == sample["id"]]
    if len(places) != 1:
        raise ValueError(f"{len(places)} graphs of the batch have the id {sample['id']!r} of the sample; one is needed")
    if shown is not None and shown != sample["id"]:
        raise ValueError(f"the attention is of sample {shown!r}, the sample is {sample['id']!r}")
    return graphs[places[0]].to("cpu")


def raw_inputs(sample: Mapping[str, Any], graph: GraphBatch, inputs: Mapping[str, str] | None) -> dict[str, Any]:
    """The raw input of each modality, or None.

    Example:
        >>> import torch
        >>> graph = GraphBatch.single({"text": torch.rand(2, 3), "audio": torch.rand(1, 2)}, {})
        >>> raw_inputs({"id": "s", "words": "two dogs"}, graph, {"text": "words"})
        {'text': 'two dogs', 'audio': None}
    """
    return {modality: sample.get((inputs or {}).get(modality, modality)) for modality in graph.schema.modalities}


def panels_of(graph: GraphBatch, raw: Mapping[str, Any], width: float) -> list[Panel]:
    """What each modality of one graph is drawn as, in a figure of some width in inches."""
    return _set_words([_panel(graph, modality, value) for modality, value in raw.items()], graph, width)


def draw_panels(
    fig: Figure,
    layout: Layout,
    panels: Sequence[Panel],
    graph: GraphBatch,
    raw: Mapping[str, Any],
    flow: Mapping[str, Tensor],
    *,
    largest: float | None = None,
    titles: Mapping[str, str] | None = None,
) -> dict[str, Axes]:
    """Draws the panels; returns the axes of each modality.

    Args:
        fig: drawn into.
        layout: of the figure.
        panels: what is drawn.
        graph: one graph.
        raw: per modality its raw input or None.
        flow: per modality a number of at least 0 per node, as far as there are any.
        largest: the number that has the full tint in all panels; the largest of each panel if not given.
        titles: what is said of a panel, where it is not the usual heading.
    """
    drawn = {}
    for panel in panels:
        nodes, own = graph.nodes[panel.modality], flow.get(panel.modality)
        noun = "node" if panel.role == "words" and "text" not in nodes.attributes else NOUNS[panel.role]
        title = (titles or {}).get(panel.modality) or heading(panel.modality, panel.count, noun, own)
        drawn[panel.modality] = _draw_panel(fig, layout, panel, nodes, raw[panel.modality], own, largest)
        _say(fig, drawn[panel.modality], layout, panel, title)
    return drawn


def outlines_of(nodes: NodeSet) -> Tensor | None:
    """The polygons of regions that are no boxes: the attribute `outline`, where nodes have it.

    Example:
        >>> import torch
        >>> outlines_of(NodeSet.of([torch.ones(1, 2)])) is None
        True
    """
    outline = nodes.attributes.get("outline")
    fits = isinstance(outline, Tensor) and outline.dim() == 3 and outline.shape[2] == 2
    return outline if fits and isinstance(outline, Tensor) else None


def _panel(graph: GraphBatch, modality: str, raw: Any) -> Panel:
    """What to draw for a modality; the role follows from the attributes of its nodes."""
    count, attributes = graph.nodes[modality].num_nodes, graph.schema.attributes[modality]
    drawn = count > 0 or (raw is not None and not isinstance(raw, str))
    if "box" in attributes:
        height, width = image_shape(raw)
        return Panel(modality, "regions", count, aspect=height / width, drawn=drawn)
    if "text" not in attributes and "span" in attributes:
        return Panel(modality, "time", count, drawn=drawn)
    return Panel(modality, "words", count, drawn=count > 0)


def _set_words(panels: Sequence[Panel], graph: GraphBatch, width: float) -> list[Panel]:
    """The panels, with the words of those that have words wrapped to their column."""
    _, column = right_column([panel.role for panel in panels], width)
    total = sum(panel.count for panel in panels if panel.role == "words")
    return [
        replace(panel, words=tuple(wrap_tokens(_labels(graph.nodes[panel.modality]), column, font_size(total))))
        if panel.role == "words"
        else panel
        for panel in panels
    ]


def _labels(nodes: NodeSet) -> list[str]:
    texts = nodes.attributes.get("text")
    return texts.tolist() if isinstance(texts, Texts) else [str(i) for i in range(nodes.num_nodes)]


def _draw_panel(
    fig: Figure, layout: Layout, panel: Panel, nodes: NodeSet, raw: Any, flow: Tensor | None, largest: float | None
) -> Axes:
    place = layout.places[panel.modality]
    ax = fig.add_axes(layout.fraction(place), label=panel.modality)
    ax.set_zorder({"regions": 1}.get(panel.role, 3))  # links, at 2, start on the image and end under words and frames
    if not panel.drawn:
        _absent(ax)
    elif panel.role == "regions":
        boxes, outlines = nodes.attribute("box"), outlines_of(nodes)
        draw_regions(raw, boxes, outlines=outlines, flow=flow, largest=largest, ax=ax)
    elif panel.role == "words":
        draw_boxes(panel.words, flow, (place.width, place.height), ax, largest)
    else:
        draw_sound(raw, nodes.attribute("span"), flow=flow, largest=largest, ax=ax)
    return ax


def _say(fig: Figure, ax: Axes, layout: Layout, panel: Panel, title: str) -> None:
    """The heading of a panel, above it; of a time axis, where links come in from above, below it."""
    place = layout.places[panel.modality]
    if panel.drawn and panel.role == "time":
        title = f"{title} · time in seconds"
        size = _size(title, layout.width - MARGIN - place.left)
        ax.set_xlabel(title, size=size, loc="left", labelpad=3, **_heading_style(fig))
        return
    # A heading may be wider than a tall image, which stands at the right of its column.
    left = max(min(place.left, place.right - text_width(title, HEADING_SIZE)), MARGIN)
    size = _size(title, place.right - left)
    fig.text(*layout.point(left, place.top + 0.08), title, size=size, va="bottom", **_heading_style(fig))


def _absent(ax: Axes) -> None:
    ax.set(xticks=[], yticks=[], facecolor="none")
    for spine in ax.spines.values():
        spine.set(color=LINE, linestyle=(0, (4, 3)))
    middle: dict[str, Any] = {"transform": ax.transAxes, "ha": "center", "va": "center"}
    ax.text(0.5, 0.5, "absent from this sample", size=8, color=MUTED, **middle)


def _heading_style(fig: Figure) -> dict[str, Any]:
    """Grey on the colour of the page, so that a link that passes behind a heading leaves it readable."""
    page = {"facecolor": fig.get_facecolor(), "edgecolor": "none", "pad": 0.8}
    return {"color": MUTED, "parse_math": False, "bbox": page}


def _size(title: str, width: float) -> float:
    """Points of a heading that fits into a width."""
    return min(HEADING_SIZE, HEADING_SIZE * width / text_width(title, HEADING_SIZE))
