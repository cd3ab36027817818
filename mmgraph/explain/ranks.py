"""Ranks within graphs: which node or edge comes first, and whether two attributions agree on it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.explain.attribution import Attribution, Level
from mmgraph.explain.nodes import destinations, locate
from mmgraph.explain.occlusion import nodes_of
from mmgraph.graph import GraphBatch


@dataclass(frozen=True, eq=False)
class Ranking:
    """The nodes or edges of each graph in the order of an attribution.

    Attributes:
        graph: the graph that each node or edge is in.
        rank: 0 for the largest value of its graph, and so on; only among those that are ranked.
        ranked: which ones are.
        count: how many are, per graph.

    Example:
        >>> graphs = GraphBatch.single({"text": torch.rand(2, 3)}, {})
        >>> Ranking.of(Attribution("by hand", "", graphs, nodes=torch.tensor([0.25, 0.5]))).rank.tolist()
        [1, 0]
    """

    graph: Int[Tensor, " items"]
    rank: Int[Tensor, " items"]
    ranked: Bool[Tensor, " items"]
    count: Int[Tensor, " graphs"]

    @classmethod
    def of(
        cls, attribution: Attribution, level: Level = "nodes", modalities: Sequence[str] | None = None, *, seed: int = 0
    ) -> "Ranking":
        """The ranking by value, the largest first; equal values in random order.

        Args:
            attribution: has values of that level.
            level: "nodes" or "edges".
            modalities: the nodes that are ranked; all if not given.
            seed: of the order of equal values.

        Raises:
            ValueError: if the level has no ranking or no values, on an unknown modality, or on one given for edges.
        """
        values, graphs = attribution.level(level).detach(), attribution.graphs
        graph, ranked = items_of(graphs, level, modalities)
        rank = torch.zeros_like(graph)
        items = ranked.nonzero().squeeze(1)
        shuffled = torch.randperm(items.numel(), generator=torch.Generator().manual_seed(seed)).to(items.device)
        items = items[shuffled]
        items = items[values[items].argsort(descending=True, stable=True)]
        items = items[graph[items].argsort(stable=True)]
        count = torch.bincount(graph[items], minlength=graphs.num_graphs)
        first = (count.cumsum(0) - count)[graph[items]]
        rank[items] = torch.arange(items.numel(), device=items.device) - first
        return cls(graph, rank, ranked, count)


def items_of(
    graphs: GraphBatch, level: Level, modalities: Sequence[str] | None
) -> tuple[Int[Tensor, " items"], Bool[Tensor, " items"]]:
    """The graph of each node or edge, and whether it is among those asked for.

    Raises:
        ValueError: on another level, an unknown modality, or a modality given for edges.

    Example:
        >>> graphs = GraphBatch.single({"text": torch.rand(2, 3), "image": torch.rand(1, 3)}, {})
        >>> items_of(graphs, "nodes", ["image"])[1].tolist()
        [False, False, True]
    """
    if level == "nodes":
        graph, _ = locate(graphs.flat, torch.arange(graphs.num_nodes, device=graphs.device))
        asked = torch.zeros(graphs.num_nodes, dtype=torch.bool, device=graphs.device)
        asked[nodes_of(graphs, modalities)] = True
        return graph, asked
    if level != "edges" or modalities is not None:
        raise ValueError(f"nodes (of some modalities) or edges (all) are ranked, got {level=} and {modalities=}")
    graph, _ = locate(graphs.flat, destinations(graphs.flat))
    return graph, torch.ones_like(graph, dtype=torch.bool)


def rank_correlation(
    first: Float[Tensor, " items"], second: Float[Tensor, " items"], graph: Int[Tensor, " items"], graphs: int
) -> Float[Tensor, " graphs"]:
    """Spearman's rank correlation within each graph; NaN where there are fewer than three values or all are equal.

    Example:
        >>> values = torch.tensor([1.0, 2.0, 3.0])
        >>> rank_correlation(values, values**3, torch.zeros(3).long(), 2).tolist()
        [1.0, nan]
    """
    of = graph.cpu().numpy()
    count = np.bincount(of, minlength=graphs)
    centred = [_mean_ranks(part.detach().double().cpu().numpy(), of) for part in (first, second)]
    centred = [part - ((count - 1) / 2)[of] for part in centred]

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(of, values, minlength=graphs)

    spread = np.sqrt(total(centred[0] ** 2) * total(centred[1] ** 2))
    known = (spread > 0) & (count >= 3)
    result = np.divide(total(centred[0] * centred[1]), spread, out=np.full(graphs, np.nan), where=known)
    return torch.from_numpy(result)


def _mean_ranks(values: np.ndarray, graph: np.ndarray) -> np.ndarray:
    """Ranks from 0 within each graph; equal values share the mean of theirs."""
    if not values.size:
        return values
    order = np.lexsort((values, graph))
    value, of = values[order], graph[order]
    start = np.maximum.accumulate(np.where(np.r_[True, of[1:] != of[:-1]], np.arange(of.size), 0))
    tie = np.cumsum(np.r_[False, (value[1:] != value[:-1]) | (of[1:] != of[:-1])])
    ranks = np.empty(values.size)
    ranks[order] = (np.bincount(tie, np.arange(of.size) - start) / np.bincount(tie))[tie]
    return ranks
