"""`focus` and `draw_focus`: what one token, region or frame attends to, over everything there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from matplotlib.patheffects import withStroke
from torch import Tensor

from mmgraph.explain import AttentionRecord, NodeRef, flow_to_nodes
from mmgraph.explain.flow import head_shares
from mmgraph.explain.nodes import destinations, node_refs
from mmgraph.graph import GraphBatch, NodeSet
from mmgraph.viz.image import pale, region_corners
from mmgraph.viz.key import Entry, draw_entries, entries_height
from mmgraph.viz.layout import MARGIN, Layout, plan
from mmgraph.viz.panels import NOUNS, draw_panels, graph_of, outlines_of, panels_of, raw_inputs
from mmgraph.viz.sound import STRIP, frame_cells
from mmgraph.viz.style import INK, MUTED

ROOM = 0.35  # inches between words and time axes, where no link runs
STRONGEST = 6  # nodes that the caption names


@dataclass(frozen=True, eq=False)
class Focus:
    """What one node attends to.

    Attributes:
        sample: id of the sample.
        node: the node that attends.
        weights: per modality the weight of each of its nodes; over all modalities they sum to one, or to zero where no
            edge enters the node.
        kept: what of the flow through all layers stays with the node itself; 0 of a single layer. It is left out of
            `weights`, which then sum to the rest.
        caption: what the weights are.

    Example:
        >>> Focus("s1", NodeRef("text", 0, "two"), {"text": torch.tensor([0.0, 1.0])}).largest
        1.0
    """

    sample: str
    node: NodeRef
    weights: Mapping[str, Float[Tensor, "_"]]
    kept: float = 0.0
    caption: str = ""

    @property
    def largest(self) -> float:
        """The largest weight of all modalities, which has the full tint."""
        return max((float(weight.max()) for weight in self.weights.values() if weight.numel()), default=0.0)

    def share(self, modality: str) -> float:
        """What a modality gets in all."""
        return float(self.weights[modality].sum())


def focus(
    record: AttentionRecord, sample: str, modality: str, index: int, *, layer: int | None = -1, head: int | None = None
) -> Focus:
    """What one node of a sample attends to, in one layer or through all of them.

    Args:
        record: of a forward pass that the sample took part in, of a model whose convs have `scope="node"`.
        sample: its id.
        modality: of the node.
        index: the node's number within its modality.
        layer: number of the recorded conv, the last if not given; None composes all layers as `flow_to_nodes` does.
        head: of the layer; the mean over heads if not given.

    Raises:
        ValueError: if there is no such sample, layer, head, modality or node, a head is asked for of all layers, or
            weights of different relations cannot be compared, as with `scope="relation"`.

    Example:
        >>> from mmgraph.explain import LayerAttention
        >>> batch = GraphBatch.single({"image": torch.rand(2, 3), "text": torch.rand(1, 3)},
        ...                           {("image", "with", "text"): torch.tensor([[0, 1], [0, 0]])}, id="s1")
        >>> alpha = torch.tensor([[0.75], [0.25]])
        >>> layer = LayerAttention("conv", "node", batch.schema.edge_types, alpha, batch.flat)
        >>> found = focus(AttentionRecord(batch, (layer,), ()), "s1", "text", 0)
        >>> {name: weight.tolist() for name, weight in found.weights.items()}
        {'image': [0.75, 0.25], 'text': [0.0]}
    """
    one = record.single(record.find(sample))
    row = _row(one.batch, modality, index)
    if layer is None:
        if head is not None:
            raise ValueError(f"{head=} is of one layer: give its number, or head=None for the flow through all layers")
        weight = flow_to_nodes(one, 0)[row].cpu()
        kept = float(weight[row])
        weight[row] = 0
        caption = (
            f"Tint: attention flow into this node through all {len(one.layers)} layers, mean over heads; {kept:.2f} of "
            "it stays with the node itself and is not drawn."
        )
    else:
        weight, caption = _layer_weights(one, layer, head, row)
        kept = 0.0
    counts = [nodes.num_nodes for nodes in one.batch.nodes.values()]
    weights = dict(zip(one.batch.nodes, weight.split(counts), strict=True))
    return Focus(sample, node_refs(one.batch)[row], weights, kept, caption)


def draw_focus(
    sample: Mapping[str, Any],
    graphs: GraphBatch,
    focus: Focus,
    *,
    inputs: Mapping[str, str] | None = None,
    fig: Figure | None = None,
) -> Figure:
    """One node, in a thick frame, and everything that it attends to: tinted regions, tokens and frames.

    All panels have one scale, so tints compare between modalities; pictures are shown in light grey, so that the
    tint is the only colour. Headings say what each modality gets in all, the caption names the strongest nodes.

    Does not show: through which relation a node is attended to (relations between the same two nodes add up), who
    attends to this node, and what the model does with what it attends to.

    Args:
        sample: the raw sample; its `id` is looked up in `graphs`.
        graphs: a batch that holds the sample's graph.
        focus: what to draw, from `focus`.
        inputs: per modality the key of its raw input in `sample`, where that is not the modality's name.
        fig: drawn into; it keeps its width, and gets the height that the sample needs. A new one, 11 inches wide, if
            not given.

    Raises:
        ValueError: if `graphs` lacks the sample, if `focus` is of another one, or if a raw input has another form.

    Example:
        >>> words = {"text": {"text": ["two", "dogs"]}}
        >>> graph = GraphBatch.single({"text": torch.rand(2, 3)}, {}, attributes=words, id="s")
        >>> found = Focus("s", NodeRef("text", 0, "two"), {"text": torch.tensor([0.0, 1.0])})
        >>> fig = draw_focus({"id": "s", "text": "two dogs"}, graph, found)
        >>> fig.texts[0].get_text()
        'text · 2 tokens · 1.00 of the attention'
    """
    fig = Figure(figsize=(11, 6), facecolor="white") if fig is None else fig
    graph = graph_of(sample, graphs, focus.sample)
    raw, width = raw_inputs(sample, graph, inputs), float(fig.get_figwidth())
    panels = panels_of(graph, raw, width)
    entries = [Entry(f"{focus.largest:.3f}", before="attention 0")] if focus.largest > 0 else []
    caption = f"{focus.caption} {_strongest(graph, focus)}".strip()
    layout = plan(panels, width, entries_height(entries, caption, width), ROOM)
    fig.set_figheight(layout.height)
    pictures = {panel.modality: pale(raw[panel.modality]) for panel in panels if panel.role == "regions"}
    titles = {
        panel.modality: f"{panel.modality} · {panel.count:,} {NOUNS[panel.role]}{'s' * (panel.count != 1)}"
        f" · {focus.share(panel.modality):.2f} of the attention"
        for panel in panels
        if panel.count
    }
    axes = draw_panels(fig, layout, panels, graph, raw | pictures, focus.weights, largest=focus.largest, titles=titles)
    role = next(panel.role for panel in panels if panel.modality == focus.node.modality)
    _mark(axes[focus.node.modality], role, graph.nodes[focus.node.modality], focus.node.index)
    _title(fig, layout, focus)
    draw_entries(fig, entries, caption, layout)
    return fig


def _row(graph: GraphBatch, modality: str, index: int) -> int:
    """The number of a node among all nodes of one graph."""
    if modality not in graph.nodes:
        raise ValueError(f"no modality {modality!r}: the graph has {list(graph.nodes)}")
    count = graph.nodes[modality].num_nodes
    if not 0 <= index < count:
        raise ValueError(f"no node {index} of {modality!r}: the sample has {count}")
    names = list(graph.nodes)
    return sum(graph.nodes[name].num_nodes for name in names[: names.index(modality)]) + index


def _layer_weights(record: AttentionRecord, layer: int, head: int | None, row: int) -> tuple[Tensor, str]:
    found = record.layer(layer)
    dst = destinations(found.graph)
    share = head_shares(found, dst)
    if head is not None and not 0 <= head < share.shape[1]:
        raise ValueError(f"no head {head}: layer {found.name!r} has {share.shape[1]}")
    into = dst == row
    one = share[into].mean(1) if head is None else share[into, head]
    weight = share.new_zeros(record.batch.num_nodes).index_add_(0, found.graph.src[into].long(), one)
    heads = "mean over heads" if head is None else f"head {head + 1} of {share.shape[1]}"
    place = f"layer {record.layers.index(found) + 1} of {len(record.layers)}, {found.name}, {heads}"
    return weight.float().cpu(), f"Tint: attention weight ({place}); sums to 1 over all edges into this node."


def _strongest(graph: GraphBatch, focus: Focus) -> str:
    """The nodes with the largest weights, in words."""
    refs, weight = node_refs(graph), torch.cat(list(focus.weights.values()))
    order = torch.argsort(weight, descending=True, stable=True)[:STRONGEST].tolist()
    named = [f"{_called(refs[i])} {float(weight[i]):.3f}" for i in order if weight[i] > 0.01 * focus.largest]
    if not named:
        return "No edge enters this node."
    return f"Strongest: {', '.join(named)}."


def _called(node: NodeRef) -> str:
    """A node in the words of a caption; a box is given as modality and number, which a reader can count."""
    if node.text is not None:
        return f"“{' '.join(node.text.split())[:24]}” ({node.modality} {node.index})"
    where = f" ({node.label})" if node.span is not None else ""
    return f"{node.modality} {node.index}{where}"


def _title(fig: Figure, layout: Layout, focus: Focus) -> None:
    y = layout.height - 0.3
    style: dict[str, Any] = {"va": "center", "parse_math": False}
    said = f"What {_called(focus.node)} attends to"
    fig.text(*layout.point(MARGIN, y), said, size=12, weight="bold", color=INK, **style)
    right = layout.point(layout.width - MARGIN, y)
    fig.text(*right, f"sample {focus.sample}", size=8.5, color=MUTED, ha="right", **style)


def _mark(ax: Axes, role: str, nodes: NodeSet, index: int) -> None:
    """A thick frame around the node that attends."""
    halo = [withStroke(linewidth=5, foreground="white")]  # to be seen on a dark picture
    look: dict[str, Any] = {"facecolor": "none", "edgecolor": INK, "linewidth": 2.4, "zorder": 5, "gid": "focus"}
    if role == "regions":
        corners = region_corners(nodes.attribute("box"), outlines_of(nodes))[index]
        ax.add_patch(Polygon(corners, closed=True, path_effects=halo, clip_on=False, **look))
    elif role == "words":
        ax.patches[index].set(edgecolor=INK, linewidth=2.4, gid="focus")
    else:
        start, stop = frame_cells(nodes.attribute("span").double().numpy().astype(np.float64))[index]
        low, high = STRIP
        frame = Rectangle((start, low), stop - start, high - low, clip_on=False, **look)
        frame.set_transform(ax.get_xaxis_transform())
        ax.add_patch(frame)
