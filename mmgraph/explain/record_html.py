"""`record_html`: an attention record as a notebook shows it."""

from collections.abc import Iterable, Sequence
from html import escape

import torch

from mmgraph.explain.nodes import destinations
from mmgraph.explain.record import AttentionRecord, LayerAttention
from mmgraph.graph.html import table


def record_html(record: AttentionRecord) -> str:
    """Layers and pools of a record as HTML, and for each layer where the attention of each modality goes.

    Shares are means over the nodes that an edge enters, of all graphs and heads. They are left out of a layer whose
    softmax does not span all edges into a node: there they would only count relations.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> batch = GraphBatch.single({"text": torch.rand(2, 3)}, {("text", "next", "text"): torch.tensor([[0], [1]])})
        >>> layer = LayerAttention("<conv>", "node", batch.schema.edge_types, torch.ones(1, 2), batch.flat)
        >>> text = record_html(AttentionRecord(batch, (layer,), ()))
        >>> "&lt;conv&gt;" in text, "<conv>" in text, "100 %" in text
        (True, False, True)
    """
    graphs, layers, names = record.batch.num_graphs, len(record.layers), list(record.batch.schema.modalities)
    counts = f"{graphs:,} graph{'s' * (graphs != 1)} · {layers} layer{'s' * (layers != 1)} with attention"
    parts = [f"<b>AttentionRecord</b> · {counts}"]
    parts.append(table(("layer", "softmax over", "heads", "edges", "largest weight"), map(_layer, record.layers)))
    for layer in record.layers:
        if layer.scope == "node" and layer.alpha.numel() and len(layer.graph.num_nodes) == len(names):
            parts.append(f"{escape(layer.name)}: attention from (row) to (column), mean over nodes and heads")
            parts.append(table(("", *names), _rows(names, shares(layer))))
    if record.pools:
        parts.append(table(("pool", "heads"), [(pool.name, str(pool.alpha.shape[1])) for pool in record.pools]))
    return f'<div style="overflow-x:auto">{"".join(parts)}</div>'


def shares(layer: LayerAttention) -> torch.Tensor:
    """Mean share of the attention of each modality's nodes (rows) that goes to each modality, [modalities, modalities].

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> batch = GraphBatch.single({"image": torch.rand(2, 3), "text": torch.rand(1, 3)},
        ...                           {("image", "with", "text"): torch.tensor([[0, 1], [0, 0]])})
        >>> alpha = torch.tensor([[0.75], [0.25]])
        >>> shares(LayerAttention("conv", "node", batch.schema.edge_types, alpha, batch.flat)).tolist()
        [[0.0, 0.0], [1.0, 0.0]]
    """
    flat = layer.graph
    counts = torch.tensor(flat.num_nodes, device=flat.src.device)
    modality = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    into, source = modality[destinations(flat)], modality[flat.src.long()]
    sums = layer.mean.new_zeros(len(counts), len(counts), dtype=torch.float64)
    sums = sums.index_put_((into, source), layer.mean.double(), accumulate=True)
    entered = torch.zeros(len(counts), dtype=torch.float64, device=counts.device)
    entered = entered.index_add_(0, modality, (flat.rowptr.diff() > 0).double())
    return sums / entered.clamp_min(1).unsqueeze(1)


def _layer(layer: LayerAttention) -> tuple[str, ...]:
    edges, heads = layer.alpha.shape
    scope = "all edges into a node" if layer.scope == "node" else "the edges of one relation into a node"
    largest = f"{float(layer.alpha.max()):.3g}" if layer.alpha.numel() else ""
    return layer.name, scope, str(heads), f"{edges:,}", largest


def _rows(names: Sequence[str], values: torch.Tensor) -> Iterable[tuple[str, ...]]:
    for name, row in zip(names, values.tolist(), strict=True):
        yield name, *(f"{100 * value:.0f} %" if value else "–" for value in row)
