"""The commands. What needs torch is imported when a command runs, so that `--help` answers at once."""

from pathlib import Path
from typing import Annotated

import typer

from mmgraph import __version__
from mmgraph.cli.errors import one_line_errors

app = typer.Typer(
    name="mmgraph",
    help="Graph-based multimodal fusion: build modality graphs, compare fusion models, look at cross-modal attention.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for what the command writes.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def _version(asked: bool) -> bool:
    if asked:
        typer.echo(f"mmgraph {__version__}")
        raise typer.Exit
    return asked


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take options that stand before a command."""


@app.command()
def demo(
    out: Out,
    seed: Annotated[int, typer.Option("--seed", help="Decides data, first weights and order.", min=0)] = 0,
    full: Annotated[bool, typer.Option("--full", help="Also train on each modality and each pair alone.")] = False,
    debug: Debug = False,
) -> None:
    """Train and explain on the shipped data.

    A graph model and a baseline learn to answer questions about a picture and a voice. DIR gets their metrics, a
    report, a figure of attention over picture, text and sound, and the trained graph model.
    """
    with one_line_errors(debug=debug):
        from mmgraph.cli.demo import run_demo

        run_demo(out=out, seed=seed, full=full)


@app.command()
def bench(
    suite: Annotated[Path, typer.Argument(metavar="SUITE", help="Python file that defines suite = Suite(...).")],
    out: Out,
    seeds: Annotated[
        int | None, typer.Option("--seeds", metavar="N", help="Seeds 0 to N-1 instead of the suite's.", min=1)
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", help="Runs at a time.", min=1)] = 1,
    debug: Debug = False,
) -> None:
    """Compare the models of a suite.

    Every model runs with every seed. DIR gets a file per run and report.md. Finished runs are not run again. The exit
    code is 1 if a run failed.
    """
    with one_line_errors(debug=debug):
        from mmgraph.cli.bench import run_bench

        failed = run_bench(suite, out=out, num_seeds=seeds, jobs=jobs)
    if failed:
        raise typer.Exit(1)


@app.command()
def info(debug: Debug = False) -> None:
    """Show versions, back-ends and devices.

    Says how to get what is missing, and where recordings of speech are found.
    """
    with one_line_errors(debug=debug):
        from mmgraph.cli.info import describe

        typer.echo(describe())
