"""All pairs of nodes that a relation could connect, as one padded array for all graphs, and which of them to keep."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.graph import FlatGraph, GraphSchema, Relation
from mmgraph.nn.padding import pad
from mmgraph.nn.relations.rewired import Found


class Pairs(NamedTuple):
    """The candidates of one relation, [graphs, destinations, sources], padded to the largest graph.

    Attributes:
        first_src: flat number of the first source of each graph.
        first_dst: flat number of its first destination.
        ptr_src: pointers of the sources of each graph within their modality.
        ptr_dst: of the destinations.
        possible: where there are two nodes that may be connected.
    """

    first_src: Int[Tensor, " graphs"]
    first_dst: Int[Tensor, " graphs"]
    ptr_src: Int[Tensor, " graphs_plus_one"]
    ptr_dst: Int[Tensor, " graphs_plus_one"]
    possible: Bool[Tensor, "graphs destinations sources"]

    def pad(
        self, src: Float[Tensor, "_ channels"], dst: Float[Tensor, "_ channels"]
    ) -> tuple[Float[Tensor, "graphs sources channels"], Float[Tensor, "graphs destinations channels"]]:
        """Rows of all sources and destinations, graph by graph, zeros behind the last of each graph."""
        _, destinations, sources = self.possible.shape
        return pad(src, self.ptr_src, sources)[0], pad(dst, self.ptr_dst, destinations)[0]

    def found(
        self, kept: Bool[Tensor, "g d s"], relation: int, weight: Float[Tensor, "g d s"], score: Float[Tensor, "g d s"]
    ) -> Found:
        """The pairs kept as edges, by destination."""
        graph, dst, src = kept.nonzero(as_tuple=True)
        at = (graph, dst, src)
        return Found(self.first_src[graph] + src, self.first_dst[graph] + dst, relation, weight[at], score[at])


def pairs_of(graph: FlatGraph, source: int, destination: int, *, loops: bool) -> Pairs:
    """The candidates between two modalities, given by id.

    Args:
        graph: the nodes.
        source: modality id of the sources.
        destination: modality id of the destinations.
        loops: within a modality, whether a node may be connected with itself.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.zeros(2, 1)}, {})
        >>> pairs_of(graph.flat, 0, 0, loops=False).possible.tolist()
        [[[False, True], [True, False]]]
    """
    g = graph.num_graphs
    ptr_src, ptr_dst = (graph.segment[m * g : (m + 1) * g + 1] for m in (source, destination))
    counts_src, counts_dst = ptr_src.diff(), ptr_dst.diff()
    place_src, place_dst = (
        torch.arange(int(counts.max()) if g else 0, device=counts.device) for counts in (counts_src, counts_dst)
    )
    here_src, here_dst = place_src < counts_src[:, None], place_dst < counts_dst[:, None]
    possible = here_dst[:, :, None] & here_src[:, None, :]
    if source == destination and not loops:
        possible = possible & (place_dst[:, None] != place_src)
    return Pairs(ptr_src[:-1], ptr_dst[:-1], ptr_src - ptr_src[0], ptr_dst - ptr_dst[0], possible)


def choose(
    score: Float[Tensor, "graphs destinations sources"],
    possible: Bool[Tensor, "graphs destinations sources"],
    k: int,
    per_graph: int | None,
) -> Bool[Tensor, "graphs destinations sources"]:
    """Where the k highest scores of each destination are, and among them the highest of each graph.

    Example:
        >>> score = torch.tensor([[[0.1, 0.9, 0.5], [0.3, 0.2, 0.2]]])
        >>> choose(score, torch.ones_like(score, dtype=torch.bool), 2, 3).int().tolist()
        [[[0, 1, 1], [1, 0, 0]]]
    """
    score = score.detach()
    kept = _highest(score, possible, k)
    return kept if per_graph is None else _highest(score.flatten(1), kept.flatten(1), per_graph).view_as(kept)


def _highest(score: Tensor, possible: Tensor, k: int) -> Tensor:
    """True at the k highest possible entries of each row; among equal ones the first."""
    if k >= score.shape[-1]:
        return possible
    value = score.masked_fill(~possible, -torch.inf)
    limit = value.topk(k, dim=-1, sorted=False).values.amin(-1, keepdim=True)
    above = value > limit
    equal = (value == limit) & possible
    room = k - above.sum(-1, keepdim=True)
    return above | (equal & (equal.cumsum(-1) <= room))


def ends(schema: GraphSchema, relation: Relation) -> tuple[int, int, int]:
    """Ids of the relation and of the modalities at its ends."""
    return schema.relation_id(relation), schema.modality_id(relation[0]), schema.modality_id(relation[2])


def check_budget(k: int, per_graph: int | None, channels: int) -> None:
    """Raises ValueError for a budget that allows no edge, or no channels."""
    if k < 1 or channels < 1 or (per_graph is not None and per_graph < 1):
        raise ValueError(f"k, per_graph and channels are at least 1, got {k=}, {per_graph=}, {channels=}")


def check_inputs(schema: GraphSchema, channels: int, x: Mapping[str, Tensor], graph: FlatGraph) -> None:
    """Raises ValueError where `x` or `graph` are not what a learned relation was made for."""
    if len(graph.num_nodes) != len(schema.modalities) or len(graph.features) > len(schema.edge_types):
        raise ValueError(
            f"the graph has {len(graph.num_nodes)} modalities and {len(graph.features)} relations, the learned "
            f"relation was made for {len(schema.modalities)} and, with its own, {len(schema.edge_types)}"
        )
    for name, nodes in zip(schema.modalities, graph.num_nodes, strict=True):
        if name not in x:
            raise ValueError(f"x lacks the modality {name!r}; it has {list(x)}")
        if x[name].shape != (nodes, channels):
            raise ValueError(f"modality {name!r}: x has shape {list(x[name].shape)}, it takes [{nodes}, {channels}]")
