"""`ASAPool`: every node with its neighbours is a cluster, and the fittest clusters are the nodes of a smaller graph."""

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.by_name import ByName
from mmgraph.nn.linear import Linear
from mmgraph.nn.pool.coarsened import Coarsened, Ratio, check_coarsening, room_of, segment_of_nodes
from mmgraph.nn.pool.membership import Membership, coarse_graph
from mmgraph.nn.pool.runs import all_rows
from mmgraph.nn.ranking import highest
from mmgraph.nn.rewire import Edit
from mmgraph.ops.reference import destinations


class ASAPool(nn.Module):
    r"""Adaptive structure-aware pooling (Ranjan et al. 2020, arXiv 1911.07979), with clusters within modalities.

    A cluster is a node i and its neighbours N(i) over all relations within its modality, itself among them.

    .. math:: \alpha_{ij} = softmax_{j \in N(i)} LeakyReLU(w_m \cdot [W_m \max_{j \in N(i)} x_j \Vert x_j]), \quad
        x^c_i = \sum_j \alpha_{ij} x_j

    .. math:: \phi_i = \sigma(\theta_3 x^c_i + \sum_{j \in N(i)} (\theta_1 x^c_j - \theta_2 x^c_i)), \quad
        x'_i = \phi_i \, x^c_i \text{ for the highest } \phi_i

    Clusters are joined in each relation by the edges between their members, weighted by :math:`S^T A S`; within a
    modality those that share a member too, as in the paper. Edge features are averaged; an edge that only a shared
    member makes has none. Equal to PyG's `ASAPooling` on graphs of one modality and one relation, and new weights have
    a gradient, which PyG 2.8 does not give.

    Args:
        schema: names modalities and relations.
        channels: channels of the nodes.
        ratio: share of the clusters of a modality in a graph that stays, rounded up (a float), or their number (an
            int).
        negative_slope: slope of LeakyReLU below 0.

    Raises:
        ValueError: if there are no channels, or the ratio keeps no node.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.rand(4, 3), "b": torch.rand(1, 3)},
        ...                           {("a", "to", "b"): torch.tensor([[0, 1, 2, 3], [0, 0, 0, 0]])})
        >>> pooled = ASAPool(graph.schema, 3, 0.5)({name: nodes.x for name, nodes in graph.nodes.items()}, graph.flat)
        >>> pooled.graph.num_nodes, pooled.edge_weight.flatten().tolist()
        ((2, 1), [1.0, 1.0])
    """

    def __init__(self, schema: GraphSchema, channels: int, ratio: Ratio = 0.5, *, negative_slope: float = 0.2) -> None:
        super().__init__()
        check_coarsening(schema, channels, ratio)
        self.modalities, self.ratio, self.negative_slope = tuple(schema.modalities), ratio, negative_slope
        self.within = tuple(src == dst for src, _, dst in schema.edge_types)
        self.sources = tuple(schema.modality_id(src) for src, _, _ in schema.edge_types)
        # Without a relation within its modality a node is alone in its cluster, and no attention would be trained.
        joined = [m for m in self.modalities if any(relation[0] == m == relation[2] for relation in schema.edge_types)]
        self.query = ByName({name: Linear(channels, channels) for name in joined})
        self.of_query = ByName({name: Linear(channels, 1, bias=False) for name in joined})  # halves of w
        self.of_member = ByName({name: Linear(channels, 1) for name in joined})
        self.fitness = nn.ModuleList(Linear(channels, 3) for _ in self.modalities)  # theta 1, 2, 3

    def forward(
        self,
        x: Mapping[str, Float[Tensor, "_ channels"]],
        graph: FlatGraph,
        edge_weight: Float[Tensor, "edges 1"] | None = None,
    ) -> Coarsened:
        """The clusters that stay."""
        rows = all_rows(self.modalities, x)
        weight = rows.new_ones(graph.src.shape[0], 1) if edge_weight is None else edge_weight
        within = torch.tensor([*self.within, False], device=rows.device)
        not_loop = ~within[graph.relation.long()] | (graph.src != destinations(graph.rowptr))
        graph, weight = Edit(graph).keep_edges(not_loop), weight[not_loop]  # every node has one of its own below
        member, centre = self._clusters(graph, within)
        alpha = self._attention(rows, graph, member, centre)
        clusters = torch.zeros_like(rows).index_add(0, centre, rows[member] * alpha.unsqueeze(1))
        fitness = self._fitness(clusters, graph, member, centre)
        segment = segment_of_nodes(graph)
        kept = highest(fitness, segment, room_of(graph, self.ratio))
        entries = kept[centre]
        member, cluster, share = member[entries], (kept.cumsum(0) - 1)[centre[entries]], alpha[entries]
        counts = torch.bincount(segment[kept], minlength=graph.segment.numel() - 1).view(len(self.modalities), -1)
        assigned = Membership(counts, member, cluster, share)
        coarse = coarse_graph(graph, weight, assigned, extra=self._own(graph), loops=~within[:-1])
        new = (clusters[kept] * fitness[kept].unsqueeze(1)).split(coarse.graph.num_nodes)
        x = dict(zip(self.modalities, new, strict=True))
        return Coarsened(x, coarse.graph, coarse.edge_weight, member, cluster, share, {})

    def _clusters(self, graph: FlatGraph, within: Tensor) -> tuple[Int[Tensor, " entries"], Int[Tensor, " entries"]]:
        """Members and centres: a node is in its own cluster, and in those that its edges within its modality enter."""
        edges = within[graph.relation.long()]
        own = torch.arange(sum(graph.num_nodes), device=edges.device)
        dst = destinations(graph.rowptr)
        return torch.cat([graph.src[edges].long(), own]), torch.cat([dst[edges], own])

    def _own(self, graph: FlatGraph) -> tuple[Tensor, Tensor, Tensor]:
        """Source, destination, relation of an edge from each node to itself, in each relation within its modality."""
        nodes = torch.arange(sum(graph.num_nodes), device=graph.src.device)
        of = nodes.split(graph.num_nodes)
        intra = [r for r, within in enumerate(self.within) if within]
        ends = torch.cat([nodes[:0], *(of[self.sources[r]] for r in intra)])
        ids = torch.cat([nodes[:0], *(torch.full_like(of[self.sources[r]], r) for r in intra)])
        return ends, ends, ids

    def _attention(self, rows: Tensor, graph: FlatGraph, member: Tensor, centre: Tensor) -> Tensor:
        index = centre.unsqueeze(1).expand(-1, rows.shape[1])
        largest = torch.zeros_like(rows).scatter_reduce(0, index, rows[member], "amax", include_self=False)
        at_centre, at_member = [], []
        tops, parts = largest.split(graph.num_nodes), rows.split(graph.num_nodes)
        for name, top, part in zip(self.modalities, tops, parts, strict=True):
            alone = name not in self.query
            at_centre.append(
                torch.zeros_like(part[:, 0]) if alone else self.of_query[name](self.query[name](top)).squeeze(1)
            )
            at_member.append(torch.zeros_like(part[:, 0]) if alone else self.of_member[name](part).squeeze(1))
        logits = torch.cat(at_centre)[centre] + torch.cat(at_member)[member]
        logits = nn.functional.leaky_relu(logits, self.negative_slope)
        top = torch.full_like(rows[:, 0], -torch.inf).scatter_reduce(0, centre, logits.detach(), "amax")
        shifted = (logits - top[centre]).exp()
        return shifted / torch.zeros_like(top).index_add(0, centre, shifted)[centre]

    def _fitness(self, clusters: Tensor, graph: FlatGraph, member: Tensor, centre: Tensor) -> Tensor:
        parts = zip(self.fitness, clusters.split(graph.num_nodes), strict=True)
        of_member, of_centre, own = torch.cat([linear(part) for linear, part in parts]).unbind(1)
        return own.index_add(0, centre, of_member[member] - of_centre[centre]).sigmoid()
