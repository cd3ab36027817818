"""Methods of explanation on SpokenGrid, where the right regions are known: are they true, and do they find them?

GraphFusion learns the place question with regions of 8x8 pixels (4 regions, 1 right) and of 4x4 pixels (16 regions, 4
right). Each method explains the log odds of the predicted class of test samples; what is measured says the docstring of
`mmgraph.explain.evaluate`. Settings of methods were tried on the first 100 test samples; measured is on those after.
Baselines are means over validation graphs, donors are drawn from them.

    python benchmarks/explain_methods.py --runs runs --out benchmarks/results/explain_methods.md

A model is trained once per size and seed (minutes on one core) and kept in the folder `--runs`.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmgraph.datasets import SpokenGrid
from mmgraph.explain import (
    AttentionFlow,
    EdgeOcclusion,
    Estimate,
    Evaluation,
    GradientInput,
    IntegratedGradients,
    LearnedMasks,
    Measures,
    Method,
    Truth,
    evaluate,
    mean_encoding,
    standard_methods,
)
from mmgraph.graph import GraphBatch
from mmgraph.graphs.spoken_grid import build
from mmgraph.models import GraphFusion
from mmgraph.tasks import Classification
from mmgraph.training import Blueprint, FitSettings, fit, load_model, predict

TASK = Classification("answer", num_classes=10)
TRAIN = {8: (16_000, 6), 4: (20_000, 16)}
"""Training samples and epochs, by pixels of a region."""
TRIED = 100
"""Test samples that settings were tried on."""


def main() -> None:
    """Train or load, measure, write."""
    options = _options()
    torch.set_num_threads(options.threads)
    parts = [_about(options)]
    numbers: dict[str, Any] = {}
    for size in options.sizes:
        found = [_measure(size, seed, options) for seed in range(options.seeds)]
        parts.append(_section(size, found))
        numbers[str(size)] = [{"accuracy": row["accuracy"], **_plain(row)} for row in found]
    report = "\n\n".join(parts) + "\n"
    print(report)
    if options.out:
        options.out.write_text(report, encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the trained models")
    parser.add_argument("--sizes", type=int, nargs="+", choices=TRAIN, default=list(TRAIN), help="pixels of a region")
    parser.add_argument("--seeds", type=int, default=1, help="models per size")
    parser.add_argument("--samples", type=int, default=100, help="test samples that are explained")
    parser.add_argument("--edge-samples", type=int, default=20, help="test samples whose edges are explained; 0: none")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="Markdown file")
    parser.add_argument("--json", type=Path, help="file for all numbers")
    return parser.parse_args()


def _data(size: int, samples: int) -> tuple[Any, GraphBatch, GraphBatch, Truth]:
    """The training samples' builder, validation graphs, the test graphs that are explained, and their right regions."""
    train = SpokenGrid("train", TRAIN[size][0], seed=0)
    builder = build(size=size).fit(train[:2_000])
    test = SpokenGrid("test", TRIED + samples, seed=0)[TRIED:]
    truths = [sample["truth"] for sample in test]
    boxes = [truth.box if truth.image_matters else None for truth in truths]
    return builder, builder(SpokenGrid("val", 1_000, seed=0)), builder(test), Truth("image", boxes)


def _model(size: int, seed: int, builder: Any, val: GraphBatch, folder: Path) -> nn.Module:
    """The trained model in the folder; trains it first if it is not there."""
    path = folder / f"size{size}-seed{seed}"
    if not (path / "best").exists():
        number, epochs = TRAIN[size]
        train = builder(SpokenGrid("train", number, seed=0))
        torch.manual_seed(seed)
        plan = Blueprint.of(GraphFusion, schema=train.schema, out_channels=10, dropout=0.0, num_layers=2, scope="node")
        settings = FitSettings(
            epochs=epochs,
            batch_size=128,
            learning_rate=2e-3,
            warmup_epochs=1,
            patience=None,
            device="cpu",
            seed=seed,
        )
        fit(plan.build(), TASK, train, val, settings, out=path, blueprint=plan, progress=True)
    return load_model(path / "best")


def _measure(size: int, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    builder, val, test, truth = _data(size, options.samples)
    model = _model(size, seed, builder, val, options.runs)
    accuracy = TASK.metrics(predict(model, test), test)["accuracy"]
    methods = standard_methods(model, val, draws=8, seed=seed)
    nodes = evaluate(model, test, methods, truth=truth, seed=seed)
    edges = None
    if options.edge_samples:
        few = test[: options.edge_samples]
        of_edges: dict[str, Method] = {
            "attention flow": AttentionFlow(),
            "gradient x input": GradientInput(),
            "integrated gradients": IntegratedGradients(edges=True, baseline=mean_encoding(model, val)),
            "edge occlusion": EdgeOcclusion(),
            "learned masks": LearnedMasks(nodes=False),
            "feature norm": methods["feature norm"],
            "random": methods["random"],
        }
        edges = evaluate(model, few, of_edges, measures=Measures(level="edges"), seed=seed)
    aucs = {name: row["grounding AUC"].mean for name, row in nodes.estimates.items()}
    text = f"seed {seed}: accuracy {accuracy:.3f}; grounding AUC " + ", ".join(f"{n} {v:.3f}" for n, v in aucs.items())
    return {"accuracy": accuracy, "nodes": nodes, "edges": edges, "text": text}


LEGEND = """\
- *fidelity+* (larger is better): fall of the predicted class's probability without the first 20 % of nodes; *fidelity-*
  (smaller): fall with nothing but them. *Deletion* and *insertion area*: under the curve of that probability as nodes
  go, or come, in the order of the method (smaller, larger).
- *sparsity*: 0 if all nodes count the same, near 1 if one counts alone. *stability* (larger): rank correlation with the
  explanation under noise of 5 % of each feature's standard deviation. *randomisation* (near 0): rank correlation of
  sizes with the explanation of the same model with shuffled weights.
- *grounding AUC* and *precision* (larger; 0.5 is chance for the AUC): sizes of values of the image's regions against
  the regions of the place that the text names, for samples whose answer depends on the picture.
- *seconds*: for one attribution of one graph, first call and compiling included, on a machine that others used too.
- *feature norm* and *random* know nothing of the model: a method that is not better explains nothing. *dependence,
  donors* is how far the score moves, *occlusion, donors* how much it loses, when a node says what a node of another
  sample says.
- Grounding says that a method points at the place the question names, faithfulness that the model uses what it points
  at; with nodes removed, the model sees graphs unlike any in training."""


def _about(options: argparse.Namespace) -> str:
    command = shlex.join(["python", "benchmarks/explain_methods.py", *sys.argv[1:]])
    setting = (
        f"{options.samples} test samples per model, {options.seeds} model(s) per size of regions, {options.threads} "
        f"thread(s), torch {torch.__version__}. Each cell: mean and 95 % bootstrap interval over samples, the models "
        "given (with several models, of each sample's mean over them)."
    )
    return "\n\n".join(["# Methods of explanation on SpokenGrid", f"`{command}`", setting, LEGEND])


def _section(size: int, found: list[dict[str, Any]]) -> str:
    regions = (16 // size) ** 2
    texts = "\n".join(f"- {row['text']}" for row in found)
    parts = [
        f"## Regions of {size}x{size} pixels: {regions} regions, {regions // 4} of them right",
        f"GraphFusion, {TRAIN[size][0]:,} training samples, {TRAIN[size][1]} epochs. On these samples:\n\n{texts}",
        "### Nodes",
        _table([row["nodes"] for row in found]),
    ]
    if found[0]["edges"] is not None:
        number = found[0]["edges"].num_graphs
        parts += [f"### Edges ({number} samples)", _table([row["edges"] for row in found])]
    return "\n\n".join(parts)


def _table(found: list[Evaluation]) -> str:
    """One table of all seeds: each sample's mean over models, then as for one."""
    if len(found) == 1:
        return found[0].to_markdown()
    estimates = {
        method: {
            measure: Estimate.of(torch.stack([one.estimates[method][measure].per_graph for one in found]).nanmean(0))
            for measure in row
        }
        for method, row in found[0].estimates.items()
    }
    seconds = {method: sum(one.seconds[method] for one in found) / len(found) for method in found[0].seconds}
    return Evaluation(estimates, seconds, found[0].measures, found[0].num_graphs).to_markdown()


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers for JSON."""
    return {
        level: {
            method: {name: [e.mean, e.low, e.high, e.num_graphs] for name, e in measured.items()}
            for method, measured in row[level].estimates.items()
        }
        for level in ("nodes", "edges")
        if row[level] is not None
    }


if __name__ == "__main__":
    main()
