"""`mmgraph page`: samples of a run as an interactive page, with what one model or several attend to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import typer
from torch import nn

from mmgraph.cli.explain import find_sample, load_run
from mmgraph.datasets import SpokenGrid
from mmgraph.explain import ClassScore, GradientInput, OutputScore, flow_to_output, record_attention
from mmgraph.graph import GraphBatch
from mmgraph.training import load_model, predict
from mmgraph.viz import NodeValues, PageSample, page_sample, write_page


@dataclass(frozen=True)
class Shown:
    """Samples for a page, and what could not be shown of them.

    Attributes:
        samples: in the order of the graphs.
        missing: a sentence for each part that the model does not allow.

    Example:
        >>> Shown([], ["no attention flow: the model has no pool"]).missing
        ['no attention flow: the model has no pool']
    """

    samples: list[PageSample]
    missing: list[str]


def run_page(
    run: Path, *, samples: Sequence[str], out: Path, compare: Path | None = None, graphs: Path | None = None
) -> None:
    """Writes a page of some samples of a run.

    Args:
        run: folder of a run: of `mmgraph demo`, or of `fit` with a blueprint.
        samples: their ids; the first of the graphs if none is given.
        out: the file.
        compare: folder of another run, whose model is shown beside the first on the same samples.
        graphs: file that `GraphBatch.save` wrote; not needed for a run of `mmgraph demo`. It holds words, regions and
            frames but neither pictures nor sounds.

    Raises:
        ValueError: as `mmgraph explain` does, or if a folder holds no model, or no layer with attention.
    """
    found = load_run(run, graphs)
    names = list(dict.fromkeys(samples)) or [found.graphs.ids[0]]
    places = [find_sample(found.graphs, name) for name in names]
    chosen = found.graphs[places]
    raws = [{"id": name} for name in names] if graphs is not None else demo_samples(run, places)
    runs = {run: found.model} if compare is None else {run: found.model, compare: load_model(model_folder(compare))}
    titles = [""] if compare is None else _titles(list(runs))
    parts = [show(model, chosen, raws, name=name) for name, model in zip(titles, runs.values(), strict=True)]
    shown = [sample for row in zip(*(part.samples for part in parts), strict=True) for sample in row]
    missing = list(dict.fromkeys(sentence for part in parts for sentence in part.missing))
    if graphs is not None:
        missing.append(f"no pictures and sounds: {graphs.name} holds graphs only; `mmgraph.viz.page` takes raw samples")
    start = {} if compare is None else {"with": shown[1].id, "withmodel": shown[1].model}
    note = " ".join(map(_sentence, missing))
    write_page(shown, out, title=f"Attention: {', '.join(names[:3])}", note=note, start=start)
    for sentence in missing:
        typer.echo(sentence)
    typer.echo(f"Written: {out} ({out.stat().st_size / 1000:,.0f} KB), opens in any browser, offline")


def show(model: nn.Module, graphs: GraphBatch, raws: Sequence[Mapping[str, Any]], *, name: str = "") -> Shown:
    """Samples with a model's attention, its flow to the output, a gradient, prediction and truth.

    Args:
        model: with attention.
        graphs: of the samples.
        raws: the raw samples, in the same order.
        name: of the model, where a page shows several.

    Raises:
        ValueError: if the model has no layer with attention.
    """
    with record_attention(model) as records:
        outputs = predict(model, graphs, batch_size=len(graphs))
    record, missing = records[0], []
    try:
        flow_to_output(record)
    except ValueError as error:
        missing.append(f"no attention flow: {error}")
    flow = not missing
    try:
        given = _gradients(model, graphs, outputs)
    except ValueError as error:
        given = [[] for _ in raws]
        missing.append(f"no attribution: {error}")
    samples = [
        page_sample(raw, graphs, record, flow=flow, attributions=values, model=name, **_judged(outputs[i], graphs, i))
        for i, (raw, values) in enumerate(zip(raws, given, strict=True))
    ]
    return Shown(samples, missing)


def demo_samples(run: Path, places: Sequence[int]) -> list[dict[str, Any]]:
    """Raw test samples of a run of `mmgraph demo`, composed again from its seed."""
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    test = SpokenGrid("test", metrics["samples"]["test"], seed=metrics["seed"])
    return [test[place] for place in places]


def model_folder(run: Path) -> Path:
    """Where a run keeps its model.

    Raises:
        ValueError: if it has none.
    """
    for folder in (run / "best", run / "model", run):
        if (folder / "state.json").exists():
            return folder
    raise ValueError(f"{run} holds no model: give the folder of `mmgraph demo`, or `out` of a `fit` with a blueprint")


def _gradients(model: nn.Module, graphs: GraphBatch, outputs: torch.Tensor) -> list[list[NodeValues]]:
    """Gradient times input, of the predicted class or of the one output, per graph."""
    several = outputs.shape[1] > 1
    score = ClassScore(outputs.argmax(1)) if several else OutputScore(0)
    found = GradientInput(edges=False)(model, graphs, score)
    what = "the log odds of the predicted class" if several else "the output"
    meaning = f"Gradient of {what} times the encoded node, summed over its channels. It is blind to what is saturated."
    nodes = {modality: found.of(modality).split(part.counts.tolist()) for modality, part in graphs.nodes.items()}
    return [
        [NodeValues(found.method, {modality: parts[i] for modality, parts in nodes.items()}, meaning)]
        for i in range(len(graphs))
    ]


def _judged(output: torch.Tensor, graphs: GraphBatch, number: int) -> dict[str, Any]:
    """Prediction and truth of one graph in words; the truth is the only target of graphs, where that is known."""
    targets = [name for name, field in graphs.schema.targets.items() if field.of is None and not field.shape]
    known = len(targets) == 1 and bool(graphs.targets[targets[0]].mask[number])
    truth = graphs.targets[targets[0]].values[number].item() if known else None
    if output.numel() > 1:
        best = int(output.argmax())
        right = None if truth is None else best == truth
        return {"prediction": f"{best} ({output.softmax(0)[best]:.0%})", "truth": truth, "right": right}
    return {"prediction": float(f"{output.item():.4g}"), "truth": truth}


def _titles(runs: Sequence[Path]) -> list[str]:
    """Names of the runs: of their folders, or the whole paths where those are the same."""
    names = [run.name for run in runs]
    return names if len(set(names)) == len(names) else [str(run) for run in runs]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
