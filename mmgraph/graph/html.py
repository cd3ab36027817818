"""`batch_html`: a batch as a notebook shows it."""

from collections.abc import Iterable, Sequence
from html import escape

from mmgraph.graph.batch import GraphBatch

CELL = "text-align:left;padding:.15em 1.2em .15em 0"
HEAD = f"{CELL};font-weight:normal;opacity:.65"
SHOWN = 3
"""Ids that are listed."""


def batch_html(batch: GraphBatch) -> str:
    """Schema and counts of a batch as HTML: a row per modality, relation and target. Every name is escaped.

    Example:
        >>> import torch
        >>> graph = GraphBatch.single({"text": torch.rand(2, 3)}, {}, id="<s1>")
        >>> "&lt;s1&gt;" in batch_html(graph), "<s1>" in batch_html(graph)
        (True, False)
    """
    graphs, ids = batch.num_graphs, batch.ids.narrow(0, min(SHOWN, batch.num_graphs)).tolist()
    named = ", ".join(ids) + (", …" if graphs > SHOWN else "")
    totals = f"{batch.num_nodes:,} nodes, {batch.num_edges:,} edges; {batch.dtype}, {batch.device}"
    parts = [f"<b>GraphBatch</b> · {graphs:,} graph{'s' * (graphs != 1)} · {escape(totals)} · {escape(named)}"]
    parts.append(table(("modality", "nodes", "per graph", "absent from", "channels", "attributes"), _modalities(batch)))
    if batch.schema.edge_types:
        parts.append(table(("relation", "edges", "per graph", "edge features"), _relations(batch)))
    if batch.schema.targets:
        parts.append(table(("target", "of", "type", "known"), _targets(batch)))
    return f'<div style="overflow-x:auto">{"".join(parts)}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """An HTML table; every text is escaped.

    Example:
        >>> "<td" in table(("a",), [("<b>",)]), "&lt;b&gt;" in table(("a",), [("<b>",)])
        (True, True)
    """
    cells = "".join(f'<th style="{HEAD}">{escape(name)}</th>' for name in head)
    lines = "".join(
        "<tr>" + "".join(f'<td style="{CELL}">{escape(value)}</td>' for value in row) + "</tr>" for row in rows
    )
    return f'<table style="margin:.5em 0"><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>'


def _modalities(batch: GraphBatch) -> Iterable[tuple[str, ...]]:
    for modality, nodes in batch.nodes.items():
        counts, fields = nodes.counts, batch.schema.attributes[modality]
        absent = int((counts == 0).sum()) if batch.num_graphs else 0
        carried = ", ".join(f"{name} {_type(field.dtype, field.shape)}" for name, field in fields.items())
        lacking, channels = f"{absent:,}" if absent else "", str(nodes.x.shape[1])
        yield modality, f"{nodes.num_nodes:,}", _spread(counts.tolist()), lacking, channels, carried


def _relations(batch: GraphBatch) -> Iterable[tuple[str, ...]]:
    for relation in batch.schema.edge_types:
        edges = batch.relation(relation)
        per_graph = _spread(edges.ptr.diff().tolist())
        yield " → ".join(relation), f"{edges.num_edges:,}", per_graph, ", ".join(batch.schema.edge_features(relation))


def _targets(batch: GraphBatch) -> Iterable[tuple[str, ...]]:
    for name, field in batch.schema.targets.items():
        target = batch.targets[name]
        classes = f", {field.num_classes} classes" if field.num_classes else ""
        known = f"{int(target.mask.sum()):,} of {len(target.mask):,}"
        yield name, field.of or "graph", _type(field.dtype, field.shape) + classes, known


def _type(dtype: str, shape: tuple[int, ...]) -> str:
    return f"{dtype}{list(shape)}" if shape else dtype


def _spread(counts: Sequence[int]) -> str:
    """Least to most, or the one number that all have."""
    low, high = min(counts, default=0), max(counts, default=0)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
