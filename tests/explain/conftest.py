"""A model small enough to read: real softmax attention over all edges into a node, and attention pooling."""

from collections.abc import Callable, Mapping
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from mmgraph.explain import AttentionRecord, LayerAttention, PoolAttention
from mmgraph.graph import FlatGraph, GraphBatch

CHANNELS = 3
RELATIONS = (
    ("image", "near", "image"),
    ("text", "with", "image"),
    ("image", "with", "text"),
    ("text", "with", "audio"),
)
WORDS = ("two", "dogs", "on", "a", "beach", "at", "dusk", "bark")


def destinations(graph: FlatGraph) -> Tensor:
    return torch.repeat_interleave(torch.arange(graph.rowptr.numel() - 1), graph.rowptr.diff())


def softmax(logits: Tensor, group: Tensor, groups: int) -> Tensor:
    weight = logits.exp()
    return weight / torch.zeros(groups, logits.shape[1]).index_add_(0, group, weight)[group]


class TinyConv(nn.Module):
    scope = "node"

    def __init__(self, heads: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        self.logits = nn.Linear(2 * CHANNELS, heads)
        self.dropout = dropout

    def attention(self, x: Mapping[str, Tensor], graph: FlatGraph) -> Tensor:
        rows, dst = torch.cat(list(x.values())), destinations(graph)
        return softmax(self.logits(torch.cat([rows[graph.src.long()], rows[dst]], 1)), dst, rows.shape[0])

    def forward(
        self, x: Mapping[str, Tensor], graph: FlatGraph, edge_weight: Tensor | None = None
    ) -> dict[str, Tensor]:
        rows = torch.cat(list(x.values()))
        alpha = nn.functional.dropout(self.attention(x, graph), self.dropout, self.training)
        alpha = alpha if edge_weight is None else alpha * edge_weight
        messages = alpha.mean(1, keepdim=True) * rows[graph.src.long()]
        out = rows.index_add(0, destinations(graph), messages)
        return dict(zip(x, out.split(list(graph.num_nodes)), strict=True))


class TinyPool(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Linear(CHANNELS, 1)

    def node_attention(self, x: Mapping[str, Tensor], graph: FlatGraph) -> Tensor:
        counts = graph.segment.diff()
        segment = torch.repeat_interleave(torch.arange(counts.numel()), counts)
        return softmax(self.logits(torch.cat(list(x.values()))), segment, counts.numel())

    def forward(self, x: Mapping[str, Tensor], graph: FlatGraph) -> Tensor:
        rows = self.node_attention(x, graph) * torch.cat(list(x.values()))
        counts = graph.segment.diff()
        segment = torch.repeat_interleave(torch.arange(counts.numel()), counts)
        pooled = torch.zeros(counts.numel(), CHANNELS).index_add(0, segment, rows)
        return pooled.view(-1, graph.num_graphs, CHANNELS).sum(0)


class TinyModel(nn.Module):
    def __init__(self, layers: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        self.convs = nn.ModuleList(TinyConv(dropout=dropout) for _ in range(layers))
        self.pool = TinyPool()

    def forward(self, batch: GraphBatch, edge_weight: Tensor | None = None) -> Tensor:
        self.schema = batch.schema
        x = {name: nodes.x for name, nodes in batch.nodes.items()}
        for conv in self.convs:
            x = conv(x, batch.flat, edge_weight)
        return self.pool(x, batch.flat)


def make_graph(regions: int, tokens: int, frames: int, *, seed: int = 0, id: str = "0") -> GraphBatch:
    """One graph with about half of all possible edges of four relations, and everything that can be drawn."""
    generator = torch.Generator().manual_seed(seed)
    counts = {"image": regions, "text": tokens, "audio": frames}
    relations = [
        ("image", "near", "image"),
        ("text", "with", "image"),
        ("image", "with", "text"),
        ("text", "with", "audio"),
    ]
    edges = {}
    for src, name, dst in relations:
        kept = torch.rand(counts[src], counts[dst], generator=generator) < 0.5
        edges[src, name, dst] = kept.nonzero().T
    left = torch.arange(regions) / max(regions, 1)
    box = torch.stack([left, torch.zeros(regions), left + 1 / max(regions, 1), torch.ones(regions)], 1).clamp(max=1)
    start = torch.arange(frames) * 0.1
    return GraphBatch.single(
        {name: torch.randn(count, CHANNELS, generator=generator) for name, count in counts.items()},
        edges,
        attributes={
            "image": {"box": box},
            "text": {"text": [WORDS[i % len(WORDS)] for i in range(tokens)]},
            "audio": {"span": torch.stack([start, start + 0.1], 1)},
        },
        id=id,
    )


def make_record(
    batch: GraphBatch, layers: int = 2, *, heads: int = 2, scope: str = "node", seed: int = 0
) -> AttentionRecord:
    """A record with random weights that sum to one as they should, without a model."""
    generator = torch.Generator().manual_seed(seed)
    flat = batch.flat
    counts = flat.segment.diff()
    segment = torch.repeat_interleave(torch.arange(counts.numel()), counts)
    dst = destinations(flat)
    group = dst if scope == "node" else dst * len(batch.schema.edge_types) + flat.relation
    groups = batch.num_nodes * max(len(batch.schema.edge_types), 1)
    alphas = [softmax(torch.randn(flat.src.numel(), heads, generator=generator), group, groups) for _ in range(layers)]
    pool = softmax(torch.randn(batch.num_nodes, 1, generator=generator), segment, counts.numel())
    names = batch.schema.edge_types
    return AttentionRecord(
        batch,
        tuple(LayerAttention(f"convs.{i}", scope, names, alpha, flat) for i, alpha in enumerate(alphas)),
        (PoolAttention("pool", pool),),
    )


@pytest.fixture(scope="session")
def graph() -> Callable[..., GraphBatch]:
    return make_graph


@pytest.fixture(scope="session")
def pool() -> GraphBatch:
    """Graphs of every size up to two nodes of a modality: picking from them is quicker than building new ones."""
    sizes = [size for size in product(range(3), repeat=3) if any(size)]
    return GraphBatch.concat([make_graph(*size, seed=i, id=str(i)) for i, size in enumerate(sizes)])


@pytest.fixture(scope="session")
def record() -> Callable[..., AttentionRecord]:
    return make_record


@pytest.fixture
def model() -> TinyModel:
    return TinyModel()


@pytest.fixture(scope="session")
def model_class() -> type[TinyModel]:
    return TinyModel


@pytest.fixture
def batch() -> GraphBatch:
    """Three graphs: all modalities; no image; no sound."""
    return GraphBatch.concat(
        [
            make_graph(4, 3, 2, id="all"),
            make_graph(0, 2, 3, seed=1, id="no image"),
            make_graph(2, 4, 0, seed=2, id="no sound"),
        ]
    )
