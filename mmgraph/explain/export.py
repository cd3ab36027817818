"""Attention records as a pandas table or a networkx graph."""

from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from mmgraph.explain.nodes import NodeRef, destinations, locate, node_refs
from mmgraph.explain.record import AttentionRecord

if TYPE_CHECKING:
    import networkx
    import pandas


def frame(record: AttentionRecord) -> "pandas.DataFrame":
    """See `AttentionRecord.to_frame`."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError("to_frame needs pandas: pip install 'mmgraph[pandas]'") from error
    refs = node_refs(record.batch)
    label = np.array([ref.label for ref in refs], dtype=object)
    index = np.array([ref.index for ref in refs], dtype=np.int64)
    parts = [pandas.DataFrame(_columns(record, i, label, index)) for i in range(len(record.layers))]
    if not parts:
        raise ValueError("the record has no conv with attention, so there is no edge to list")
    return pandas.concat(parts, ignore_index=True)


def _columns(record: AttentionRecord, number: int, label: np.ndarray, index: np.ndarray) -> dict[str, np.ndarray]:
    layer = record.layer(number)
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
        "source": index[src],
        "source_label": label[src],
        "destination": index[dst],
        "destination_label": label[dst],
    }
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


def _key(ref: NodeRef) -> str:
    return f"{ref.modality} {ref.index}"


def _values(ref: NodeRef) -> dict[str, str | int | float]:
    values: dict[str, str | int | float] = {"modality": ref.modality, "index": ref.index, "label": ref.label}
    values |= dict(zip(("x1", "y1", "x2", "y2"), ref.box or (), strict=False))
    values |= dict(zip(("start", "end"), ref.span or (), strict=False))
    return values


def _array(values: Tensor) -> np.ndarray:
    return values.cpu().numpy()
