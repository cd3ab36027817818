"""A suite that runs in a moment: graphs of two nodes, small perceptrons, two epochs."""

import torch

from mmgraph.bench import Candidate, Splits, Suite
from mmgraph.graph import Field, GraphBatch, GraphSchema, NodeSet
from mmgraph.models import ConcatMLP
from mmgraph.tasks import Classification, Task
from mmgraph.training import FitSettings

SCHEMA = GraphSchema({"image": 2, "text": 1}, targets={"label": Field("int64", num_classes=2)})


def split(name: str, size: int) -> GraphBatch:
    """Bright pictures have label 1, but for every fifth."""
    number, ptr = torch.arange(size), torch.arange(size + 1)
    label = number % 2
    bright = torch.where(number % 5 > 0, label, 1 - label)
    nodes = {
        "image": NodeSet(torch.stack([bright, torch.ones(size)], 1), ptr, {}),
        "text": NodeSet(torch.ones(size, 1), ptr, {}),
    }
    return GraphBatch.build(SCHEMA, nodes, {}, {"label": label}, [f"{name}-{i}" for i in range(size)])


def data() -> Splits:
    return Splits(Classification("label", 2), split("train", 20), split("val", 10), split("test", 12))


def wide(train: GraphBatch, task: Task) -> ConcatMLP:
    return ConcatMLP(train.schema, task.out_channels, {"image": 1, "text": 1}, node_channels=4, hidden_channels=16)


def narrow(train: GraphBatch, task: Task) -> ConcatMLP:
    return ConcatMLP(train.schema, task.out_channels, {"image": 1, "text": 1}, node_channels=4, hidden_channels=4)


settings = FitSettings(epochs=2, batch_size=10, learning_rate=0.01, device="cpu")
models = {"wide": Candidate(wide, settings), "narrow": Candidate(narrow, settings)}
suite = Suite("tiny", data, models, seeds=(0, 1), resamples=4)
