"""`mmgraph demo`: the main job from raw samples to a drawn explanation, on the data that comes with the package."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from mmgraph.cli.report import print_report, write_report
from mmgraph.datasets import SpokenGrid
from mmgraph.datasets.grid_ceilings import ceilings
from mmgraph.explain import attention_grounding_auc, record_attention, sample_attention
from mmgraph.graph import GraphBatch
from mmgraph.graph.restrict import restrict
from mmgraph.graphs.spoken_grid import build
from mmgraph.models import ConcatMLP, GraphFusion
from mmgraph.tasks import Classification
from mmgraph.training import Blueprint, FitSettings, evaluate, fit, predict, save_model
from mmgraph.training.checkpoint import replace_file

TASK = Classification("answer", num_classes=10)
MODALITIES = ("image", "text", "audio")
PAGE_SAMPLES = 12
GRAPH_FUSION = FitSettings(epochs=6, batch_size=128, learning_rate=2e-3, warmup_epochs=1, patience=None, device="cpu")
CONCAT_MLP = FitSettings(epochs=12, batch_size=128, learning_rate=1e-2, warmup_epochs=1, patience=None, device="cpu")


@dataclass(frozen=True)
class DemoSize:
    """How much data the demo takes and how long it trains; see `benchmarks/spoken_grid.py` for how that was chosen.

    Attributes:
        train: training samples.
        val: validation samples.
        test: test samples.
        learned_from: training samples that vocabulary and loudness are learned from.
        graph_fusion: training of the graph model.
        concat_mlp: training of the baseline.
    """

    train: int = 16_000
    val: int = 1_000
    test: int = 2_000
    learned_from: int = 2_000
    graph_fusion: FitSettings = GRAPH_FUSION
    concat_mlp: FitSettings = CONCAT_MLP


@dataclass(frozen=True, eq=False)
class Splits:
    """The graphs of the three splits, and the raw test samples that they were made from."""

    train: GraphBatch
    val: GraphBatch
    test: GraphBatch
    test_samples: SpokenGrid


def run_demo(*, out: Path, seed: int = 0, full: bool = False, size: DemoSize | None = None) -> dict[str, Any]:
    """Builds the graphs, trains `GraphFusion` and `ConcatMLP`, evaluates, explains, and writes everything to `out`.

    Args:
        out: folder for `metrics.json`, `report.md`, `attention.png`, `page.html` and the checkpoint `model/`.
        seed: decides data, first weights and order.
        full: also trains a graph model on each modality and each pair alone.
        size: amounts of data and training, `DemoSize()` if not given.

    Returns:
        What `metrics.json` holds.
    """
    size = size or DemoSize()
    out.mkdir(parents=True, exist_ok=True)
    started = perf_counter()
    data = build_splits(size, seed)
    seconds = {"data": perf_counter() - started}
    fusion, fusion_metrics = _graph_fusion(data, size, seed)
    baseline = _concat_mlp(data, size, seed)
    # If what follows is interrupted, those of an earlier run would say that this model has read other data.
    (out / "metrics.json").unlink(missing_ok=True)
    save_model(
        fusion,
        out / "model",
        Blueprint.of(GraphFusion, schema=fusion.schema, out_channels=TASK.out_channels, dropout=0.0),
    )
    metrics: dict[str, Any] = {
        "seed": seed,
        "samples": {"train": size.train, "val": size.val, "test": size.test},
        "graph_fusion": fusion_metrics,
        "concat_mlp": baseline,
        "gap": fusion_metrics["test_accuracy"] - baseline["test_accuracy"],
        "attention_grounding_auc": _grounding(fusion, data),
        "ceilings": {" + ".join(sorted(names)) or "none": value for names, value in ceilings("place").items()},
    }
    if full:
        metrics["ablations"] = ablations(data, size, seed)
    seconds["all"] = perf_counter() - started
    metrics["seconds"] = {name: round(value, 1) for name, value in seconds.items()}
    _draw(fusion, data, out / "attention.png")
    _page(fusion, data, out / "page.html")
    _write_json(metrics, out / "metrics.json")
    write_report(metrics, out / "report.md")
    print_report(metrics, out)
    return metrics


def build_splits(size: DemoSize, seed: int) -> Splits:
    """The graphs of all splits; vocabulary and loudness are learned on the first training samples."""
    train, val, test = (
        SpokenGrid(split, number, seed=seed)
        for split, number in (("train", size.train), ("val", size.val), ("test", size.test))
    )
    builder = build(size=8).fit(train[: size.learned_from])
    graphs = [builder(samples, progress=True) for samples in (train, val, test)]
    return Splits(graphs[0], graphs[1], graphs[2], test)


def ablations(data: Splits, size: DemoSize, seed: int) -> dict[str, Any]:
    """Test accuracy of the graph model on every modality and every pair alone, beside its analytic ceiling."""
    bounds = ceilings("place")
    rows = {}
    for names in [*combinations(MODALITIES, 1), *combinations(MODALITIES, 2)]:
        train, val, test = (restrict(graphs, names) for graphs in (data.train, data.val, data.test))
        part = Splits(train, val, test, data.test_samples)
        rows[" + ".join(names)] = {**_graph_fusion(part, size, seed)[1], "ceiling": bounds[frozenset(names)]}
    return rows


def _graph_fusion(data: Splits, size: DemoSize, seed: int) -> tuple[GraphFusion, dict[str, float]]:
    torch.manual_seed(seed)
    model = GraphFusion(data.train.schema, TASK.out_channels, dropout=0.0)
    return model, _train(model, data, replace(size.graph_fusion, seed=seed))


def _concat_mlp(data: Splits, size: DemoSize, seed: int) -> dict[str, float]:
    torch.manual_seed(seed)
    lengths = {name: int(nodes.counts.max()) for name, nodes in data.train.nodes.items()}
    model = ConcatMLP(data.train.schema, TASK.out_channels, lengths, hidden_channels=512)
    return _train(model, data, replace(size.concat_mlp, seed=seed))


def _train(model: GraphFusion | ConcatMLP, data: Splits, settings: FitSettings) -> dict[str, float]:
    started = perf_counter()
    history = fit(model, TASK, data.train, data.val, settings, progress=True)
    seconds = perf_counter() - started
    test = evaluate(model, TASK, data.test, batch_size=256)
    return {
        "test_accuracy": test["accuracy"],
        "test_macro_f1": test["macro_f1"],
        "val_accuracy": history.rows[history.best_epoch - 1]["val_accuracy"],
        "best_epoch": history.best_epoch,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "seconds": round(seconds, 1),
    }


def _grounding(model: GraphFusion, data: Splits) -> dict[str, float]:
    """Over the test samples whose answer depends on the picture."""
    truths = [sample["truth"] for sample in data.test_samples]
    boxes = [truth.box if truth.image_matters else None for truth in truths]
    auc = attention_grounding_auc(model, data.test, "image", boxes)
    return {"mean": auc.mean, "low": auc.low, "high": auc.high, "samples": auc.num_graphs}


def _draw(model: GraphFusion, data: Splits, path: Path) -> None:
    """The first test sample that compares picture and sound and is answered correctly."""
    from mmgraph.viz import draw_sample

    answers = predict(model, data.test[:100]).argmax(1).tolist()
    right = [i for i, answer in enumerate(answers) if answer == data.test_samples[i]["answer"]]
    wanted = [i for i in right if data.test_samples[i]["truth"].operation in ("larger", "smaller")]
    index = (wanted or right or [0])[0]
    sample, graph = data.test_samples[index], data.test[index]
    with record_attention(model) as records:
        predict(model, graph)
    attention = sample_attention(records[0], sample["id"])
    figure = draw_sample(sample, graph, attention, prediction=answers[index], truth=sample["answer"])
    figure.savefig(path, dpi=150)


def _page(model: GraphFusion, data: Splits, path: Path) -> None:
    """The test samples whose true answer the model finds most likely and least likely."""
    from mmgraph.cli.page import show
    from mmgraph.viz import write_page

    outputs = predict(model, data.test)
    truth = torch.tensor([sample["answer"] for sample in data.test_samples])
    order = outputs.log_softmax(1).gather(1, truth[:, None]).squeeze(1).argsort(stable=True).tolist()
    worst, best = order[: PAGE_SAMPLES // 2], order[::-1][: PAGE_SAMPLES // 2]
    chosen = list(dict.fromkeys([*worst, *best]))
    shown = show(model, data.test[chosen], [data.test_samples[i] for i in chosen])
    note = (
        f"Of {len(order):,} test samples the {len(worst)} whose true answer the model finds least likely, then the "
        f"{len(best)} whose true answer it finds most likely. Pictures, texts and sounds were composed, not recorded "
        "together."
    )
    write_page(shown.samples, path, title="SpokenGrid: the worst and the best samples", note=note)


def _write_json(metrics: Mapping[str, Any], path: Path) -> None:
    replace_file(path, (json.dumps(metrics, indent=2) + "\n").encode())
