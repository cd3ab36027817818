"""What the demo prints and writes as `report.md`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from mmgraph.training.checkpoint import replace_file

NEXT = (
    "open page.html in a browser       the worst and the best samples, with what attends to what",
    "mmgraph demo --out DIR --full      also trains on each modality and each pair alone",
    "mmgraph bench benchmarks/spoken_grid.py --out DIR --seeds 3 --jobs 2",
    "python -m mmgraph.graphs.spoken_grid      prints the graph of one sample",
)


def rows_of(metrics: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Name, test accuracy, ceiling and training time of every model."""
    ceilings = metrics["ceilings"]
    rows = [
        (name, _percent(metrics[key]["test_accuracy"]), _percent(ceilings["audio + image + text"]), _time(metrics[key]))
        for name, key in (("GraphFusion", "graph_fusion"), ("ConcatMLP", "concat_mlp"))
    ]
    for name, row in metrics.get("ablations", {}).items():
        rows.append((f"GraphFusion, {name} only", _percent(row["test_accuracy"]), _percent(row["ceiling"]), _time(row)))
    return rows


def write_report(metrics: Mapping[str, Any], path: Path) -> None:
    """Writes the Markdown report."""
    auc, samples = metrics["attention_grounding_auc"], metrics["samples"]
    table = [
        "| model | test accuracy | ceiling | training |",
        "|---|---|---|---|",
        *("| " + " | ".join(row) + " |" for row in rows_of(metrics)),
    ]
    lines = [
        "# SpokenGrid: picture, instruction and spoken digit",
        "",
        f"{samples['train']:,} training, {samples['val']:,} validation and {samples['test']:,} test samples, seed "
        f"{metrics['seed']}. Test pictures and voices are in neither of the other two. Samples are "
        "composed: picture, text and sound were not recorded together. Epochs were chosen on validation data.",
        "",
        *table,
        "",
        "The ceiling is the best accuracy that anyone can reach who perceives these modalities perfectly and no other.",
        "",
        f"Attention that reaches the pooled output ranks the regions of the right place with AUC {auc['mean']:.3f} "
        f"(95 % interval {auc['low']:.3f} to {auc['high']:.3f}, {auc['samples']:,} test samples whose answer depends "
        "on the picture; 0.5 is chance). It says where attention goes, not what the answer was made of.",
        "",
        "![attention](attention.png)",
        "",
        "[page.html](page.html) shows the worst and the best test samples: open it in a browser and point at words, "
        "regions and moments of the sound.",
        "",
    ]
    replace_file(path, "\n".join(lines).encode())


def print_report(metrics: Mapping[str, Any], out: Path) -> None:
    """Prints the table, what was written, and what to try next."""
    rows = [("model", "test", "ceiling", "training"), *rows_of(metrics)]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    typer.echo("")
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
    auc = metrics["attention_grounding_auc"]
    typer.echo(f"\nattention grounding AUC {auc['mean']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})")
    typer.echo(f"\nWritten to {out}: metrics.json, report.md, attention.png, page.html, model/")
    typer.echo("Try next:")
    for line in NEXT:
        typer.echo(f"  {line}")


def _percent(value: float) -> str:
    return f"{value:.3f}"


def _time(row: Mapping[str, Any]) -> str:
    return f"{row['seconds']:.0f} s"
