"""Samples with pictures, words and sounds, and random attention over them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from mmgraph.explain import AttentionRecord, LayerAttention, PoolAttention
from mmgraph.graph import STANDARD_ATTRIBUTES, GraphBatch, GraphSchema

NAMES = ("image", "text", "audio")
WORDS = ("which", "digit", "is", "larger", ",", "the", "spoken", "one", "or", "that", "at", "the", "upper", "left", "?")


def grid(rows: int, columns: int) -> torch.Tensor:
    y, x = np.mgrid[:rows, :columns]
    corners = np.stack([x / columns, y / rows, (x + 1) / columns, (y + 1) / rows], -1)
    return torch.tensor(corners.reshape(-1, 4), dtype=torch.float32)


def make_sample(
    rows: int = 2, columns: int = 2, tokens: int = 5, frames: int = 4, *, names: tuple[str, ...] = NAMES
) -> tuple[dict[str, Any], GraphBatch]:
    """A sample and its graph, all nodes joined with all; a modality without nodes has no raw input either."""
    image, text, audio = names
    counts = {image: rows * columns, text: tokens, audio: frames}
    schema = GraphSchema(
        dict.fromkeys(names, 2),
        [(a, "with", b) for a in names for b in names],
        {name: {key: STANDARD_ATTRIBUTES[key]} for name, key in zip(names, ("box", "text", "span"), strict=True)},
    )
    start = torch.arange(frames) * 0.1
    words = [WORDS[i % len(WORDS)] for i in range(tokens)]
    graph = GraphBatch.single(
        {name: torch.ones(count, 2) for name, count in counts.items()},
        {
            (a, r, b): torch.cartesian_prod(torch.arange(counts[a]), torch.arange(counts[b])).T.reshape(2, -1)
            for a, r, b in schema.edge_types
        },
        schema=schema,
        attributes={
            image: {"box": grid(rows, columns)},
            text: {"text": words},
            audio: {"span": torch.stack([start, start + 0.1], 1)},
        },
        id="s1",
    )
    tone = np.sin(2 * np.pi * 1000 * np.arange(int(800 * frames)) / 8000).astype(np.float32)
    raw = {
        image: np.linspace(0, 1, 16 * 16, dtype=np.float32).reshape(16, 16) if rows * columns else None,
        text: " ".join(words) if tokens else None,
        audio: (tone, 8000) if frames else None,
    }
    return {"id": "s1", **raw}, graph


def make_record(graph: GraphBatch, seed: int = 0) -> AttentionRecord:
    generator = torch.Generator().manual_seed(seed)
    flat = graph.flat
    dst = torch.repeat_interleave(torch.arange(graph.num_nodes), flat.rowptr.diff())
    weight = torch.randn(flat.src.numel(), 2, generator=generator).mul(2).exp()
    alpha = weight / torch.zeros(graph.num_nodes, 2).index_add_(0, dst, weight)[dst]
    counts = flat.segment.diff()
    pool = (1 / counts).repeat_interleave(counts).unsqueeze(1)
    layer = LayerAttention("blocks.0.conv", "node", graph.schema.edge_types, alpha, flat)
    return AttentionRecord(graph, (layer,), (PoolAttention("pool", pool),))


@pytest.fixture(scope="session")
def sample() -> Callable[..., tuple[dict[str, Any], GraphBatch]]:
    return make_sample


@pytest.fixture(scope="session")
def record() -> Callable[..., AttentionRecord]:
    return make_record
