"""The edges between clusters when every node is in all of them: S' A S for a dense S, graph by graph."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.graph import FlatGraph
from mmgraph.nn.padding import pad
from mmgraph.nn.rewire import Edit, FeatureRows, WeightedGraph, graph_of_edges
from mmgraph.ops.reference import destinations


@dataclass(frozen=True, eq=False)
class Block:
    """A' of one relation, as [graphs, clusters, clusters, 1, or 1 + 1 + edge features], where it is not zero."""

    values: Float[Tensor, "graphs source_clusters target_clusters numbers"]
    joined: Bool[Tensor, " graphs"]


def ptr_of(graph: FlatGraph, modality: int) -> Int[Tensor, " graphs_plus_one"]:
    """Pointers of the nodes of each graph within the modality."""
    ptr = graph.segment[modality * graph.num_graphs : (modality + 1) * graph.num_graphs + 1]
    return ptr - ptr[0]


def per_graph(
    left: Float[Tensor, "nodes a"], right: Float[Tensor, "nodes b"], ptr: Int[Tensor, " graphs_plus_one"]
) -> Float[Tensor, "graphs a b"]:
    """What the transposed `left` times `right` is for the nodes of each graph."""
    length = int(ptr.diff().max()) if ptr.numel() > 1 else 0
    return pad(left, ptr, length)[0].transpose(1, 2) @ pad(right, ptr, length)[0]


def block_of(graph: FlatGraph, r: int, src: int, dst: int, shares: list[Tensor], weight: Tensor) -> Block:
    """S' A S of relation r: first A S, a row per source node, then S' of it, graph by graph."""
    edges = (graph.relation == r).nonzero().squeeze(1)
    first = [sum(graph.num_nodes[:m]) for m in (src, dst)]
    at_src, at_dst = graph.src[edges].long() - first[0], destinations(graph.rowptr)[edges] - first[1]
    numbers = weight[edges]
    rows, features = graph.feature_edges[r], graph.features[r]
    if rows is not None and features is not None:
        place = torch.empty_like(graph.src, dtype=torch.int64)
        place[edges] = torch.arange(edges.numel(), device=edges.device)
        own = torch.cat([torch.ones_like(features[:, :1]), features], 1) * weight[rows]
        numbers = torch.cat([numbers, own.new_zeros(edges.numel(), own.shape[1]).index_copy(0, place[rows], own)], 1)
    spread = (shares[dst][at_dst].unsqueeze(2) * numbers.unsqueeze(1)).flatten(1)  # [edges, clusters x numbers]
    brought = spread.new_zeros(graph.num_nodes[src], spread.shape[1]).index_add(0, at_src, spread)
    values = per_graph(shares[src], brought, ptr_of(graph, src))
    counts = torch.bincount(graph_of_edges(graph)[edges], minlength=graph.num_graphs)
    return Block(values.unflatten(2, (shares[dst].shape[1], -1)), counts > 0)


def edges_of_blocks(
    empty: FlatGraph, blocks: list[Block], ends: tuple[tuple[int, int], ...], like: Tensor
) -> WeightedGraph:
    """The coarse graph with an edge for every number in the blocks, and the weights of its edges."""
    none = empty.segment[:0]
    sources, targets, ids, weights = [none], [none], [none], [like.new_zeros(0, 1)]
    features: list[FeatureRows | None] = []
    begin = 0
    for r, (block, (src, dst)) in enumerate(zip(blocks, ends, strict=True)):
        graph = block.joined.nonzero()
        values = block.values[block.joined].transpose(1, 2)  # [joined graphs, targets, sources, numbers]
        _, to, of, numbers = values.shape
        source = empty.segment[src * empty.num_graphs + graph] + torch.arange(of, device=graph.device)
        target = empty.segment[dst * empty.num_graphs + graph] + torch.arange(to, device=graph.device)
        sources.append(source.unsqueeze(1).expand(-1, to, -1).flatten())
        targets.append(target.unsqueeze(2).expand(-1, -1, of).flatten())
        ids.append(torch.full_like(sources[-1], r))
        flat = values.flatten(0, 2)
        weights.append(flat[:, :1])
        place = torch.arange(begin, begin + len(flat), device=graph.device)
        begin += len(flat)
        mean = flat[:, 2:] / flat[:, 1:2].clamp(min=torch.finfo(flat.dtype).tiny)
        features.append((place, mean) if numbers > 1 else None)
    parts = (torch.cat(sources), torch.cat(targets), torch.cat(ids))
    coarse, place = Edit(empty).add_edges(*parts, len(ends), features)
    weight = torch.cat(weights)
    return WeightedGraph(coarse, torch.zeros_like(weight).index_copy(0, place, weight))


def squares(graph: FlatGraph, r: int, weight: Tensor) -> Tensor:
    """The sum over all pairs of nodes of a graph of A squared; parallel edges are one number of A."""
    edges = (graph.relation == r).nonzero().squeeze(1)
    pair = destinations(graph.rowptr)[edges] * sum(graph.num_nodes) + graph.src[edges]
    pairs, entry = torch.unique(pair, return_inverse=True)
    total = weight.new_zeros(pairs.numel()).index_add(0, entry, weight[edges, 0])
    of = graph_of_edges(graph)[edges]
    owner = torch.zeros_like(pairs).index_copy_(0, entry, of)
    return weight.new_zeros(graph.num_graphs).index_add(0, owner, total.square())
