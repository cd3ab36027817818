"""`mmgraph explain`: why a trained model says what it says about one sample, and whether such explanations are true."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import typer
from torch import nn

from mmgraph.explain import (
    AttentionFlow,
    Attribution,
    ClassScore,
    Evaluation,
    Method,
    ModalityShapley,
    OutputScore,
    RelationOcclusion,
    Score,
    Truth,
    evaluate,
    standard_methods,
)
from mmgraph.explain.nodes import find_graph
from mmgraph.graph import GraphBatch
from mmgraph.training import load_model, predict

REFERENCE = 300
"""How many graphs baselines and donors are taken from."""

SHOWN = ("dependence, donors", "integrated gradients", "attention flow")
"""Methods whose first nodes are printed."""

LONGEST = 60
"""Characters of a node's label."""


@dataclass(frozen=True, eq=False)
class Explained:
    """What a run is explained on.

    Attributes:
        model: the trained model.
        graphs: test data.
        truth: the right regions, where they are known.
    """

    model: nn.Module
    graphs: GraphBatch
    truth: Truth | None = None


def run_explain(
    run: Path,
    *,
    sample: str | None = None,
    graphs: Path | None = None,
    column: int | None = None,
    samples: int = 30,
    top: int = 5,
    seed: int = 0,
) -> Evaluation:
    """Prints the explanation of one sample, and how true the methods are over several.

    Args:
        run: folder of a run: of `mmgraph demo`, or of `fit` with a blueprint.
        sample: id of the sample; the first of the graphs if not given.
        graphs: file that `GraphBatch.save` wrote; not needed for a run of `mmgraph demo`.
        column: explain this column of the output as a number; if not given, the predicted class.
        samples: how many graphs the methods are measured on, that sample among them.
        top: nodes, relations to list.
        seed: of the choice of graphs, of donors and noise.

    Returns:
        What was measured.

    Raises:
        ValueError: if the folder holds no model, there are no graphs, or no such sample or column.
    """
    found = load_run(run, graphs)
    name = found.graphs.ids[0] if sample is None else sample
    number = find_sample(found.graphs, name)
    chosen, reference = choose(found, number, samples, seed)
    score = _score(found.model, chosen.graphs, column)
    one = chosen.graphs[find_graph(chosen.graphs, name)]
    methods = standard_methods(found.model, reference, seed=seed)
    refused = _refused(found.model, one)
    if refused:
        del methods["attention flow"]
    own = _of_graph(score, find_graph(chosen.graphs, name))
    for line in describe(found.model, one, own, methods, top):
        typer.echo(line)
    if refused:
        typer.echo(f"\nno attention flow: {refused}")
    typer.echo(f"\nare they true? fidelity, curves and sanity checks over {len(chosen.graphs)} graphs, 95 % intervals:")
    judge = replace(score, kind="probability") if isinstance(score, ClassScore) else score
    result = evaluate(found.model, chosen.graphs, methods, score=score, judge=judge, truth=chosen.truth, seed=seed)
    for line in table(result):
        typer.echo(line)
    return result


def load_run(run: Path, graphs: Path | None) -> Explained:
    """Model and graphs of a run.

    Raises:
        ValueError: if the folder holds no model, or the graphs are missing.
    """
    places = [path for path in (run / "best", run / "model", run) if (path / "state.json").exists()]
    if not places:
        raise ValueError(
            f"{run} holds no model: give the folder of `mmgraph demo`, or `out` of a `fit` with a blueprint"
        )
    model = load_model(places[0])
    if graphs is not None:
        if not graphs.is_file():
            raise ValueError(f"{graphs} is not a file; write one with GraphBatch.save")
        return Explained(model, GraphBatch.load(graphs))
    record = run / "metrics.json"
    if not record.exists():
        raise ValueError(f"{run} does not say what it was tested on: give --graphs FILE, written with GraphBatch.save")
    return _demo(model, json.loads(record.read_text(encoding="utf-8")))


def _demo(model: nn.Module, metrics: dict[str, object]) -> Explained:
    """The test data of the demo, built again from its seed."""
    from mmgraph.cli.demo import DemoSize
    from mmgraph.datasets import SpokenGrid
    from mmgraph.graphs.spoken_grid import build

    sizes = metrics.get("samples")
    if not isinstance(sizes, dict) or not isinstance(metrics.get("seed"), int):
        raise ValueError("metrics.json is not of `mmgraph demo`: give --graphs FILE, written with GraphBatch.save")
    seed = int(str(metrics["seed"]))
    train, test = (SpokenGrid(split, sizes[split], seed=seed) for split in ("train", "test"))
    builder = build(size=8).fit(train[: DemoSize().learned_from])
    samples = test[:]
    truths = [sample["truth"] for sample in samples]
    boxes = [truth.box if truth.image_matters else None for truth in truths]
    return Explained(model, builder(samples), Truth("image", boxes))


def find_sample(graphs: GraphBatch, sample: str) -> int:
    """The number of the graph with that id. Raises ValueError with some ids if there is none."""
    try:
        return find_graph(graphs, sample)
    except ValueError as error:
        error.add_note(f"ids are {', '.join(graphs.ids.tolist()[:3])}, ...")
        raise


def choose(found: Explained, number: int, samples: int, seed: int) -> tuple[Explained, GraphBatch]:
    """The graph with that number and others drawn by chance, and different ones as reference.

    The reference is all graphs if no others are left, or if those lack a modality: baselines and donors are of each.
    """
    order = torch.randperm(len(found.graphs), generator=torch.Generator().manual_seed(seed)).tolist()
    order.remove(number)
    chosen, rest = sorted([number, *order[: samples - 1]]), order[samples - 1 :][:REFERENCE]
    truth = found.truth and Truth(found.truth.modality, [found.truth.boxes[i] for i in chosen])
    reference = found.graphs[rest]
    if not torch.equal(reference.present.any(0), found.graphs.present.any(0)):
        reference = found.graphs
    return Explained(found.model, found.graphs[chosen], truth), reference


def describe(model: nn.Module, graph: GraphBatch, score: Score, methods: dict[str, Method], top: int) -> list[str]:
    """The explanation of one graph, line by line."""
    outputs = predict(model, graph)
    values = float(score(outputs, torch.tensor([0])))
    lines = [f"sample {graph.ids[0]}, {type(model).__name__}"]
    if isinstance(score, ClassScore):
        number = int(score.classes)
        probability = float(outputs.softmax(1)[0, number])
        lines.append(f"predicted class {number}, probability {probability:.3f}, log odds {values:.2f}")
        unit = "log odds"
    else:
        lines.append(f"output {values:.4g}")
        unit = "output"
    lines += ["", f"share of each modality in the {unit} (Shapley values):"]
    shapley = ModalityShapley()(model, graph, score).level("modalities")[0].tolist()
    lines += _columns([(name, f"{value:+.3f}") for name, value in zip(graph.schema.modalities, shapley, strict=True)])
    if graph.num_edges:
        relations = RelationOcclusion()(model, graph, score).level("relations")[0].tolist()
        named = sorted(zip(graph.schema.edge_types, relations, strict=True), key=lambda pair: -abs(pair[1]))[:top]
        lines += ["", f"loss of the {unit} without a relation:"]
        lines += _columns([(" -> ".join(relation), f"{value:+.3f}") for relation, value in named])
    for name in SHOWN:
        if name in methods:
            lines += _nodes(name, methods[name](model, graph, score), top)
    return lines


def table(found: Evaluation) -> list[str]:
    """A block of lines per method: a row of nine intervals does not fit a terminal."""
    head, *rows = found.rows()
    lines = []
    for row in rows:
        lines += ["", f"{row[0]} ({float(row[-1]) * 1000:.1f} ms per graph)"]
        cells = list(zip(head[1:-1], row[1:-1], strict=True))
        for start in range(0, len(cells), 3):
            lines.append(
                "  " + "   ".join(f"{name:<14} {cell:<24}" for name, cell in cells[start : start + 3]).rstrip()
            )
    return lines


def _nodes(name: str, found: Attribution, top: int) -> list[str]:
    best = found.top(found.graphs.ids[0], top)
    listed = [(f"{node.modality} {_one_line(node.label)}", f"{value:+.3f}") for node, value in best]
    return ["", f"{name}: {found.meaning}", *_columns(listed)]


def _one_line(label: str) -> str:
    """A label, which may be a whole sentence or what a terminal would obey, as a few plain characters."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(label.split()))
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"


def _columns(rows: list[tuple[str, str]]) -> list[str]:
    width = max((len(name) for name, _ in rows), default=0)
    return [f"  {name:<{width}}  {value:>8}" for name, value in rows]


def _score(model: nn.Module, graphs: GraphBatch, column: int | None) -> Score:
    outputs = predict(model, graphs)
    if column is None and outputs.shape[1] > 1:
        return ClassScore(outputs.argmax(1))
    if column is not None and not 0 <= column < outputs.shape[1]:
        raise ValueError(f"{column=}: the model has the columns 0 to {outputs.shape[1] - 1}")
    return OutputScore(column or 0)


def _of_graph(score: Score, number: int) -> Score:
    return replace(score, classes=score.classes[number : number + 1]) if isinstance(score, ClassScore) else score


def _refused(model: nn.Module, graph: GraphBatch) -> str:
    """Why attention cannot be followed to the output; empty if it can."""
    try:
        AttentionFlow(edges=False)(model, graph, OutputScore())
    except ValueError as error:
        return str(error)
    return ""
