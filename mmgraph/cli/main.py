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
def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run: of the demo, or of fit.")],
    sample: Annotated[
        str | None, typer.Option("--sample", metavar="ID", help="Sample to explain; the first if not given.")
    ] = None,
    graphs: Annotated[
        Path | None, typer.Option("--graphs", metavar="FILE", help="Graphs, if the run is not of the demo.")
    ] = None,
    column: Annotated[
        int | None, typer.Option("--column", help="Explain this output as a number, not the predicted class.", min=0)
    ] = None,
    samples: Annotated[int, typer.Option("--samples", help="Graphs that methods are measured on.", min=2)] = 30,
    seed: Annotated[int, typer.Option("--seed", help="Decides which graphs, donors and noise.", min=0)] = 0,
    debug: Debug = False,
) -> None:
    """Explain a prediction, and check the explanation.

    Prints what modalities, relations and nodes count for one sample, then how true each method's explanations are:
    fidelity, deletion and insertion, stability, randomisation, and grounding where the right regions are known.
    """
    with one_line_errors(debug=debug):
        from mmgraph.cli.explain import run_explain

        run_explain(run, sample=sample, graphs=graphs, column=column, samples=samples, seed=seed)


@app.command()
def page(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run: of the demo, or of fit.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page, an HTML file.")],
    sample: Annotated[
        list[str] | None,
        typer.Option("--sample", metavar="ID", help="Sample to show, may be repeated; the first if not given."),
    ] = None,
    compare: Annotated[
        Path | None, typer.Option("--compare", metavar="RUN", help="Show the model of another run beside it.")
    ] = None,
    graphs: Annotated[
        Path | None, typer.Option("--graphs", metavar="FILE", help="Graphs, if the run is not of the demo.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Write an interactive page of what a model attends to.

    One offline HTML file: point at a word, a region or a moment of the sound and see what it attends to in the others,
    by layer and head; attention flow; attribution; the sound with a moving cursor.
    """
    with one_line_errors(debug=debug):
        from mmgraph.cli.page import run_page

        run_page(run, samples=sample or [], out=out, compare=compare, graphs=graphs)


@app.command()
def graph(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A recipe; without it all are listed.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the graph: .graphml, .gexf or .json.")
    ] = None,
    draw: Annotated[Path | None, typer.Option("--draw", metavar="FILE", help="Draw the schema: .png or .pdf.")] = None,
    debug: Debug = False,
) -> None:
    """List the recipes, or show the graph of one.

    Prints how many nodes and edges of each type a recipe makes of its sample.
    """
    with one_line_errors(debug=debug):
        from mmgraph.cli.graph import listing, run_graph

        typer.echo(listing() if name is None else run_graph(name, out=out, draw=draw))


@app.command()
def data(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A data set, whose card is shown.")] = None,
    debug: Debug = False,
) -> None:
    """List the data sets and what is found where.

    With NAME: its source, licence, size, splits and known confounds. Nothing is downloaded.
    """
    with one_line_errors(debug=debug):
        from mmgraph.cli.data import card, describe

        typer.echo(describe() if name is None else card(name))


@app.command()
def info(debug: Debug = False) -> None:
    """Show versions, back-ends and devices.

    Says how to get what is missing, and where recordings of speech are found.
    """
    with one_line_errors(debug=debug):
        from mmgraph.cli.info import describe

        typer.echo(describe())
