"""`draw_sample`: one sample as a figure, with the attention between its image, text and sound."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from mmgraph.explain import SampleAttention
from mmgraph.graph import GraphBatch
from mmgraph.viz.key import draw_key, key_height
from mmgraph.viz.layout import MARGIN, Layout, plan
from mmgraph.viz.links import draw_links, link_ends
from mmgraph.viz.panels import draw_panels, graph_of, panels_of, raw_inputs
from mmgraph.viz.sound import sound_length
from mmgraph.viz.style import INK, MUTED


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
    graph = graph_of(sample, graphs, None if attention is None else attention.sample)
    raw, width, order = raw_inputs(sample, graph, inputs), float(fig.get_figwidth()), list(graph.schema.modalities)
    panels = panels_of(graph, raw, width)
    layout = plan(panels, width, key_height(attention, order, width))
    fig.set_figheight(layout.height)
    draw_panels(fig, layout, panels, graph, raw, {} if attention is None else attention.flow)
    if attention is not None:
        lengths = {panel.modality: sound_length(raw[panel.modality]) for panel in panels if panel.role == "time"}
        draw_links(
            fig, attention.links, link_ends(panels, layout, graph, lengths), layout, list(graph.schema.modalities)
        )
        draw_key(fig, attention, layout, order)
    _title(fig, layout, sample["id"], prediction, truth)
    return fig


def _title(fig: Figure, layout: Layout, name: str, prediction: object, truth: object) -> None:
    said = [f"{word} {value}" for word, value in (("predicted", prediction), ("truth", truth)) if value is not None]
    y = layout.height - 0.3
    style: dict[str, Any] = {"va": "center", "parse_math": False}
    left = layout.point(MARGIN, y)
    fig.text(*left, " · ".join(said) or f"sample {name}", size=12, weight="bold", color=INK, **style)
    if said:
        fig.text(*layout.point(layout.width - MARGIN, y), f"sample {name}", size=8.5, color=MUTED, ha="right", **style)
