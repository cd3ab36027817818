"""`MetricEdges`: a graph from a learned metric, refined from layer to layer."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mmgraph.graph import FlatGraph, GraphSchema, Relation
from mmgraph.nn.relations.candidates import Pairs, check_budget, check_inputs, choose, ends, pairs_of
from mmgraph.nn.relations.rewired import Rewired, declare, join
from mmgraph.nn.relations.similarity import cosine
from mmgraph.ops.reference import destinations


class MetricEdges(nn.Module):
    r"""Weighted edges by a learned metric, mixed with those that the layer before has found.

    .. math:: s_{ji} = \tfrac1P \sum_{p=1}^{P} \cos(u_p \odot x_j, v_p \odot x_i), \quad
        w_{ji} = \eta \, s_{ji} + (1 - \eta) \, w'_{ji}

    Edges of weight above epsilon stay, at most k into a node. The metric, epsilon and the mixing are those of IDGL
    (Chen et al. 2020, arXiv 2006.13009), which mixes with the first layer's graph; here w' are the weights that came
    with the graph, 0 for pairs that it did not connect. Give each block its own `MetricEdges`, or all the same one.
    Within a modality u = v, so that weights are symmetric, as in the paper. The edges are weighted by w itself, the
    gradient runs through all layers before.

    Args:
        schema: of the data. A relation that it lacks is put behind its own; `self.schema` is what convs are made for.
        relations: the relations to learn. Edges of the data in one of them stay, unless `replace`.
        channels: channels of all nodes.
        k: edges into a node, at most, of each relation.
        per_graph: edges in a graph, at most, of each relation; those with the highest weights stay.
        perspectives: P, how many weight vectors the metric averages over.
        epsilon: least weight of an edge.
        eta: share of this layer's metric in graphs that came with learned edges of the relation.
        loops: within a modality, whether a node may be connected with itself.
        replace: whether the edges of the data in these relations are dropped.

    Raises:
        ValueError: on sizes below 1, an epsilon or eta outside 0..1, no relation or one that is given twice or names an
            unknown modality; in `forward` if features and graph do not fit.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> batch = GraphBatch.single({"audio": torch.rand(5, 8), "text": torch.rand(3, 8)}, {})
        >>> first, second = (MetricEdges(batch.schema, [("audio", "learned", "text")], 8, k=2) for _ in range(2))
        >>> x = {name: nodes.x for name, nodes in batch.nodes.items()}
        >>> rewired = second(x, first(x, batch.flat))
        >>> rewired.graph.rowptr.diff().tolist()
        [0, 0, 0, 0, 0, 2, 2, 2]
    """

    def __init__(
        self,
        schema: GraphSchema,
        relations: Sequence[Relation],
        channels: int,
        *,
        k: int,
        per_graph: int | None = None,
        perspectives: int = 4,
        epsilon: float = 0.0,
        eta: float = 0.5,
        loops: bool = False,
        replace: bool = False,
    ) -> None:
        super().__init__()
        check_budget(k, per_graph, channels)
        if perspectives < 1 or not 0 <= epsilon < 1 or not 0 <= eta <= 1:
            raise ValueError(
                f"perspectives is at least 1, epsilon in 0..1 below 1, eta in 0..1; got {perspectives=}, {epsilon=}, "
                f"{eta=}"
            )
        self.schema, self.learned_relations = declare(schema, relations), tuple(relations)
        self.channels, self.k, self.per_graph = channels, k, per_graph
        self.epsilon, self.eta, self.loops, self.replace = epsilon, eta, loops, replace
        sizes = [1 if relation[0] == relation[2] else 2 for relation in relations]
        self.metric = nn.ParameterList(torch.empty(size, perspectives, channels) for size in sizes)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the weight vectors anew, around 1: at first the metric is nearly the cosine."""
        for weight in self.metric:
            nn.init.normal_(weight, mean=1.0, std=0.5)

    def forward(self, x: Mapping[str, Float[Tensor, "_ channels"]], graph: FlatGraph | Rewired) -> Rewired:
        """The graph with the edges of the metric.

        Args:
            x: node features of every modality.
            graph: the data's graph, or what the layer before has made of it; edges of the same relations that were
                learned there are mixed with the new ones and replaced.
        """
        former = Rewired.of(graph, torch.promote_types(next(iter(x.values())).dtype, torch.float32))
        check_inputs(self.schema, self.channels, x, former.graph)
        found = []
        for relation, metric in zip(self.learned_relations, self.metric, strict=True):
            r, src, dst = ends(self.schema, relation)
            pairs = pairs_of(former.graph, src, dst, loops=self.loops)
            score = cosine(pairs, _seen(x[relation[0]], metric[0]), _seen(x[relation[2]], metric[-1]))
            before, has = weights_before(former, r, pairs)
            eta = torch.where(has, self.eta, 1.0).to(before.dtype).view(-1, 1, 1)
            weight = eta * score.to(before.dtype) + (1 - eta) * before
            possible = pairs.possible & (weight.detach() > self.epsilon)
            kept = choose(weight, possible, self.k, self.per_graph)
            found.append(pairs.found(kept, r, weight, weight))
        return join(former, found, len(self.schema.edge_types), replace=self.replace)


def _seen(x: Tensor, weights: Tensor) -> Tensor:
    """Each node from every perspective, side by side, each of length 1: their cosine is the mean of the cosines."""
    return nn.functional.normalize(x.unsqueeze(1) * weights, dim=2).flatten(1)


def weights_before(
    former: Rewired, relation: int, pairs: Pairs
) -> tuple[Float[Tensor, "graphs destinations sources"], Bool[Tensor, " graphs"]]:
    """The weights of the learned edges of one relation, 0 where there is none, and which graphs have some."""
    edges = (former.learned & (former.graph.relation == relation)).nonzero().squeeze(1)
    src, dst = former.graph.src[edges].long(), destinations(former.graph.rowptr)[edges]
    graph = torch.searchsorted(pairs.first_dst, dst, right=True) - 1
    # A graph without destinations starts where the next one does; the last that starts at or before a node holds it.
    at = (graph, dst - pairs.first_dst[graph], src - pairs.first_src[graph])
    weight = former.edge_weight.new_zeros(pairs.possible.shape)
    has = torch.zeros_like(pairs.first_dst, dtype=torch.bool).index_fill_(0, graph, True)
    return weight.index_put(at, former.edge_weight[edges, 0]), has
