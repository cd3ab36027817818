"""`SimilarityEdges`: every node gets edges from the nodes that are most like it, in learned projections."""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import FlatGraph, GraphSchema, Relation
from mmgraph.nn.linear import Linear
from mmgraph.nn.relations.candidates import Pairs, check_budget, check_inputs, choose, ends, pairs_of
from mmgraph.nn.relations.rewired import Rewired, declare, join

Weights = Literal["straight_through", "soft"]
"""Weights of learned edges: 1 with the gradient of the score, or the score itself."""


class SimilarityEdges(nn.Module):
    r"""Connects each node with the k most similar ones, dynamic k-nearest neighbours with a gradient.

    .. math:: s_{ji} = \tfrac12 (1 + \cos(K_r x_j, Q_r x_i)), \quad j \in top_k(s_{\cdot i})

    As Dynamic Graph CNN (Wang et al. 2019, arXiv 1801.07829) and ViG (Han et al. 2022, arXiv 2206.00272) rebuild their
    graph in every layer, but in learned projections, across modalities, and with weights that carry a gradient to the
    scores: "soft" weights are the scores, "straight_through" ones are 1 and have the gradient of the scores (Bengio
    et al. 2013, arXiv 1308.3432). Memory grows with graphs x most sources x most destinations of a graph.

    Args:
        schema: of the data. A relation that it lacks is put behind its own; `self.schema` is what convs are made for.
        relations: the relations to learn. Edges of the data in one of them stay, unless `replace`.
        channels: channels of all nodes.
        k: edges into a node, at most, of each relation.
        per_graph: edges in a graph, at most, of each relation; those with the highest scores stay.
        weights: see above.
        loops: within a modality, whether a node may be connected with itself.
        replace: whether the edges of the data in these relations are dropped.

    Raises:
        ValueError: on sizes below 1, unknown weights, no relation or one that is given twice or names an unknown
            modality; in `forward` if features and graph do not fit.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> from mmgraph.nn import GATConv
        >>> batch = GraphBatch.single({"audio": torch.rand(5, 8), "text": torch.rand(3, 8)}, {})
        >>> learn = SimilarityEdges(batch.schema, [("audio", "learned", "text")], 8, k=2)
        >>> x = {name: nodes.x for name, nodes in batch.nodes.items()}
        >>> rewired = learn(x, batch.flat)
        >>> rewired.graph.rowptr.diff().tolist()
        [0, 0, 0, 0, 0, 2, 2, 2]
        >>> GATConv(learn.schema, 8, 4)(x, rewired.graph, rewired.edge_weight)["text"].shape
        torch.Size([3, 4])
    """

    def __init__(
        self,
        schema: GraphSchema,
        relations: Sequence[Relation],
        channels: int,
        *,
        k: int,
        per_graph: int | None = None,
        weights: Weights = "straight_through",
        loops: bool = False,
        replace: bool = False,
    ) -> None:
        super().__init__()
        check_budget(k, per_graph, channels)
        if weights not in get_args(Weights):
            raise ValueError(f"weights is 'straight_through' or 'soft', got {weights!r}")
        self.schema, self.learned_relations = declare(schema, relations), tuple(relations)
        self.channels, self.k, self.per_graph = channels, k, per_graph
        self.weights, self.loops, self.replace = weights, loops, replace
        self.source = nn.ModuleList(Linear(channels, channels, bias=False) for _ in relations)
        self.target = nn.ModuleList(Linear(channels, channels, bias=False) for _ in relations)

    def forward(self, x: Mapping[str, Float[Tensor, "_ channels"]], graph: FlatGraph | Rewired) -> Rewired:
        """The graph with the edges that `x` suggests.

        Args:
            x: node features of every modality.
            graph: the data's graph, or what a learned relation has made of it; its edges of the same relations that
                were learned before are replaced.
        """
        former = Rewired.of(graph, torch.promote_types(next(iter(x.values())).dtype, torch.float32))
        check_inputs(self.schema, self.channels, x, former.graph)
        found = []
        for relation, source, target in zip(self.learned_relations, self.source, self.target, strict=True):
            r, src, dst = ends(self.schema, relation)
            pairs = pairs_of(former.graph, src, dst, loops=self.loops)
            score = (1 + cosine(pairs, source(x[relation[0]]), target(x[relation[2]]))) / 2
            kept = choose(score, pairs.possible, self.k, self.per_graph)
            found.append(pairs.found(kept, r, score if self.weights == "soft" else straight_through(score), score))
        return join(former, found, len(self.schema.edge_types), replace=self.replace)


def cosine(
    pairs: Pairs, src: Float[Tensor, "_ channels"], dst: Float[Tensor, "_ channels"]
) -> Float[Tensor, "graphs destinations sources"]:
    """Cosine similarity of all pairs; of a vector of zeros 0."""
    sources, destinations = pairs.pad(nn.functional.normalize(src), nn.functional.normalize(dst))
    return destinations @ sources.transpose(1, 2)


def straight_through(score: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Ones with the gradient of `score`.

    Example:
        >>> straight_through(torch.tensor([0.25])).tolist()
        [1.0]
    """
    return 1 + (score - score.detach())
