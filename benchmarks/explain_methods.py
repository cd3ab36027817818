"""Methods of explanation on SpokenGrid and Stamps: are they true, and do they find the regions that are right?

Each method explains the log odds of the class that GraphFusion predicts for test samples, for several models: each is
trained with another seed, and explains other samples. The docstring of `mmgraph.explain.evaluate` says what is
measured, `explain_cases.py` what the models learn. Settings of methods were tried on 100 test samples of SpokenGrid
that are not among those explained, and not at all on Stamps. Baselines are means over validation graphs, donors are
drawn from them.

    python benchmarks/explain_methods.py --runs bench-out/explain --out benchmarks/results/explain_methods

Models are trained once (minutes on one core) and kept in the folder `--runs`, with what was measured beside them.
"""

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from explain_cases import CASES, Case
from torch import nn

from mmgraph.explain import (
    AttentionFlow,
    EdgeOcclusion,
    Evaluation,
    GradientInput,
    IntegratedGradients,
    LearnedMasks,
    Measures,
    Method,
    evaluate,
    mean_encoding,
    standard_methods,
)
from mmgraph.explain.evaluation import BETTER
from mmgraph.graph import GraphBatch
from mmgraph.training import predict

Found = dict[str, dict[str, list[float | None]]]
"""Per method and measure the value of each sample; None where it does not count. "seconds" is one number."""


def main() -> None:
    """Train or load, measure, write."""
    options = _options()
    torch.set_num_threads(options.threads)
    results: dict[str, list[dict[str, Any]]] = {}
    for name in options.cases:
        results[name] = [_measured(CASES[name], seed, options, name) for seed in range(options.seeds)]
        _write(results, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True, help="folder of models and of what was measured")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--seeds", type=int, default=3, help="models per case")
    parser.add_argument("--samples", type=int, default=50, help="test samples that each model explains")
    parser.add_argument("--edge-samples", type=int, default=12, help="how many of them with values of edges; 0: none")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="file without its ending: .md and .json are written")
    return parser.parse_args()


def _measured(case: Case, seed: int, options: argparse.Namespace, name: str) -> dict[str, Any]:
    """What one model gave; read from the folder of runs if it is there."""
    folder = options.runs / f"{name}-seed{seed}"
    path = folder / f"explained-{options.samples}-{options.edge_samples}.json"
    if not path.exists():
        graphs = case.graphs(seed, options.samples)
        model = case.model(seed, graphs, folder)
        accuracy = case.task.metrics(predict(model, graphs.test), graphs.test)["accuracy"]
        methods = standard_methods(model, graphs.val, draws=8, seed=seed)
        found: dict[str, Any] = {"accuracy": accuracy}
        found["nodes"] = _values(evaluate(model, graphs.test, methods, truth=graphs.truth, seed=seed))
        if options.edge_samples:
            some = graphs.test[: options.edge_samples]
            of_edges = _edge_methods(model, graphs.val, methods)
            found["edges"] = _values(evaluate(model, some, of_edges, measures=Measures(level="edges"), seed=seed))
        path.write_text(json.dumps(found), encoding="utf-8")
    found = json.loads(path.read_text(encoding="utf-8"))
    print(f"{name}, seed {seed}: accuracy {found['accuracy']:.3f}", flush=True)
    return found


def _edge_methods(model: nn.Module, val: GraphBatch, methods: dict[str, Method]) -> dict[str, Method]:
    return {
        "attention flow": AttentionFlow(),
        "gradient x input": GradientInput(),
        "integrated gradients": IntegratedGradients(edges=True, baseline=mean_encoding(model, val)),
        "edge occlusion": EdgeOcclusion(),
        "learned masks": LearnedMasks(nodes=False),
        "feature norm": methods["feature norm"],
        "random": methods["random"],
    }


def _values(found: Evaluation) -> Found:
    return {
        method: {name: [None if np.isnan(v) else v for v in e.per_graph.tolist()] for name, e in row.items()}
        | {"seconds": [found.seconds[method]]}
        for method, row in found.estimates.items()
    }


def _pooled(values: list[list[float | None]]) -> tuple[float, float, float] | None:
    """Mean over models of their means over samples, and its 95 % interval: models, then their samples, drawn anew."""
    known = [np.array([v for v in of_model if v is not None]) for of_model in values]
    known = [of_model for of_model in known if of_model.size]
    if not known:
        return None
    draw, means = np.random.default_rng(0), []
    for _ in range(2000):
        chosen = [known[i] for i in draw.integers(0, len(known), len(known))]
        means.append(np.mean([draw.choice(of_model, of_model.size).mean() for of_model in chosen]))
    low, high = np.quantile(means, [0.025, 0.975])
    mean = np.mean([of_model.mean() for of_model in known])
    return round(float(mean), 5), round(float(low), 5), round(float(high), 5)


def _pool(found: list[dict[str, Any]], level: str) -> dict[str, dict[str, tuple[float, float, float] | None]]:
    """Per method and measure the mean over models and its interval."""
    first = found[0][level]
    return {
        method: {name: _pooled([one[level][method][name] for one in found]) for name in row}
        for method, row in first.items()
    }


def _write(results: dict[str, list[dict[str, Any]]], options: argparse.Namespace) -> None:
    parts, numbers = [_about(options)], dict[str, Any]()
    for name, found in results.items():
        levels = [level for level in ("nodes", "edges") if level in found[0]]
        pooled: dict[str, Any] = {level: _pool(found, level) for level in levels}
        parts.append(_section(CASES[name], found, pooled))
        numbers[name] = {"accuracy": [one["accuracy"] for one in found], **pooled}
    report = "\n\n".join(parts) + "\n"
    if options.out:
        options.out.with_suffix(".md").write_text(report, encoding="utf-8")
        about = {"command": _command(), "torch": torch.__version__, "cases": numbers}
        options.out.with_suffix(".json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    else:
        print(report)


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
- *feature norm* and *random* know nothing of the model (scores of nodes or edges from their features alone, and random
  masks): a method that is not better explains nothing. *dependence, donors* is how far the score moves, *occlusion,
  donors* how much it loses, when a node says what a node of another sample says.
- Grounding says that a method points at the place the question names, faithfulness that the model uses what it points
  at; with nodes removed, the model sees graphs unlike any in training."""


def _command() -> str:
    return shlex.join(["python", "benchmarks/explain_methods.py", *sys.argv[1:]])


def _about(options: argparse.Namespace) -> str:
    setting = (
        f"{options.seeds} models per case, each explaining {options.samples} test samples of its own "
        f"({options.edge_samples} of them with values of edges), {options.threads} thread(s), torch "
        f"{torch.__version__}. Each cell: mean over models of their means over samples, and a 95 % bootstrap interval "
        "over models and samples; with so few models it is rather too narrow."
    )
    return "\n\n".join(["# Methods of explanation on SpokenGrid and Stamps", f"`{_command()}`", setting, LEGEND])


def _section(case: Case, found: list[dict[str, Any]], pooled: dict[str, Any]) -> str:
    accuracies = ", ".join(f"{one['accuracy']:.3f}" for one in found)
    parts = [f"## {case.title}", f"{case.about} Accuracy of the models on the samples explained: {accuracies}."]
    for level, rows in pooled.items():
        parts += [f"### {level.capitalize()}", _table(rows)]
        if level == "nodes" and "grounding AUC" in found[0]["nodes"]["random"]:
            parts.append("Grounding AUC of each model: " + _by_model(found) + ".")
    return "\n\n".join(parts)


def _by_model(found: list[dict[str, Any]]) -> str:
    texts = []
    for method in found[0]["nodes"]:
        means = [np.mean([v for v in one["nodes"][method]["grounding AUC"] if v is not None]) for one in found]
        texts.append(f"{method} {' '.join(f'{mean:.3f}' for mean in means)}")
    return "; ".join(texts)


def _table(rows: dict[str, dict[str, tuple[float, float, float] | None]]) -> str:
    names = [name for name in next(iter(rows.values())) if name != "seconds"]
    lines = [["method", *names, "seconds"], ["---"] * (len(names) + 2)]
    lines.append(["better:", *(BETTER[name] for name in names), ""])
    for method, row in rows.items():
        cells = [f"{v[0]:.3f} ({v[1]:.3f} to {v[2]:.3f})" if (v := row[name]) else "-" for name in names]
        lines.append([method, *cells, f"{row['seconds'][0]:.4f}" if row["seconds"] else "-"])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
