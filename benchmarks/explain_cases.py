"""What `explain_methods.py` explains: SpokenGrid with regions of 8x8 and of 4x4 pixels, and Stamps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmgraph.datasets import SpokenGrid, Stamps
from mmgraph.explain import Truth
from mmgraph.features import LogMel, Superpixels, Words
from mmgraph.graph import Field, GraphBatch
from mmgraph.graphs.spoken_grid import build
from mmgraph.models import GraphFusion
from mmgraph.relations import Complete, GraphBuilder, RegionAdjacency, Window
from mmgraph.tasks import Classification
from mmgraph.training import Blueprint, FitSettings, fit, load_model

TRIED = 100
"""Test samples of SpokenGrid that settings of methods were tried on; those after them are explained."""


@dataclass(frozen=True)
class Graphs:
    """The graphs of one seed: `test` is explained, `truth` says where its right regions are, if that is known."""

    train: Callable[[], GraphBatch]
    val: GraphBatch
    test: GraphBatch
    truth: Truth | None


@dataclass(frozen=True)
class Case:
    """A data set as graphs, a model for it, and how that is trained."""

    title: str
    about: str
    task: Classification
    graphs: Callable[[int, int], Graphs]  # of a seed and a number of test samples
    epochs: int
    batch_size: int
    dropout: float

    def model(self, seed: int, graphs: Graphs, folder: Path) -> nn.Module:
        """The trained model in the folder; trains it first if it is not there."""
        if not (folder / "best").exists():
            train = graphs.train()
            torch.manual_seed(seed)
            sizes = {"out_channels": self.task.out_channels, "dropout": self.dropout, "num_layers": 2, "scope": "node"}
            plan = Blueprint.of(GraphFusion, schema=train.schema, **sizes)
            settings = FitSettings(
                epochs=self.epochs,
                batch_size=self.batch_size,
                learning_rate=2e-3,
                warmup_epochs=1,
                patience=None,
                device="cpu",
                seed=seed,
            )
            fit(plan.build(), self.task, train, graphs.val, settings, out=folder, blueprint=plan)
        return load_model(folder / "best")


def _spoken_grid(size: int, train: int) -> Callable[[int, int], Graphs]:
    def graphs(seed: int, samples: int) -> Graphs:
        raw = SpokenGrid("train", train, seed=0)
        builder = build(size=size).fit(raw[:2_000])
        test = SpokenGrid("test", TRIED + samples, seed=seed)[TRIED:]
        truths = [sample["truth"] for sample in test]
        boxes = [truth.box if truth.image_matters else None for truth in truths]
        val = builder(SpokenGrid("val", 1_000, seed=0))
        return Graphs(lambda: builder(raw), val, builder(test), Truth("image", boxes))

    return graphs


def _stamps(seed: int, samples: int) -> Graphs:
    parts: dict[str, Sequence[dict[str, Any]]] = {}
    for split in ("train", "val", "test"):
        parts[split] = list(Stamps(split, fold=seed))
    names = ("image", "text", "audio")
    builder = GraphBuilder(
        nodes={"image": Superpixels(24), "text": Words(), "audio": LogMel(8000, stack=10)},
        relations={
            ("image", "beside", "image"): RegionAdjacency(),
            ("text", "near", "text"): Window(2, 2, loops=False),
            ("audio", "near", "audio"): Window(2, 2, loops=False),
            **{(src, "with", dst): Complete() for src in names for dst in names if src != dst},
        },
        targets={"label": Field("int64", num_classes=10)},
    ).fit(parts["train"])
    order = torch.randperm(len(parts["test"]), generator=torch.Generator().manual_seed(seed))  # they stand by folder
    test = [parts["test"][i] for i in order[:samples].tolist()]
    return Graphs(lambda: builder(parts["train"]), builder(parts["val"]), builder(test), None)


ANSWER = Classification("answer", num_classes=10)
CASES = {
    "grid8": Case(
        "SpokenGrid, regions of 8x8 pixels: 4 regions, 1 of them right",
        "16,000 training samples, 6 epochs. Each model explains test samples drawn anew.",
        ANSWER,
        _spoken_grid(8, 16_000),
        epochs=6,
        batch_size=128,
        dropout=0.0,
    ),
    "grid4": Case(
        "SpokenGrid, regions of 4x4 pixels: 16 regions, 4 of them right",
        "20,000 training samples, 16 epochs. Each model explains test samples drawn anew.",
        ANSWER,
        _spoken_grid(4, 20_000),
        epochs=16,
        batch_size=128,
        dropout=0.0,
    ),
    "stamps": Case(
        "Stamps: which of ten folders a stamp is from",
        "Pictures as about 24 superpixels, their English text and its Spanish speech; 376 training samples, 30 epochs; "
        "each model has another fold for its test. Which regions are right is not known, so nothing is grounded.",
        Classification("label", num_classes=10),
        _stamps,
        epochs=30,
        batch_size=32,
        dropout=0.1,
    ),
}
