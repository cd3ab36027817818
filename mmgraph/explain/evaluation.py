"""`evaluate`: methods of explanation side by side, measured on the same graphs, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

from torch import nn

from mmgraph.explain.attribution import Attribution, Level, Method
from mmgraph.explain.controls import RandomScores
from mmgraph.explain.estimate import Estimate
from mmgraph.explain.faithfulness import Faithfulness, sparsity
from mmgraph.explain.fill import Fill, Removed
from mmgraph.explain.precision import Truth
from mmgraph.explain.sanity import SanityChecks
from mmgraph.explain.score import ClassScore, Score
from mmgraph.graph import GraphBatch

if TYPE_CHECKING:
    import pandas

RANDOM = "random"

BETTER = {
    "fidelity+": "larger",
    "fidelity-": "smaller",
    "deletion area": "smaller",
    "insertion area": "larger",
    "sparsity": "",
    "stability": "larger",
    "randomisation": "near 0",
    "grounding AUC": "larger",
    "precision": "larger",
}
"""What is measured, and which values are good."""


@dataclass(frozen=True)
class Measures:
    """How methods are measured.

    Args:
        level: "nodes" or "edges".
        modalities: the nodes that count; all if not given.
        share: of a graph's nodes (or edges) that fidelity takes away or keeps.
        points: of the curves of deletion and insertion.
        fill: what stands in the place of nodes that are taken away.
        sanity: whether to measure stability and randomisation; for that, every method explains three times more.
        batch_size: changed graphs per forward pass.

    Example:
        >>> Measures(points=5).share
        0.2
    """

    level: Level = "nodes"
    modalities: Sequence[str] | None = None
    share: float = 0.2
    points: int = 11
    fill: Fill = Removed()  # noqa: RUF009 - frozen
    sanity: bool = True
    batch_size: int = 256


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `evaluate` measured.

    Attributes:
        estimates: per method and measure.
        seconds: per method, for one attribution of one graph.
        measures: how it was measured.
        num_graphs: how many graphs were explained.

    Example:
        >>> import torch
        >>> measured = {"by hand": {"sparsity": Estimate.of(torch.tensor([0.5]))}}
        >>> print(Evaluation(measured, {"by hand": 0.1}, Measures(), 1))
        method   sparsity               seconds
        by hand  0.500 (0.500 to 0.500)  0.1000
    """

    estimates: Mapping[str, Mapping[str, Estimate]]
    seconds: Mapping[str, float]
    measures: Measures
    num_graphs: int

    def against_random(self, method: str, measure: str) -> Estimate:
        """A measure of a method less that of random numbers, paired by graphs.

        Raises:
            ValueError: if there is no such method or measure.
        """
        if method not in self.estimates or measure not in self.estimates[method]:
            raise ValueError(f"{measure!r} of {method!r} was not measured; methods are {', '.join(self.estimates)}")
        return self.estimates[method][measure].minus(self.estimates[RANDOM][measure])

    def best(self, measure: str) -> str:
        """The method with the best mean of a measure, among those that have one.

        Raises:
            ValueError: if the measure has no better and worse, or was not measured.
        """
        good = BETTER.get(measure, "")
        measured = {name: row[measure] for name, row in self.estimates.items() if measure in row}
        known = {name: found.mean for name, found in measured.items() if found.num_graphs}
        if good not in ("larger", "smaller") or not known:
            raise ValueError(f"no best method by {measure!r}: it has no better and worse, or was not measured")
        return max(known, key=known.__getitem__) if good == "larger" else min(known, key=known.__getitem__)

    def rows(self) -> list[list[str]]:
        """A table of texts: a row of names, then a row per method."""
        names = list(dict.fromkeys(name for row in self.estimates.values() for name in row))
        table = [["method", *names, "seconds"]]
        for method, row in self.estimates.items():
            cells = [str(row[name]) if name in row else "-" for name in names]
            table.append([method, *cells, f"{self.seconds[method]:.4f}"])
        return table

    def to_markdown(self) -> str:
        """The table in Markdown; its first row says which values are good."""
        head, *rows = self.rows()
        good = ["better:", *(BETTER.get(name, "") for name in head[1:])]
        lines = [head, ["---"] * len(head), good, *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def to_frame(self) -> "pandas.DataFrame":
        """A pandas table with a row per method and measure: mean, low, high, num_graphs, and how much above random.

        Raises:
            ImportError: if pandas is not installed.
        """
        from mmgraph.explain.export import evaluation_frame

        return evaluation_frame(self)

    def __str__(self) -> str:
        table = self.rows()
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
        return "\n".join(line.rstrip() for line in lines)


def evaluate(
    model: nn.Module,
    graphs: GraphBatch,
    methods: Mapping[str, Method],
    *,
    score: Score | None = None,
    judge: Score | None = None,
    truth: Truth | None = None,
    measures: Measures | None = None,
    seed: int = 0,
) -> Evaluation:
    """Explains the graphs with each method, and measures whether the explanations are true.

    Fidelity and curves ask the model about graphs without what ranks first, or with nothing else; sanity checks explain
    noisy graphs and a model with shuffled weights; with `truth`, grounding compares with the regions that are known to
    be right. Random numbers are always measured too.

    Args:
        model: as methods want it; it stays as it is.
        graphs: the graphs, usually some of the test data.
        methods: by name.
        score: what is explained; the log odds of the predicted class if not given.
        judge: what fidelity and curves read off; the probability of that class, or `score` if that was given.
        truth: the right regions, where they are known.
        measures: what is measured, and how.
        seed: of random numbers, noise and shuffling.

    Raises:
        ValueError: as methods and measures do, with the name of the method.

    Example:
        >>> import torch
        >>> from mmgraph.explain import GradientInput
        >>> from mmgraph.models import GraphFusion
        >>> graphs = GraphBatch.single({"text": torch.rand(4, 3)}, {})
        >>> found = evaluate(GraphFusion(graphs.schema, 2, hidden_channels=4), graphs, {"gradient": GradientInput()})
        >>> list(found.estimates)
        ['gradient', 'random']
    """
    measures = measures or Measures()
    if score is None:
        chosen = ClassScore.predicted(model, graphs)
        score, judge = chosen, judge or replace(chosen, kind="probability")
    checks = SanityChecks(measures.level, measures.modalities, seed=seed)
    judged = Faithfulness(
        model, judge or score, measures.level, measures.modalities, measures.fill, measures.batch_size
    )
    estimates, seconds = {}, {}
    for name, method in {**methods, RANDOM: methods.get(RANDOM, RandomScores(seed))}.items():
        try:
            started = perf_counter()
            found = method(model, graphs, score)
            seconds[name] = (perf_counter() - started) / graphs.num_graphs
            row = _faithfulness(judged, found, measures)
            if measures.sanity:
                row["stability"] = checks.stability(method, model, graphs, score, found)
                row["randomisation"] = checks.randomisation(method, model, graphs, score, found)
            if truth is not None and measures.level == "nodes":
                row |= truth.grounding(found.level("nodes"), graphs)
        except ValueError as error:
            error.add_note(f"by method {name!r}")
            raise
        estimates[name] = row
    return Evaluation(estimates, seconds, measures, graphs.num_graphs)


def _faithfulness(judged: Faithfulness, found: Attribution, measures: Measures) -> dict[str, Estimate]:
    fidelity = judged.fidelity(found, share=measures.share)
    return {
        "fidelity+": fidelity.plus,
        "fidelity-": fidelity.minus,
        "deletion area": judged.deletion(found, points=measures.points).area,
        "insertion area": judged.insertion(found, points=measures.points).area,
        "sparsity": sparsity(found, measures.level, measures.modalities),
    }
