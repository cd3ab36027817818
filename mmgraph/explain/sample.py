"""`sample_attention`: the part of a record that is worth drawing for one sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.explain.flow import flow_to_output
from mmgraph.explain.nodes import destinations, edges_of
from mmgraph.explain.record import AttentionEdge, AttentionRecord, LayerAttention
from mmgraph.graph import Relation


@dataclass(frozen=True, eq=False)
class SampleAttention:
    """What to draw over one sample.

    Attributes:
        sample: id of the sample.
        links: cross-modal edges with their weights, the largest first.
        flow: per modality the attention flow to the output from each node; empty if it was not asked for.
        caption: what the links and the flow are.

    Example:
        >>> SampleAttention("s1", (), {}, "no links").caption
        'no links'
    """

    sample: str
    links: tuple[AttentionEdge, ...]
    flow: Mapping[str, Float[Tensor, " nodes"]] = field(default_factory=dict)
    caption: str = ""


def sample_attention(
    record: AttentionRecord,
    sample: str,
    *,
    layer: int = -1,
    relations: Sequence[Relation] | None = None,
    top: int = 2,
    limit: int = 60,
    flow: bool = True,
) -> SampleAttention:
    """The strongest cross-modal links of one layer, and the attention flow to the output.

    Of the cross-modal edges into each node the `top` with the largest weight (mean over heads) are taken, and of
    these the `limit` largest. A weight is a share of what enters its destination, so a node with few incoming edges has
    larger ones. The caption says how many edges were left out.

    Args:
        record: of a forward pass that the sample took part in.
        sample: its id.
        layer: number of the recorded conv; the last if not given.
        relations: only these; all cross-modal ones if not given.
        top: links per destination node.
        limit: links in all.
        flow: whether to add `flow_to_output`.

    Raises:
        ValueError: if the layer has `scope="relation"` and edges of more than one relation are to be compared, if a
            relation is unknown or not cross-modal, if `top` or `limit` is below 1, or as `flow_to_output` does.

    Example:
        >>> from mmgraph.explain import LayerAttention
        >>> from mmgraph.graph import GraphBatch
        >>> batch = GraphBatch.single({"image": torch.rand(2, 3), "text": torch.rand(1, 3)},
        ...                           {("image", "with", "text"): torch.tensor([[0, 1], [0, 0]])}, id="s1")
        >>> alpha = torch.tensor([[0.75], [0.25]])
        >>> layer = LayerAttention("conv", "node", batch.schema.edge_types, alpha, batch.flat)
        >>> record = AttentionRecord(batch, (layer,), ())
        >>> [(edge.source.label, edge.mean) for edge in sample_attention(record, "s1", top=1, flow=False).links]
        [('image 0', 0.75)]
    """
    if top < 1 or limit < 1:
        raise ValueError(f"{top=} and {limit=} are at least 1")
    graph, found = record.find(sample), record.layer(layer)
    ids = _relation_ids(found, relations)
    rows = edges_of(found.graph, graph)
    rows = rows[torch.isin(found.graph.relation[rows], torch.tensor(ids, device=rows.device))]
    kept = _strongest(found, rows, top, limit)
    shares = _flow_of(record, graph) if flow else {}
    links = tuple(record.name_edges(layer, kept))
    return SampleAttention(sample, links, shares, _caption(record, found, len(kept), rows.numel(), top, flow))


def _relation_ids(layer: LayerAttention, relations: Sequence[Relation] | None) -> list[int]:
    """Ids of the relations to draw, refused where their weights cannot be compared."""
    crossing = [relation for relation in layer.relations if relation[0] != relation[2]]
    chosen = crossing if relations is None else [tuple(relation) for relation in relations]
    for relation in chosen:
        if relation not in crossing:
            raise ValueError(f"{relation} is no cross-modal relation of layer {layer.name!r}; it has {crossing}")
    if layer.scope != "node" and len(chosen) > 1:
        raise ValueError(
            f"layer {layer.name!r} has scope={layer.scope!r}: each relation has a softmax of its own, so weights of "
            f"different relations cannot be compared; name one relation of {crossing}, or build the model with "
            "scope='node'"
        )
    return [layer.relations.index(relation) for relation in chosen]


def _strongest(layer: LayerAttention, rows: Tensor, top: int, limit: int) -> Tensor:
    """The `limit` largest of the `top` largest per destination, largest first; equal ones in the order of edges."""
    weight, into = layer.mean[rows], destinations(layer.graph)[rows]
    order = torch.argsort(weight, descending=True, stable=True)
    order = order[torch.argsort(into[order], stable=True)]  # by destination, the largest weight first
    _, counts = torch.unique_consecutive(into[order], return_counts=True)
    first = (counts.cumsum(0) - counts).repeat_interleave(counts)
    order = order[torch.arange(order.numel(), device=rows.device) - first < top]
    order = order[torch.argsort(weight[order], descending=True, stable=True)][:limit]
    return rows[order]


def _flow_of(record: AttentionRecord, graph: int) -> dict[str, Tensor]:
    try:
        flow = flow_to_output(record).cpu()
    except ValueError as error:
        error.add_note("flow=False draws the links without the attention flow")
        raise
    bounds = record.batch.flat.segment.tolist()
    graphs = record.batch.num_graphs
    places = [m * graphs + graph for m in range(len(record.batch.schema.modalities))]
    names = record.batch.schema.modalities
    return {name: flow[bounds[place] : bounds[place + 1]] for name, place in zip(names, places, strict=True)}


def _caption(record: AttentionRecord, layer: LayerAttention, drawn: int, edges: int, top: int, flow: bool) -> str:
    place = f"layer {record.layers.index(layer) + 1} of {len(record.layers)}, {layer.name}"
    within = "all edges" if layer.scope == "node" else "the edges of one relation"
    text = (
        f"Links: attention weight ({place}, mean over heads; sums to 1 over {within} into a node). Shown are {drawn:,} "
        f"of {edges:,} cross-modal edges: at most {top} into each node. A dot marks the node that attends."
    )
    if flow:
        text += " Tint: attention flow to the output, through all layers; each panel has its own scale."
    return text
