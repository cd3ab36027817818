"""`AttentionPruning`: of each graph, the edges that get most attention."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.graph import FlatGraph
from mmgraph.nn.ranking import highest, share_of
from mmgraph.nn.relations.rewired import Rewired
from mmgraph.nn.relations.similarity import straight_through
from mmgraph.nn.rewire import graph_of_edges
from mmgraph.ops.reference import destinations


@dataclass(frozen=True)
class AttentionPruning:
    """Keeps the share of each graph's edges that has the highest attention, for the layers behind.

    The pruning of MTAG (Yang et al. 2021, arXiv 2010.11985), by the mean over heads, but within each graph: what stays
    of a graph does not depend on the others in its batch. A graph that has edges keeps at least one. Weights of kept
    edges are what they were, with the gradient of their attention (straight-through). Give it the attention of a conv
    with `scope="node"`; otherwise alpha is 1 for the only edge of a relation into a node.

    Args:
        keep: share of edges that stays in each graph, rounded up.
        k: edges into a node, at most; None for any number.

    Raises:
        ValueError: on a share outside 0..1 or 0, a k below 1; when called, if alpha has not a row per edge.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> edges = {("a", "to", "a"): torch.tensor([[0, 1, 2], [0, 0, 0]])}
        >>> graph = GraphBatch.single({"a": torch.zeros(3, 1)}, edges).flat
        >>> AttentionPruning(0.6)(torch.tensor([[0.2], [0.5], [0.3]]), graph).graph.src.tolist()
        [1, 2]
    """

    keep: float = 0.8
    k: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1 or (self.k is not None and self.k < 1):
            raise ValueError(f"keep is above 0 and at most 1, k at least 1 or None; got keep={self.keep}, k={self.k}")

    def __call__(self, alpha: Float[Tensor, "edges heads"], graph: FlatGraph | Rewired) -> Rewired:
        """The graph without the edges that get least attention.

        Args:
            alpha: attention of each edge, as `conv.attention(x, graph)` gives it.
            graph: the graph that the conv saw.
        """
        former = Rewired.of(graph, torch.promote_types(alpha.dtype, torch.float32))
        if alpha.shape[0] != former.learned.shape[0]:
            raise ValueError(f"alpha has {alpha.shape[0]} rows, the graph {former.learned.shape[0]} edges")
        score = alpha.mean(1).to(former.edge_weight.dtype)
        group = graph_of_edges(former.graph)
        counts = torch.bincount(group, minlength=former.graph.num_graphs)
        kept = highest(score, group, share_of(self.keep, counts))
        if self.k is not None:
            kept &= highest(score, destinations(former.graph.rowptr), torch.full_like(former.graph.rowptr[1:], self.k))
        weight = former.edge_weight * straight_through(score).unsqueeze(1)
        return Rewired(former.graph, weight, former.learned, former.score).keep(kept)
