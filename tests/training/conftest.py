"""Small data that can be learned, and a model with dropout that learns it."""

import sys
from collections.abc import Callable
from functools import cache
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from mmgraph.graph import Field, GraphBatch, GraphSchema, Target
from mmgraph.training import FitSettings

SCHEMA = GraphSchema(
    {"text": 3, "image": 2},
    [("text", "with", "image")],
    {"text": {"position": Field("int64"), "text": Field("text")}},
    {"label": Field("int64", num_classes=2)},
)


def gather(**arguments: object) -> dict[str, object]:
    """The arguments."""
    return arguments


class MeanModel(nn.Module):
    """Mean of the nodes of each modality (0 where there is none), dropout, one linear layer."""

    def __init__(self, schema: GraphSchema, out_channels: int = 2, dropout: float = 0.5) -> None:
        super().__init__()
        self.schema = schema
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(sum(schema.modalities.values()), out_channels)

    def forward(self, batch: GraphBatch) -> Tensor:
        means = []
        for nodes in batch.nodes.values():
            total = torch.zeros(nodes.num_graphs, nodes.x.shape[1], dtype=nodes.x.dtype, device=nodes.x.device)
            total = total.index_add(0, nodes.graph, nodes.x)
            means.append(total / nodes.counts.clamp(min=1).unsqueeze(1))
        return self.linear(self.dropout(torch.cat(means, 1)))


def one_graph(number: int, generator: torch.Generator) -> GraphBatch:
    """Class 0 has small values, class 1 large ones; every third graph has no image."""
    label = number % 2
    images = 0 if number % 3 == 0 else 2
    x = {
        "text": torch.randn(2, 3, generator=generator) + 2 * label,
        "image": torch.randn(images, 2, generator=generator) + label,
    }
    return GraphBatch.single(
        x,
        {("text", "with", "image"): torch.zeros(2, min(images, 1), dtype=torch.int64)},
        schema=SCHEMA,
        attributes={"text": {"position": torch.arange(2), "text": ["a", f"b{number}"]}, "image": {}},
        targets={"label": torch.tensor(label)},
        id=f"sample {number}",
    )


@cache
def some_graphs(count: int = 10, seed: int = 0) -> GraphBatch:
    """They are immutable, so that tests can share them."""
    generator = torch.Generator().manual_seed(seed)
    return GraphBatch.concat([one_graph(i, generator) for i in range(count)])


@pytest.fixture
def data() -> Callable[..., GraphBatch]:
    """`data(count, seed)`: graphs that a linear model can tell apart."""

    return some_graphs


@pytest.fixture
def masked() -> Callable[[GraphBatch, list[int]], GraphBatch]:
    """`masked(graphs, rows)`: the same graphs, the labels of some unknown."""

    def make(graphs: GraphBatch, rows: list[int]) -> GraphBatch:
        mask = torch.ones(graphs.num_graphs, dtype=torch.bool)
        mask[rows] = False
        targets = {"label": Target(graphs.targets["label"].values.clone(), mask)}
        return GraphBatch(graphs.schema, graphs.ids, graphs.nodes, graphs.edges, targets)

    return make


@pytest.fixture
def model() -> Callable[..., MeanModel]:
    """`model(seed=..., dropout=...)`: the same first weights for the same seed."""

    def make(seed: int = 0, **arguments: float) -> MeanModel:
        torch.manual_seed(seed)
        return MeanModel(SCHEMA, **arguments)  # type: ignore[arg-type]

    return make


@pytest.fixture
def settings() -> Callable[..., FitSettings]:
    """`settings(...)`: short runs on the CPU."""

    def make(**changes: object) -> FitSettings:
        return FitSettings(**{"epochs": 3, "batch_size": 4, "learning_rate": 0.05, "device": "cpu", **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture
def tiny_models(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module outside of mmgraph, `tiny_models`, that can be imported and offers `MeanModel` and `gather`."""
    module = ModuleType("tiny_models")
    for made in (MeanModel, gather):
        monkeypatch.setattr(made, "__module__", "tiny_models")
        setattr(module, made.__name__, made)
    module.system = __import__("os").system  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tiny_models", module)
    return module
