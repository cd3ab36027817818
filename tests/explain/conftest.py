"""A model small enough to read: real softmax attention over all edges into a node, and attention pooling."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from mmgraph import ops
from mmgraph.explain import AttentionRecord, LayerAttention, PoolAttention
from mmgraph.graph import Field, FlatGraph, GraphBatch, GraphSchema, NodeSet
from mmgraph.models import GraphFusion

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


TYPED = GraphSchema(
    {"image": 4, "text": 0, "audio": 3},
    {
        ("image", "near", "image"): ("distance",),
        ("text", "with", "image"): (),
        ("image", "with", "text"): (),
        ("audio", "with", "text"): (),
        ("text", "with", "audio"): (),
    },
    {"image": {"box": Field("float32", (4,))}, "text": {"token": Field("int64", num_classes=7)}},
    {"answer": Field("int64", num_classes=3)},
)
"""Tokens without features, edges with some."""


@pytest.fixture
def typed(ragged: Callable[..., GraphBatch]) -> GraphBatch:
    """Four graphs: all modalities, no image, only text, all again."""
    counts = [
        {"image": 4, "text": 3, "audio": 2},
        {"text": 3, "audio": 3},
        {"text": 4},
        {"image": 3, "text": 2, "audio": 4},
    ]
    return ragged(TYPED, counts, degree=3.0)


@pytest.fixture
def fusion(typed: GraphBatch) -> Iterator[GraphFusion]:
    """A model with untrained weights that are not small, on the reference back-end, with dropout and in training."""
    torch.manual_seed(3)
    model = GraphFusion(typed.schema, 3, hidden_channels=8, num_layers=2, heads=2, dropout=0.3)
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.2 * torch.randn_like(value))
    with ops.backend("reference"):
        yield model.train()


class Weigher(nn.Module):
    """One channel per node: a sum of its features."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[1.0], [2.0], [-1.0]]))

    def forward(self, nodes: NodeSet) -> Tensor:
        return nodes.x @ self.weight


class Additive(nn.Module):
    """The output is the sum of what every node weighs, and of what reaches nodes over edges: all shares are known.

    Its conv sends, over each edge, what the source weighs times `strength`; no softmax.
    """

    class Conv(nn.Module):
        def __init__(self, strength: float) -> None:
            super().__init__()
            self.strength = strength

        def forward(
            self, x: Mapping[str, Tensor], graph: FlatGraph, edge_weight: Tensor | None = None
        ) -> dict[str, Tensor]:
            rows = torch.cat(list(x.values()))
            sent = self.strength * rows[graph.src.long()] * (1.0 if edge_weight is None else edge_weight)
            out = rows.index_add(0, destinations(graph), sent)
            return dict(zip(x, out.split(list(graph.num_nodes)), strict=True))

    def __init__(self, schema: GraphSchema, strength: float = 0.0) -> None:
        super().__init__()
        self.schema, self.encoder, self.conv = schema, Weigher(), self.Conv(strength)

    def forward(self, batch: GraphBatch) -> Tensor:
        x = self.conv({name: self.encoder(nodes) for name, nodes in batch.nodes.items()}, batch.flat)
        graph = torch.cat([nodes.graph for nodes in batch.nodes.values()])
        return torch.zeros(len(batch), 1).index_add(0, graph, torch.cat(list(x.values())))


@pytest.fixture(scope="session")
def additive() -> type[Additive]:
    return Additive
