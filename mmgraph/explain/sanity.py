"""Sanity checks: a method agrees with itself under small noise, and not about a model with shuffled weights."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmgraph.explain.attribution import Attribution, Level, Method
from mmgraph.explain.estimate import Estimate
from mmgraph.explain.fill import with_nodes
from mmgraph.explain.ranks import items_of, rank_correlation
from mmgraph.explain.score import Score
from mmgraph.graph import GraphBatch, NodeSet


@dataclass(frozen=True, eq=False)
class SanityChecks:
    """Compares attributions by Spearman's rank correlation within each graph, between -1 and 1.

    Args:
        level: "nodes" or "edges".
        modalities: the nodes that are compared; all if not given.
        noise: standard deviation of the noise, in those of each feature over the graphs.
        draws: of noise.
        seed: of noise and shuffling.

    Raises:
        ValueError: if `noise` is not more than 0 or `draws` below 1; when used, if the method has no values of the
            level.

    Example:
        >>> from mmgraph.explain import GradientInput, OutputScore, RandomScores
        >>> from mmgraph.models import GraphFusion
        >>> graphs = GraphBatch.single({"text": torch.rand(4, 3)}, {})
        >>> model, score = GraphFusion(graphs.schema, 2, hidden_channels=4), OutputScore(0)
        >>> SanityChecks().randomisation(RandomScores(), model, graphs, score).mean  # it never looked at the model
        1.0
    """

    level: Level = "nodes"
    modalities: Sequence[str] | None = None
    noise: float = 0.05
    draws: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.noise > 0 or self.draws < 1:
            raise ValueError(f"noise is more than 0 and draws at least 1, got {self}")

    def stability(
        self,
        method: Method,
        model: nn.Module,
        graphs: GraphBatch,
        score: Score,
        found: Attribution | None = None,
    ) -> Estimate:
        """Agreement with the attribution of the same graphs with a little noise on all features; 1 is stable.

        Args:
            method: the method.
            model: the model that is explained.
            graphs: the graphs; nodes without features, such as tokens, stay as they are.
            score: what is explained.
            found: the attribution without noise, if it is there already.
        """
        before = found or method(model, graphs, score)
        agreements = []
        for draw in range(self.draws):
            after = method(model, noisy(graphs, self.noise, seed=self.seed * 1_000_003 + draw), score)
            agreements.append(self._agreement(before, after, sizes=False))
        return Estimate.of(torch.stack(agreements).mean(0))

    def randomisation(
        self,
        method: Method,
        model: nn.Module,
        graphs: GraphBatch,
        score: Score,
        found: Attribution | None = None,
    ) -> Estimate:
        """Agreement in sizes with the attribution of a model whose weights are shuffled; near 0 is right.

        A method that says the same of a model that has learned nothing explains the data, not the model.

        Source: Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, arXiv 1810.03292.

        Args:
            method: the method.
            model: the model that is explained.
            graphs: the graphs.
            score: what is explained.
            found: the attribution of the model as it is, if it is there already.
        """
        before = found or method(model, graphs, score)
        after = method(shuffled(model, seed=self.seed), graphs, score)
        return Estimate.of(self._agreement(before, after, sizes=True))

    def _agreement(self, before: Attribution, after: Attribution, *, sizes: bool) -> Tensor:
        graph, counted = items_of(before.graphs, self.level, self.modalities)
        values = [found.level(self.level)[counted] for found in (before, after)]
        first, second = (value.abs() for value in values) if sizes else values
        return rank_correlation(first, second, graph[counted], before.graphs.num_graphs)


def noisy(graphs: GraphBatch, noise: float, *, seed: int) -> GraphBatch:
    """The graphs with Gaussian noise on the features of all nodes, in standard deviations of each feature.

    Example:
        >>> graphs = GraphBatch.single({"text": torch.ones(2, 3)}, {})
        >>> noisy(graphs, 0.1, seed=0).nodes["text"].x[0].tolist()  # no spread, no noise
        [1.0, 1.0, 1.0]
    """
    generator = torch.Generator().manual_seed(seed)
    nodes = {}
    for name, value in graphs.nodes.items():
        drawn = torch.randn(value.x.shape, generator=generator, dtype=value.x.dtype).to(value.x.device)
        spread = value.x.std(0, correction=0) if value.x.numel() else value.x.new_zeros(value.x.shape[1])
        nodes[name] = NodeSet(value.x + noise * spread * drawn, value.ptr, value.attributes)
    return with_nodes(graphs, nodes)


def shuffled(model: nn.Module, *, seed: int, parts: Sequence[str] | None = None) -> nn.Module:
    """A copy of the model in which the entries of every weight have changed places; the model stays as it is.

    Args:
        model: the model.
        seed: of the shuffling.
        parts: names of the model's parts, as "head" or "blocks.1", that are shuffled; all if not given. From the head
            downwards, one more at a time, is the cascade of the paper.

    Raises:
        ValueError: if no weight is in one of the parts.

    Example:
        >>> layer = nn.Linear(3, 2)
        >>> other = shuffled(layer, seed=0)
        >>> sorted(other.weight.flatten().tolist()) == sorted(layer.weight.flatten().tolist())
        True
    """
    generator = torch.Generator().manual_seed(seed)
    other = copy.deepcopy(model)
    with torch.no_grad():
        for part in parts or [""]:
            inside = [v for n, v in other.named_parameters() if not part or n == part or n.startswith(part + ".")]
            if not inside:
                names = [name for name, _ in other.named_children()]
                raise ValueError(f"no weight is in {part!r}; the model has the parts {', '.join(names)}")
            for value in inside:
                order = torch.randperm(value.numel(), generator=generator).to(value.device)
                value.copy_(value.reshape(-1)[order].view_as(value))
    return other
