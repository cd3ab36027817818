"""Samples as the JSON that the attention page reads."""

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmgraph.explain import LayerAttention
from mmgraph.explain.nodes import destinations
from mmgraph.graph import GraphBatch, Relation, Texts
from mmgraph.viz.page_media import Media, picture_file, sonogram_file, sound_file, sound_seconds
from mmgraph.viz.page_numbers import encode_weights, inexactness, pack, pack32, pack_gaps
from mmgraph.viz.page_sample import NodeValues, PageSample

STEPS = (1, 2, 3, 4, 6, 8)
"""How coarse codes of weights may be made to keep within two bytes per link, layer and head; see `inexactness`."""
FEW = 400
"""Links of a small layer: what does not grow with them may take up to as many bytes more."""


@dataclass
class MediaStore:
    """Pictures and sounds, each kept once however many samples show it.

    Example:
        >>> store = MediaStore()
        >>> store.add(("image/png", b"a")), store.add(("image/png", b"b")), store.add(("image/png", b"a"))
        (0, 1, 0)
    """

    files: list[dict[str, str]] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)

    def add(self, media: Media) -> int:
        """The number of a file."""
        kind, content = media
        digest = hashlib.sha256(kind.encode() + content).hexdigest()
        if digest not in self.places:
            self.places[digest] = len(self.files)
            self.files.append({"type": kind, "data": base64.b64encode(content).decode()})
        return self.places[digest]


def pack_sample(sample: PageSample, media: MediaStore) -> dict[str, Any]:
    """A sample as plain JSON values; its pictures and sounds go to `media`.

    Raises:
        ValueError: naming sample and modality, if a raw input is no image or sound.

    Example:
        >>> graph = GraphBatch.single({"text": torch.rand(2, 3)}, {}, attributes={"text": {"text": ["two", "dogs"]}})
        >>> pack_sample(PageSample("s", graph), MediaStore())["panels"][0]["labels"]
        ['two', 'dogs']
    """
    # A learned relation may be in one layer only: relations are numbered through all of them.
    named = [sample.graph.schema.edge_types, *(layer.relations for layer in sample.layers)]
    relations = list(dict.fromkeys(relation for names in named for relation in names))
    links, layers = _pack_layers(sample, relations)
    return {
        "id": sample.id,
        "model": sample.model,
        "prediction": sample.prediction,
        "truth": sample.truth,
        "right": sample.right,
        "panels": [_pack_panel(sample, modality, media) for modality in sample.graph.schema.modalities],
        "relations": [list(relation) for relation in relations],
        "links": links,
        "layers": layers,
        "flow": None if sample.flow is None else _pack_values(sample.flow, sample.graph),
        "attributions": [_pack_values(values, sample.graph) for values in sample.attributions],
    }


def _pack_layers(sample: PageSample, relations: list[Relation]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The ends of links, kept once for all layers over the same links, and the layers."""
    links: list[dict[str, Any]] = []
    places, orders = [], []
    found, shown = [_pack_ends(layer, relations, sample.graph) for layer in sample.layers], list(sample.layers)
    for i, layer in enumerate(sample.layers):
        ends, order = found[i]
        if layer.alpha.shape[1] == 1 and [other for other, _ in found].count(ends) == 1:
            shown[i] = _strongest(layer, relations, sample.graph)
            ends, order = _pack_ends(shown[i], relations, sample.graph)
        if ends not in links:
            links.append(ends)
        places.append(links.index(ends))
        orders.append(order)
    packed: list[dict[str, Any]] = [{} for _ in places]
    for place, ends in enumerate(links):
        of = [i for i, own in enumerate(places) if own == place]
        wanted = [(shown[i], orders[i]) for i in of]
        for i, weights in zip(of, _within_budget(wanted, ends), strict=True):
            packed[i] = {"links": place, **weights}
    return links, packed


def _strongest(layer: LayerAttention, relations: list[Relation], graph: GraphBatch) -> LayerAttention:
    """A layer whose only head has to pay for the ends of its links: the strongest links of each node that fit.

    All of them nearly always do; the ends of a few among many nodes take more than two bytes each if they follow no
    pattern.
    """
    dst, number = destinations(layer.graph), layer.alpha.shape[0]
    order = torch.argsort(dst * 2.0 - layer.alpha[:, 0].double().clamp(0, 1), stable=True)
    first = torch.searchsorted(dst[order], dst[order])
    rank = torch.empty_like(order).index_copy(0, order, torch.arange(number, device=order.device) - first)
    kept = layer
    for most in range(int(rank.max()) if number else 0, 0, -1):
        ends, places = _pack_ends(kept, relations, graph)
        size = len(json.dumps([ends, _pack_weights(kept, places, STEPS[-1])]))
        if size <= _budget(number):
            break
        kept = _subset(layer, (rank < most).nonzero().squeeze(1))
    return kept


def _subset(layer: LayerAttention, edges: Tensor) -> LayerAttention:
    graph, dst = layer.graph, destinations(layer.graph)[edges]
    rowptr = torch.zeros_like(graph.rowptr)
    rowptr[1:] = torch.bincount(dst, minlength=len(rowptr) - 1).cumsum(0)
    found = graph._replace(rowptr=rowptr, src=graph.src[edges], relation=graph.relation[edges])
    return replace(layer, alpha=layer.alpha[edges], graph=found, edge_weight=None)


def _budget(number: int) -> int:
    """Bytes of the file for so many weights and their ends."""
    return max(2 * number, number + FEW)


def _pack_ends(
    layer: LayerAttention, relations: list[Relation], graph: GraphBatch
) -> tuple[dict[str, Any], np.ndarray]:
    """The ends of a layer's links, and the links' order: by destination, then relation, then source.

    All sources by all destinations of a relation are a table, row by row; a link is the gap to the link before it.
    """
    flat, schema = layer.graph, graph.schema
    number = np.array([relations.index(relation) for relation in layer.relations], dtype=np.int64)
    src, dst = flat.src.cpu().numpy().astype(np.int64), destinations(flat).cpu().numpy().astype(np.int64)
    kind = number[flat.relation.cpu().numpy()]
    counts = np.array([nodes.num_nodes for nodes in graph.nodes.values()])
    first = np.cumsum(counts) - counts
    gaps = []
    for r, (source, _, destination) in enumerate(relations):
        a, b, own = schema.modality_id(source), schema.modality_id(destination), kind == r
        cells = np.sort((dst[own] - first[b]) * counts[a] + src[own] - first[a])
        gaps.append(np.diff(cells, prepend=0))
    text = pack_gaps(np.concatenate(gaps)) if gaps else pack_gaps(np.zeros(0, dtype=np.int64))
    return {"counts": [len(row) for row in gaps], "gaps": text}, np.lexsort((src, kind, dst))


def _within_budget(layers: list[tuple[LayerAttention, np.ndarray]], ends: dict[str, Any]) -> list[dict[str, Any]]:
    """Layers over the same links, their weights as exact as two bytes per link, layer and head allow."""
    numbers = [layer.alpha.numel() for layer, _ in layers]
    budget = sum(map(_budget, numbers))
    for step in STEPS:
        packed = [_pack_weights(layer, order, step) for layer, order in layers]
        if len(json.dumps([ends, packed])) <= budget:
            break
    return packed


def _pack_weights(layer: LayerAttention, order: np.ndarray, step: int) -> dict[str, Any]:
    largest = float(layer.alpha.max()) if layer.alpha.numel() else 0.0
    return {
        "name": layer.name,
        "scope": layer.scope,
        "heads": layer.alpha.shape[1],
        "largest": largest,
        "exact": math.ceil(100 * inexactness(step)),
        "weights": pack(encode_weights(layer.alpha, largest, step)[:, order]),
    }


def _pack_values(values: NodeValues, graph: GraphBatch) -> dict[str, Any]:
    rows: Sequence[np.ndarray] = [
        torch.as_tensor(values.values[modality]).detach().cpu().numpy().astype(np.float32)
        if modality in values.values
        else np.full(nodes.num_nodes, np.nan, dtype=np.float32)
        for modality, nodes in graph.nodes.items()
    ]
    return {"name": values.name, "meaning": values.meaning, "values": pack32(np.concatenate(rows))}


def _pack_panel(sample: PageSample, modality: str, media: MediaStore) -> dict[str, Any]:
    nodes, raw = sample.graph.nodes[modality], sample.raw.get(modality)
    texts, attributes = nodes.attributes.get("text"), nodes.attributes
    role = "regions" if "box" in attributes else "time" if "span" in attributes and texts is None else "words"
    panel: dict[str, Any] = {
        "name": modality,
        "role": role,
        "count": nodes.num_nodes,
        "labels": texts.tolist() if isinstance(texts, Texts) else None,
        "boxes": _part(attributes.get("box")) if role == "regions" else None,
        "outlines": _part(attributes.get("outline")) if role == "regions" else None,
        "spans": pack32(nodes.attribute("span").numpy().astype(np.float32)) if role == "time" else None,
        **{"picture": None, "sound": None, "spectrogram": None, "seconds": 0.0},
    }
    try:
        if role == "regions" and raw is not None:
            panel["picture"] = media.add(picture_file(raw))
        if role == "time" and raw is not None:
            panel["sound"], panel["spectrogram"] = media.add(sound_file(raw)), media.add(sonogram_file(raw))
            panel["seconds"] = sound_seconds(raw)
    except ValueError as error:
        error.add_note(f"while drawing {modality!r} of sample {sample.id!r}")
        raise
    return panel


def _part(values: Tensor | Texts | None) -> str | None:
    """Places in 0..1 as whole numbers up to 65535, row by row."""
    if not isinstance(values, Tensor) or not math.prod(values.shape):
        return None
    return pack32(np.round(values.cpu().numpy().clip(0, 1) * 65535).astype(np.uint32))
