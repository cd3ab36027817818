"""Attention records and attributions as pandas tables, networkx graphs and files for other tools."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from mmgraph.explain.attribution import Attribution
from mmgraph.explain.evaluation import Evaluation
from mmgraph.explain.nodes import NodeRef, destinations, locate, node_refs
from mmgraph.explain.record import AttentionRecord, LayerAttention

if TYPE_CHECKING:
    import networkx
    import pandas


def frame(record: AttentionRecord) -> "pandas.DataFrame":
    """See `AttentionRecord.to_frame`."""
    pandas = _pandas()
    nodes = _node_columns(node_refs(record.batch))
    layers = [*(record.layer(i) for i in range(len(record.layers))), *record.learned]
    parts = [pandas.DataFrame(_columns(record, layer, nodes)) for layer in layers]
    if not parts:
        raise ValueError("the record has no conv with attention, so there is no edge to list")
    return pandas.concat(parts, ignore_index=True)


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError("to_frame needs pandas: pip install 'mmgraph[pandas]'") from error
    return pandas


def _node_columns(refs: Sequence[NodeRef]) -> dict[str, np.ndarray]:
    """Number and label of all nodes, and what some of them have of text, box and time."""
    columns = {
        "": np.array([ref.index for ref in refs], dtype=np.int64),
        "_label": np.array([ref.label for ref in refs], dtype=object),
    }
    if any(ref.text is not None for ref in refs):
        columns["_text"] = np.array([ref.text for ref in refs], dtype=object)
    for names, rows in (
        (("_x1", "_y1", "_x2", "_y2"), [ref.box for ref in refs]),
        (("_start", "_end"), [ref.span for ref in refs]),
    ):
        if any(row is not None for row in rows):
            nothing = (np.nan,) * len(names)
            values = np.array([nothing if row is None else row for row in rows], dtype=np.float64)
            columns |= dict(zip(names, values.T, strict=True))
    return columns


def _columns(record: AttentionRecord, layer: LayerAttention, nodes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    edges, heads = layer.alpha.shape
    src, dst = _array(layer.graph.src), _array(destinations(layer.graph))
    graph = _array(locate(layer.graph, layer.graph.src.long())[0])
    relation = _array(layer.graph.relation)
    ends = np.array(layer.relations, dtype=object).reshape(-1, 3)
    values: dict[str, Any] = {
        "layer": np.full(edges, layer.name, dtype=object),
        "scope": np.full(edges, layer.scope, dtype=object),
        "graph": np.array(record.batch.ids.tolist(), dtype=object)[graph],
        "src_modality": ends[relation, 0],
        "relation": ends[relation, 1],
        "dst_modality": ends[relation, 2],
    }
    for name, rows in (("source", src), ("destination", dst)):
        values |= {name + suffix: column[rows] for suffix, column in nodes.items()}
    columns = {name: np.repeat(value, heads) for name, value in values.items()}
    columns["head"] = np.tile(np.arange(heads), edges)
    columns["alpha"] = _array(layer.alpha).reshape(-1)
    return columns


def network(record: AttentionRecord, graph: int, layer: int) -> "networkx.MultiDiGraph":
    """See `AttentionRecord.to_networkx`."""
    import networkx

    edges = record.edges(graph, layer)
    result = networkx.MultiDiGraph(sample=record.batch.ids[graph], layer=record.layer(layer).name)
    for ref in node_refs(record.batch[graph]):
        result.add_node(_key(ref), **_values(ref))
    for edge in edges:
        heads = {f"head_{i}": weight for i, weight in enumerate(edge.alpha)}
        ends = _key(edge.source), _key(edge.destination)
        result.add_edge(*ends, relation=edge.relation[1], scope=edge.scope, weight=edge.mean, **heads)
    return result


_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(record: AttentionRecord, path: Path, graph: int, layer: int) -> None:
    """See `AttentionRecord.write`."""
    import networkx

    writers = {".gexf": networkx.write_gexf, ".graphml": networkx.write_graphml}
    if path.suffix not in writers:
        raise ValueError(f"{path.name!r} ends neither in {' nor in '.join(writers)}")
    made = network(record, graph, layer)
    for _, values in made.nodes(data=True):
        values["label"] = _NOT_XML.sub("\ufffd", values["label"])  # a token may hold what XML cannot
    made.graph = {name: _NOT_XML.sub("\ufffd", value) for name, value in made.graph.items()}
    writers[path.suffix](made, path)


def attribution_frame(attribution: Attribution) -> "pandas.DataFrame":
    """See `Attribution.to_frame`."""
    columns = ("method", "level", "graph", "name", "index", "label", "value")
    rows = [(attribution.method, *row) for row in _attribution_rows(attribution)]
    return _pandas().DataFrame(rows, columns=columns)


def evaluation_frame(evaluation: Evaluation) -> "pandas.DataFrame":
    """See `Evaluation.to_frame`."""
    columns = ("method", "measure", "mean", "low", "high", "num_graphs", "above_random", "above_low", "above_high")
    rows = []
    for method, row in evaluation.estimates.items():
        for measure, found in row.items():
            above = evaluation.against_random(method, measure)
            own = (found.mean, found.low, found.high, found.num_graphs)
            rows.append((method, measure, *own, above.mean, above.low, above.high))
    return _pandas().DataFrame(rows, columns=columns)


def _attribution_rows(attribution: Attribution) -> Iterator[tuple[str, str, str, int, str, float]]:
    graphs, flat = attribution.graphs, attribution.graphs.flat
    ids, refs = graphs.ids.tolist(), node_refs(graphs)
    if attribution.nodes is not None:
        of = [ids[graph] for modality in graphs.nodes.values() for graph in modality.graph.tolist()]
        for name, ref, value in zip(of, refs, attribution.nodes.tolist(), strict=True):
            yield "nodes", name, ref.modality, ref.index, ref.label, value
    if attribution.edges is not None:
        dst = destinations(flat)
        graph, _ = locate(flat, dst)
        seen = [0] * graphs.num_graphs
        ends = zip(graph.tolist(), flat.src.tolist(), dst.tolist(), flat.relation.tolist(), strict=True)
        for (number, source, destination, relation), value in zip(ends, attribution.edges.tolist(), strict=True):
            label = f"{refs[source].label} -> {refs[destination].label}"
            yield "edges", ids[number], "-".join(graphs.schema.edge_types[relation]), seen[number], label, value
            seen[number] += 1
    names = {
        "relations": ["-".join(relation) for relation in graphs.schema.edge_types],
        "modalities": list(graphs.schema.modalities),
    }
    for level, labels in names.items():
        values = getattr(attribution, level)
        for number, row in enumerate([] if values is None else values.tolist()):
            yield from ((level, ids[number], label, 0, label, value) for label, value in zip(labels, row, strict=True))


def _key(ref: NodeRef) -> str:
    return f"{ref.modality} {ref.index}"


def _values(ref: NodeRef) -> dict[str, str | int | float]:
    values: dict[str, str | int | float] = {"modality": ref.modality, "index": ref.index, "label": ref.label}
    values |= dict(zip(("x1", "y1", "x2", "y2"), ref.box or (), strict=False))
    values |= dict(zip(("start", "end"), ref.span or (), strict=False))
    return values


def _array(values: Tensor) -> np.ndarray:
    return values.cpu().numpy()
