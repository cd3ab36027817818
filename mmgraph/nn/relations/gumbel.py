"""`GumbelEdges`: edges drawn at random while a model trains, the likeliest ones when it is evaluated."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mmgraph.graph import FlatGraph, GraphSchema, Relation
from mmgraph.nn.linear import Linear
from mmgraph.nn.relations.candidates import check_budget, check_inputs, choose, ends, pairs_of
from mmgraph.nn.relations.rewired import Rewired, declare, join
from mmgraph.nn.relations.similarity import cosine, straight_through


class GumbelEdges(nn.Module):
    r"""Draws k sources for each node, without replacement, from a learned distribution over all of them.

    .. math:: \ell_{ji} = c_r \cos(K_r x_j, Q_r x_i), \quad j \in top_k(\ell_{\cdot i} + g_{\cdot i}), \quad
        w_{ji} = 1 \text{ with the gradient of } softmax_j((\ell_{ji} + g_{ji}) / \tau)

    with Gumbel noise g from torch's generator: the Gumbel-top-k trick (Kool et al. 2019, arXiv 1903.06059), used for
    graphs by Kazi et al. (2020, arXiv 2002.04999), with the relaxation of Jang et al. (2017, arXiv 1611.01144). The
    gradient reaches the scores of sources that were not drawn too. In eval there is no noise. Lower `temperature` in
    training (it is a plain attribute) for gradients that are nearer to the draws and noisier.

    Args:
        schema: of the data. A relation that it lacks is put behind its own; `self.schema` is what convs are made for.
        relations: the relations to learn. Edges of the data in one of them stay, unless `replace`.
        channels: channels of all nodes.
        k: edges into a node, at most, of each relation.
        per_graph: edges in a graph, at most, of each relation.
        temperature: of the softmax whose gradient the weights have.
        loops: within a modality, whether a node may be connected with itself.
        replace: whether the edges of the data in these relations are dropped.

    Raises:
        ValueError: on sizes below 1, a temperature that is not above 0, no relation or one that is given twice or names
            an unknown modality; in `forward` if features and graph do not fit.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> batch = GraphBatch.single({"audio": torch.rand(5, 8), "text": torch.rand(3, 8)}, {})
        >>> learn = GumbelEdges(batch.schema, [("audio", "learned", "text")], 8, k=2)
        >>> rewired = learn({name: nodes.x for name, nodes in batch.nodes.items()}, batch.flat)
        >>> rewired.graph.src.numel(), rewired.edge_weight.unique().tolist()
        (6, [1.0])
    """

    def __init__(
        self,
        schema: GraphSchema,
        relations: Sequence[Relation],
        channels: int,
        *,
        k: int,
        per_graph: int | None = None,
        temperature: float = 1.0,
        loops: bool = False,
        replace: bool = False,
    ) -> None:
        super().__init__()
        check_budget(k, per_graph, channels)
        if not temperature > 0:
            raise ValueError(f"temperature is above 0, got {temperature}")
        self.schema, self.learned_relations = declare(schema, relations), tuple(relations)
        self.channels, self.k, self.per_graph = channels, k, per_graph
        self.temperature, self.loops, self.replace = temperature, loops, replace
        self.source = nn.ModuleList(Linear(channels, channels, bias=False) for _ in relations)
        self.target = nn.ModuleList(Linear(channels, channels, bias=False) for _ in relations)
        self.log_scale = nn.Parameter(
            torch.full((len(relations),), 2.0)
        )  # about 7: cosines alone would be near uniform

    def forward(self, x: Mapping[str, Float[Tensor, "_ channels"]], graph: FlatGraph | Rewired) -> Rewired:
        """The graph with the edges that were drawn.

        Args:
            x: node features of every modality.
            graph: the data's graph, or what a learned relation has made of it; its edges of the same relations that
                were learned before are replaced.
        """
        former = Rewired.of(graph, torch.promote_types(next(iter(x.values())).dtype, torch.float32))
        check_inputs(self.schema, self.channels, x, former.graph)
        found = []
        for i, relation in enumerate(self.learned_relations):
            r, src, dst = ends(self.schema, relation)
            pairs = pairs_of(former.graph, src, dst, loops=self.loops)
            cosines = cosine(pairs, self.source[i](x[relation[0]]), self.target[i](x[relation[2]]))
            logits = self.log_scale[i].exp() * cosines.to(former.edge_weight.dtype)
            if self.training:
                logits = logits + gumbel_like(logits)
            share = masked_softmax(logits / self.temperature, pairs.possible)
            kept = choose(logits, pairs.possible, self.k, self.per_graph)
            found.append(pairs.found(kept, r, straight_through(share), share))
        return join(former, found, len(self.schema.edge_types), replace=self.replace)


def gumbel_like(values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Gumbel noise from torch's generator."""
    return -torch.empty_like(values, requires_grad=False).exponential_().log()


def masked_softmax(logits: Float[Tensor, "*shape n"], mask: Bool[Tensor, "*shape n"]) -> Float[Tensor, "*shape n"]:
    """Softmax over the last axis of the entries at which `mask` holds, zeros elsewhere and where it holds nowhere.

    Example:
        >>> masked_softmax(torch.zeros(2, 2), torch.tensor([[True, True], [False, False]])).tolist()
        [[0.5, 0.5], [0.0, 0.0]]
    """
    return logits.masked_fill(~mask, torch.finfo(logits.dtype).min).softmax(-1) * mask
