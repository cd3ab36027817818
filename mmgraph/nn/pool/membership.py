"""The edges between clusters, from the edges between their members: S' A S for a sparse S, relation by relation."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.graph import FlatGraph
from mmgraph.graph.ragged import gather_rows, to_ptr
from mmgraph.nn.rewire import Edit, FeatureRows, WeightedGraph, without_edges
from mmgraph.ops.reference import destinations


@dataclass(frozen=True, eq=False)
class Membership:
    """A sparse S: which old nodes go into which new ones.

    Attributes:
        counts: new nodes of each modality in each graph.
        member: flat old node of each entry.
        cluster: flat new node of each entry.
        share: value of each entry.
    """

    counts: Int[Tensor, "modalities graphs"]
    member: Int[Tensor, " entries"]
    cluster: Int[Tensor, " entries"]
    share: Float[Tensor, " entries"]


def coarse_graph(
    graph: FlatGraph,
    edge_weight: Float[Tensor, "edges 1"],
    assigned: Membership,
    *,
    extra: tuple[Int[Tensor, " added"], Int[Tensor, " added"], Int[Tensor, " added"]],
    loops: Bool[Tensor, " relations"],
) -> WeightedGraph:
    """Clusters, and an edge where an edge joins their members; its weight is the sum of share x weight x share.

    Edge features become the mean of those of the edges behind a coarse edge, by what each adds to its weight.

    Args:
        graph: the graph of the members.
        edge_weight: weights of its edges.
        assigned: the clusters.
        extra: source, destination and relation of edges of weight 1 that count too.
        loops: for each relation, whether a cluster may be joined with itself.
    """
    counts, member, cluster, share = assigned.counts, assigned.member, assigned.cluster, assigned.share
    relations, clusters = len(graph.features), int(counts.sum())
    src = torch.cat([graph.src.long(), extra[0]])
    dst = torch.cat([destinations(graph.rowptr), extra[1]])
    relation = torch.cat([graph.relation.long(), extra[2]])
    weight = torch.cat([edge_weight[:, 0], edge_weight.new_ones(extra[0].numel())])
    edge, to = _spread(dst, member, graph.rowptr.numel() - 1)
    part, at = _spread(src[edge], member, graph.rowptr.numel() - 1)
    edge, to = edge[part], to[part]
    a, b = cluster[at], cluster[to]
    kept = loops[relation[edge]] | (a != b)
    edge, a, b = edge[kept], a[kept], b[kept]
    value = share[at[kept]] * weight[edge] * share[to[kept]]
    key, entry = torch.unique((b * relations + relation[edge]) * clusters + a, return_inverse=True)
    coarse = value.new_zeros(key.numel()).index_add(0, entry, value)
    pair = key // max(1, clusters)
    ends = (key - pair * clusters, pair // max(1, relations), pair % max(1, relations))
    features = [_mean_features(graph, r, edge, entry, value, relation.numel()) for r in range(relations)]
    result, place = Edit(without_edges(counts, relations)).add_edges(*ends, relations, features)
    return WeightedGraph(result, torch.zeros_like(coarse).index_copy(0, place, coarse).unsqueeze(1))


def _spread(nodes: Tensor, member: Tensor, num_nodes: int) -> tuple[Tensor, Tensor]:
    """Every entry of every one of `nodes`: the place in `nodes`, and the entry."""
    order, ptr = member.argsort(stable=True), to_ptr(torch.bincount(member, minlength=num_nodes))
    counts = ptr.diff()[nodes]
    rows, _ = gather_rows(ptr[nodes], counts)
    return torch.arange(nodes.numel(), device=nodes.device).repeat_interleave(counts), order[rows]


def _mean_features(
    graph: FlatGraph, relation: int, edge: Tensor, entry: Tensor, value: Tensor, num_edges: int
) -> FeatureRows | None:
    """The coarse edges of a relation behind which an edge with features is, and the mean features."""
    rows, features = graph.feature_edges[relation], graph.features[relation]
    if rows is None or features is None:
        return None
    row = torch.full((num_edges,), -1, device=edge.device)
    row[rows] = torch.arange(rows.numel(), device=edge.device)
    has = row[edge] >= 0
    place, inverse = torch.unique(entry[has], return_inverse=True)
    weight = value[has].unsqueeze(1).to(features.dtype)
    weighted = torch.cat([features[row[edge[has]]] * weight, weight], 1)
    total = features.new_zeros(place.numel(), weighted.shape[1]).index_add(0, inverse, weighted)
    return place, total[:, :-1] / total[:, -1:].clamp(min=torch.finfo(features.dtype).tiny)
