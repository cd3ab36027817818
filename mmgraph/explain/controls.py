"""Controls: attributions that know nothing of the model. A method that is not better than these explains nothing."""

from dataclasses import dataclass

import torch
from torch import nn

from mmgraph.explain.attribution import Attribution
from mmgraph.explain.nodes import destinations
from mmgraph.explain.score import Score
from mmgraph.graph import GraphBatch


@dataclass(frozen=True)
class RandomScores:
    """Uniform random numbers for nodes and edges.

    Args:
        seed: of the draws.

    Example:
        >>> graphs = GraphBatch.single({"text": torch.rand(2, 3)}, {})
        >>> RandomScores(seed=1)(nn.Identity(), graphs, lambda outputs, graph: outputs).nodes.shape
        torch.Size([2])
    """

    seed: int = 0

    def __call__(self, model: nn.Module, graphs: GraphBatch, score: Score) -> Attribution:
        """The attribution; model and score are not looked at."""
        generator = torch.Generator().manual_seed(self.seed)
        nodes, edges = (torch.rand(n, generator=generator) for n in (graphs.num_nodes, graphs.num_edges))
        device = graphs.device
        return Attribution("random", "a random number", graphs, nodes=nodes.to(device), edges=edges.to(device))


@dataclass(frozen=True)
class FeatureNorm:
    """How much is there at all: the length of a node's feature vector, for an edge the product over its two ends.

    Divided by the mean length of its modality in `graphs`, so that units do not decide; nodes without features
    (tokens) count 1. Edges so scored have nothing to do with the model, yet look sensible: they are the control for
    methods that would give every model the same edges.

    Example:
        >>> graphs = GraphBatch.single({"text": torch.tensor([[1.0], [3.0]])}, {})
        >>> FeatureNorm()(nn.Identity(), graphs, lambda outputs, graph: outputs).nodes.tolist()
        [0.5, 1.5]
    """

    def __call__(self, model: nn.Module, graphs: GraphBatch, score: Score) -> Attribution:
        """The attribution; model and score are not looked at."""
        parts = []
        for nodes in graphs.nodes.values():
            length = nodes.x.norm(dim=1)
            mean = length.mean() if length.numel() else length.sum()
            parts.append(length / mean if bool(mean > 0) else torch.ones_like(length))
        lengths, flat = torch.cat(parts), graphs.flat
        edges = lengths[flat.src.long()] * lengths[destinations(flat)]
        return Attribution("feature norm", "length of the feature vector", graphs, nodes=lengths, edges=edges)
