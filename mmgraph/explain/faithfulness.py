"""Faithfulness: whether what an attribution points at is what the model uses. Asked of the model, without any truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mmgraph.explain.attribution import Attribution, Level
from mmgraph.explain.copies import Copies, copy_scores, ready
from mmgraph.explain.estimate import Estimate
from mmgraph.explain.fill import Fill, Removed
from mmgraph.explain.ranks import Ranking, items_of
from mmgraph.explain.score import Score
from mmgraph.explain.subgraph import subgraph
from mmgraph.graph import GraphBatch


@dataclass(frozen=True, eq=False)
class Curve:
    """The score as more and more of each graph is taken away, or put back.

    Attributes:
        shares: of the nodes (or edges) that are gone, or there: 0 to 1.
        values: the score of each graph at each share.
        area: under the curve, by trapezoids: for deletion small is good, for insertion large.

    Example:
        >>> curve = Curve.of([0.0, 0.5, 1.0], torch.tensor([[1.0, 0.5, 0.0]]))
        >>> curve.area.mean
        0.5
    """

    shares: tuple[float, ...]
    values: Float[Tensor, "graphs points"]
    area: Estimate

    @classmethod
    def of(cls, shares: Sequence[float], values: Float[Tensor, "graphs points"]) -> "Curve":
        """A curve and its area."""
        area = torch.trapezoid(values.double(), torch.tensor(shares, dtype=torch.float64), dim=1)
        return cls(tuple(shares), values, Estimate.of(area))


@dataclass(frozen=True, eq=False)
class Fidelity:
    """What the score loses without, and with nothing but, the part that an attribution ranks first.

    Attributes:
        plus: loss without it; large is good: the part was necessary.
        minus: loss with nothing but it; small is good: the part is sufficient.

    Example:
        >>> Fidelity(Estimate.of(torch.tensor([0.75])), Estimate.of(torch.tensor([0.0]))).plus.mean
        0.75
    """

    plus: Estimate
    minus: Estimate


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """Takes away what an attribution ranks first, or all but that, and asks the model.

    The score here should be one whose differences mean something, as `ClassScore(classes, "probability")`; it need not
    be the one that was explained. Values rank by size with their sign: what speaks against the score goes last.

    Args:
        model: the model that was explained; it stays as it is.
        score: what is read off the outputs.
        level: "nodes" or "edges".
        modalities: the nodes that may be taken away; all if not given.
        fill: what stands in the place of nodes; edges are removed.
        batch_size: changed graphs per forward pass.

    Raises:
        ValueError: when used, if the attribution has no values of the level, or on an unknown modality.

    Example:
        >>> from mmgraph.explain import OutputScore, RandomScores
        >>> from mmgraph.models import GraphFusion
        >>> graphs = GraphBatch.single({"text": torch.rand(4, 3)}, {})
        >>> model, score = GraphFusion(graphs.schema, 2, hidden_channels=4), OutputScore(0)
        >>> found = RandomScores()(model, graphs, score)
        >>> Faithfulness(model, score).deletion(found, points=3).values.shape
        torch.Size([1, 3])
    """

    model: nn.Module
    score: Score
    level: Level = "nodes"
    modalities: Sequence[str] | None = None
    fill: Fill = Removed()  # noqa: RUF009 - frozen
    batch_size: int = 256

    def deletion(self, attribution: Attribution, *, points: int = 11) -> Curve:
        """The score as nodes (or edges) go, the first first. Raises ValueError for fewer than two points."""
        shares, ranking = _shares(points), self._ranking(attribution)
        number = _rounded(shares, ranking)
        return Curve.of(shares, self._scores(attribution.graphs, ranking, torch.zeros_like(number), number))

    def insertion(self, attribution: Attribution, *, points: int = 11) -> Curve:
        """The score as nodes (or edges) come, into a graph without any. Raises ValueError for fewer than two points."""
        shares, ranking = _shares(points), self._ranking(attribution)
        number = _rounded(shares, ranking)
        whole = ranking.count.unsqueeze(1).expand_as(number)
        return Curve.of(shares, self._scores(attribution.graphs, ranking, number, whole))

    def fidelity(self, attribution: Attribution, *, share: float = 0.2) -> Fidelity:
        """Fidelity+ and fidelity- of the first `share` of each graph, at least one node (or edge).

        Source: Yuan et al., "Explainability in Graph Neural Networks: A Taxonomic Survey", arXiv 2012.15445.

        Raises:
            ValueError: if `share` is not between 0 and 1.
        """
        if not 0 < share < 1:
            raise ValueError(f"{share=} lies between 0 and 1")
        ranking = self._ranking(attribution)
        kept = (ranking.count * share).ceil().long().clamp_min(1).minimum(ranking.count)
        none, whole = torch.zeros_like(kept), ranking.count
        first, last = torch.stack([none, none, kept], 1), torch.stack([none, kept, whole], 1)
        scores = self._scores(attribution.graphs, ranking, first, last)
        loss = (scores[:, :1] - scores[:, 1:]).masked_fill((ranking.count == 0).unsqueeze(1), torch.nan)
        return Fidelity(Estimate.of(loss[:, 0]), Estimate.of(loss[:, 1]))

    def _ranking(self, attribution: Attribution) -> Ranking:
        return Ranking.of(attribution, self.level, self.modalities)

    def _scores(
        self,
        graphs: GraphBatch,
        ranking: Ranking,
        first: Int[Tensor, "graphs points"],
        last: Int[Tensor, "graphs points"],
    ) -> Float[Tensor, "graphs points"]:
        """The score of each graph without the ranks from `first` to before `last`."""
        with ready(self.model, graphs) as batch:
            device = batch.device
            rank, ranked = ranking.rank.to(device), ranking.ranked.to(device)
            starts, stops = first.reshape(-1).to(device), last.reshape(-1).to(device)
            graph = torch.arange(batch.num_graphs, device=device).repeat_interleave(first.shape[1])
            draws = self.fill.draws if self.level == "nodes" else 1
            total = torch.zeros(graph.numel(), dtype=batch.dtype, device=device)
            for draw in range(draws):

                def change(copies: Copies, rows: slice, draw: int = draw) -> GraphBatch:
                    nodes = self.level == "nodes"
                    item, copy = (copies.node, copies.node_copy) if nodes else (copies.edge, copies.edge_copy)
                    own = rank[item]
                    gone = ranked[item] & (own >= starts[rows][copy]) & (own < stops[rows][copy])
                    if nodes:
                        return self.fill(copies.batch, gone, draw + draws * rows.start)
                    return subgraph(copies.batch, edges=~gone)

                total += copy_scores(self.model, batch, self.score, graph, change, self.batch_size) / draws
        return total.view(first.shape).cpu()


def sparsity(attribution: Attribution, level: Level = "nodes", modalities: Sequence[str] | None = None) -> Estimate:
    r"""How few nodes (or edges) carry an attribution: 0 if all count the same, near 1 if one counts alone.

    With :math:`p` the sizes of the :math:`n` values of a graph, divided by their sum: :math:`1 - (e^{H(p)} - 1) / (n -
    1)`, where :math:`e^{H(p)}`, the exponential of the entropy, is how many items they are as good as. Graphs with
    fewer than two items, or with all values 0, do not count.

    Args:
        attribution: has values of that level.
        level: "nodes" or "edges".
        modalities: the nodes that count; all if not given.

    Raises:
        ValueError: as `Ranking.of` does.

    Example:
        >>> graphs = GraphBatch.single({"text": torch.rand(2, 3)}, {})
        >>> sparsity(Attribution("by hand", "", graphs, nodes=torch.tensor([0.0, -2.0]))).mean
        1.0
    """
    graph, counted = items_of(attribution.graphs, level, modalities)
    size = attribution.level(level).detach().abs().double()[counted]
    graph, graphs = graph[counted], attribution.graphs.num_graphs
    zeros = size.new_zeros(graphs)
    total = zeros.index_add(0, graph, size)
    part = size / total[graph].clamp_min(torch.finfo(size.dtype).tiny)
    entropy = zeros.index_add(0, graph, torch.special.entr(part))
    number = torch.bincount(graph, minlength=graphs)
    value = 1 - (entropy.exp() - 1) / (number - 1)
    return Estimate.of(value.masked_fill((number < 2) | (total == 0), torch.nan))


def _shares(points: int) -> list[float]:
    if points < 2:
        raise ValueError(f"{points=}: a curve has at least two")
    return [i / (points - 1) for i in range(points)]


def _rounded(shares: list[float], ranking: Ranking) -> Int[Tensor, "graphs points"]:
    return (ranking.count.unsqueeze(1) * torch.tensor(shares, device=ranking.count.device) + 0.5).long()
