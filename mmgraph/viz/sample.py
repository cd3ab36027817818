"""`draw_sample`: one sample as a figure, with the attention between its image, text and sound."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from mmgraph.explain import SampleAttention
from mmgraph.graph import GraphBatch, NodeSet, Texts
from mmgraph.viz.image import draw_regions, image_shape
from mmgraph.viz.key import draw_key, key_height
from mmgraph.viz.layout import MARGIN, Layout, Panel, plan, right_column
from mmgraph.viz.links import draw_links, link_ends
from mmgraph.viz.sound import draw_sound, sound_length
from mmgraph.viz.style import INK, LINE, MUTED, heading
from mmgraph.viz.tokens import draw_boxes, font_size, text_width, wrap_tokens

NOUNS = {"regions": "region", "words": "token", "time": "frame"}
HEADING_SIZE = 8.5


def draw_sample(
    sample: Mapping[str, Any],
    graphs: GraphBatch,
    attention: SampleAttention | None = None,
    *,
    prediction: object = None,
    truth: object = None,
    inputs: Mapping[str, str] | None = None,
    fig: Figure | None = None,
) -> Figure:
    """One sample: image with regions, tokens, spectrogram with frames, and the cross-modal links between them.

    What a modality is drawn as follows from what its nodes carry: `box` makes regions of an image, else `text` words,
    else `span` frames on a time axis; nodes with none of these are words that show their number. Colour says which two
    modalities a link joins, width and opacity its attention weight, a dot which end attends.

    Does not show: edges within a modality, links that `attention` leaves out (its caption counts them), single heads
    and other layers, or what the model does with what it attends to. Tints compare nodes of one panel, not panels.

    Args:
        sample: the raw sample; its `id` is looked up in `graphs`.
        graphs: a batch that holds the sample's graph.
        attention: what to draw over it, from `sample_attention`.
        prediction: shown in the title if given.
        truth: likewise.
        inputs: per modality the key of its raw input in `sample`, where that is not the modality's name.
        fig: drawn into; it keeps its width, and gets the height that the sample needs. A new one, 11 inches wide, if
            not given.

    Raises:
        ValueError: if `graphs` lacks the sample, if `attention` is of another one, or if a raw input has another form.

    Example:
        >>> import torch
        >>> words = {"text": {"text": ["two", "dogs"]}}
        >>> graph = GraphBatch.single({"text": torch.rand(2, 3)}, {}, attributes=words, id="s")
        >>> fig = draw_sample({"id": "s", "text": "two dogs"}, graph, prediction=2, truth=2)
        >>> [text.get_text() for text in fig.texts][-2]
        'predicted 2 · truth 2'
    """
    fig = Figure(figsize=(11, 6), facecolor="white") if fig is None else fig
    graph = _graph_of(sample, graphs, attention)
    raw = {modality: sample.get((inputs or {}).get(modality, modality)) for modality in graph.schema.modalities}
    panels = [_panel(graph, modality, value) for modality, value in raw.items()]
    width, order = float(fig.get_figwidth()), list(graph.schema.modalities)
    panels = _set_words(panels, graph, width)
    layout = plan(panels, width, key_height(attention, order, width))
    fig.set_figheight(layout.height)
    for panel in panels:
        flow = None if attention is None else attention.flow.get(panel.modality)
        _draw_panel(fig, layout, panel, graph.nodes[panel.modality], raw[panel.modality], flow)
    if attention is not None:
        lengths = {panel.modality: sound_length(raw[panel.modality]) for panel in panels if panel.role == "time"}
        draw_links(
            fig, attention.links, link_ends(panels, layout, graph, lengths), layout, list(graph.schema.modalities)
        )
        draw_key(fig, attention, layout, order)
    _title(fig, layout, sample["id"], prediction, truth)
    return fig


def _graph_of(sample: Mapping[str, Any], graphs: GraphBatch, attention: SampleAttention | None) -> GraphBatch:
    """The graph of the sample, alone."""
    places = [i for i, name in enumerate(graphs.ids.tolist()) if name == sample["id"]]
    if len(places) != 1:
        raise ValueError(f"{len(places)} graphs of the batch have the id {sample['id']!r} of the sample; one is needed")
    if attention is not None and attention.sample != sample["id"]:
        raise ValueError(f"the attention is of sample {attention.sample!r}, the sample is {sample['id']!r}")
    return graphs[places[0]].to("cpu")


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


def _draw_panel(fig: Figure, layout: Layout, panel: Panel, nodes: NodeSet, raw: Any, flow: Tensor | None) -> None:
    place = layout.places[panel.modality]
    ax = fig.add_axes(layout.fraction(place), label=panel.modality)
    ax.set_zorder({"regions": 1}.get(panel.role, 3))  # links, at 2, start on the image and end under words and frames
    noun = "node" if panel.role == "words" and "text" not in nodes.attributes else NOUNS[panel.role]
    title = heading(panel.modality, panel.count, noun, flow)
    if not panel.drawn:
        _absent(ax)
    elif panel.role == "regions":
        draw_regions(raw, nodes.attribute("box"), flow=flow, ax=ax)
    elif panel.role == "words":
        draw_boxes(panel.words, flow, (place.width, place.height), ax)
    else:
        draw_sound(raw, nodes.attribute("span"), flow=flow, ax=ax)
        # Links come in from above, so what the axis shows is said below it.
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


def _title(fig: Figure, layout: Layout, name: str, prediction: object, truth: object) -> None:
    said = [f"{word} {value}" for word, value in (("predicted", prediction), ("truth", truth)) if value is not None]
    y = layout.height - 0.3
    style: dict[str, Any] = {"va": "center", "parse_math": False}
    left = layout.point(MARGIN, y)
    fig.text(*left, " · ".join(said) or f"sample {name}", size=12, weight="bold", color=INK, **style)
    if said:
        fig.text(*layout.point(layout.width - MARGIN, y), f"sample {name}", size=8.5, color=MUTED, ha="right", **style)
