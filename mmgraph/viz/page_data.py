"""Samples as the JSON that the attention page reads: numbers packed, compressed and in base64."""

import base64
import hashlib
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from mmgraph.explain import LayerAttention
from mmgraph.explain.nodes import destinations
from mmgraph.graph import GraphBatch, Relation, Texts
from mmgraph.viz.page_media import Media, picture_file, sonogram_file, sound_file, sound_seconds
from mmgraph.viz.page_sample import NodeValues, PageSample

DECADES = 4
"""How far below the largest weight of a layer the smallest is that a code can say."""


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
    links: list[dict[str, str]] = []
    # A learned relation may be in one layer only: relations are numbered through all of them.
    named = [sample.graph.schema.edge_types, *(layer.relations for layer in sample.layers)]
    relations = list(dict.fromkeys(relation for names in named for relation in names))
    layers = [_pack_layer(layer, relations, links) for layer in sample.layers]
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


def encode_weights(alpha: Tensor, largest: float) -> UInt8[np.ndarray, "heads links"]:
    """Weights [links, heads] as codes: 0 for none, 1 to 255 on a logarithmic scale up to `largest`, exact to 2 %.

    Example:
        >>> encode_weights(torch.tensor([[1.0], [0.01], [0.0]]), 1.0).tolist()
        [[255, 128, 0]]
    """
    ratio = alpha.detach().cpu().double().numpy().T / (largest or 1.0)
    scaled = 1 + 254 * (1 + np.log10(np.maximum(ratio, 1e-30)) / DECADES)
    return np.where(scaled >= 0.5, np.clip(np.round(scaled), 1, 255), 0).astype(np.uint8)


def decode_weights(codes: UInt8[np.ndarray, "heads links"], largest: float) -> np.ndarray:
    """What the page reads from the codes.

    Example:
        >>> decode_weights(np.array([[255, 128, 0]], dtype=np.uint8), 1.0).round(4).tolist()
        [[1.0, 0.01, 0.0]]
    """
    return np.where(codes > 0, largest * 10.0 ** (-DECADES * (1 - (codes.astype(np.float64) - 1) / 254)), 0.0)


def pack32(values: np.ndarray) -> str:
    """Numbers of 32 bits as four planes of bytes, one after the other (which compresses well), in base64.

    Example:
        >>> import base64, zlib
        >>> zlib.decompress(base64.b64decode(pack32(np.array([1, 258], dtype=np.uint32)))).hex()
        '0102000100000000'
    """
    flat = np.ascontiguousarray(values).reshape(-1)
    planes = flat.astype(flat.dtype.newbyteorder("<"), copy=False).view(np.uint8).reshape(-1, 4).T
    return pack(np.ascontiguousarray(planes))


def pack(values: np.ndarray) -> str:
    """Bytes, compressed, in base64.

    Example:
        >>> pack(np.zeros(1000, dtype=np.uint8)) < 40 * "z"
        True
    """
    return base64.b64encode(zlib.compress(values.tobytes(), 9)).decode()


def _pack_layer(layer: LayerAttention, relations: list[Relation], links: list[dict[str, str]]) -> dict[str, Any]:
    flat = layer.graph
    number = np.array([relations.index(relation) for relation in layer.relations], dtype=np.int64)
    src, relation = flat.src.cpu().numpy().astype(np.int64), number[flat.relation.cpu().numpy()]
    dst = destinations(flat).cpu().numpy()
    order = np.lexsort((src, relation, dst))  # sources that rise make small steps, which compress well
    src, relation = src[order], relation[order]
    goes_on = (np.diff(dst, prepend=-1) == 0) & (np.diff(relation, prepend=-1) == 0)
    packed = {
        "degree": pack32(flat.rowptr.diff().cpu().numpy().astype(np.uint32)),
        "relation": pack32(relation.astype(np.uint32)),
        # From the source before; from 0 where another destination or relation begins.
        "src": pack32((src - np.where(goes_on, np.roll(src, 1), 0)).astype(np.uint32)),
    }
    if packed not in links:
        links.append(packed)
    largest = float(layer.alpha.max()) if layer.alpha.numel() else 0.0
    return {
        "name": layer.name,
        "scope": layer.scope,
        "heads": layer.alpha.shape[1],
        "largest": largest,
        "links": links.index(packed),
        "weights": pack(encode_weights(layer.alpha, largest)[:, order]),
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
