"""`Rewired`: a graph with learned edges in it, and how much each edge weighs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.graph import FlatGraph, GraphSchema, Relation
from mmgraph.nn.rewire import Edit


@dataclass(frozen=True, eq=False)
class Rewired:
    """What a learned relation gives and what it takes: any conv reads `conv(x, rewired.graph, rewired.edge_weight)`.

    A conv that divides by the sum of the weights into a node (`GCNConv`) gives the weight of its only edge no gradient.

    Attributes:
        graph: all edges, heuristic and learned, in the order of `FlatGraph`.
        edge_weight: multiplies what an edge brings, [edges, 1]; 1 for edges of the data.
        learned: which edges were learned, [edges].
        score: what an edge was chosen by, in 0..1, [edges, 1]; 1 for edges of the data. Differs from `edge_weight`
            where weights are straight-through.
    """

    graph: FlatGraph
    edge_weight: Float[Tensor, "edges 1"]
    learned: Bool[Tensor, " edges"]
    score: Float[Tensor, "edges 1"]

    @classmethod
    def of(cls, graph: "FlatGraph | Rewired", dtype: torch.dtype = torch.float32) -> "Rewired":
        """A graph without learned edges, all weights 1; one that has been rewired already stays as it is.

        Example:
            >>> from mmgraph.graph import GraphBatch
            >>> graph = GraphBatch.single({"a": torch.zeros(2, 1)}, {("a", "to", "a"): torch.tensor([[0], [1]])})
            >>> Rewired.of(graph.flat).edge_weight.tolist()
            [[1.0]]
        """
        if isinstance(graph, Rewired):
            return graph
        ones = torch.ones(graph.src.shape[0], 1, dtype=dtype, device=graph.src.device)
        return cls(graph, ones, torch.zeros_like(graph.src, dtype=torch.bool), ones)

    def keep(self, kept: Bool[Tensor, " edges"]) -> "Rewired":
        """The edges at which `kept` holds."""
        graph = Edit(self.graph).keep_edges(kept)
        return Rewired(graph, self.edge_weight[kept], self.learned[kept], self.score[kept])

    def map(self, change: Callable[[Tensor], Tensor]) -> "Rewired":
        """The same with `change` applied to every tensor."""
        return Rewired(self.graph.map(change), change(self.edge_weight), change(self.learned), change(self.score))


@dataclass(frozen=True, eq=False)
class Found:
    """Edges that a learned relation has found.

    Attributes:
        src: flat source nodes.
        dst: flat destination nodes.
        relation: their relation id.
        weight: their weight.
        score: what they were chosen by.
    """

    src: Int[Tensor, " found"]
    dst: Int[Tensor, " found"]
    relation: int
    weight: Float[Tensor, " found"]
    score: Float[Tensor, " found"]


def join(former: Rewired, found: Sequence[Found], num_relations: int, *, replace: bool) -> Rewired:
    """`former` with the edges found, in the place of those that were learned before in the same relations.

    Args:
        former: the graph so far.
        found: the new edges, one entry per relation.
        num_relations: relations of the result.
        replace: whether edges of the data in these relations go too.
    """
    ids = torch.tensor([part.relation for part in found], device=former.learned.device)
    dropped = torch.isin(former.graph.relation, ids.to(former.graph.relation.dtype))
    base = former.keep(~(dropped if replace else dropped & former.learned))
    src, dst = torch.cat([part.src for part in found]), torch.cat([part.dst for part in found])
    weight, score = torch.cat([part.weight for part in found]), torch.cat([part.score for part in found])
    counts = torch.tensor([part.src.numel() for part in found], device=ids.device)
    relation = ids.repeat_interleave(counts, output_size=src.numel())
    graph, place = Edit(base.graph).add_edges(src, dst, relation, num_relations)
    old = base.edge_weight
    values = torch.cat([torch.cat([old, base.score], 1), torch.stack([weight, score], 1).to(old.dtype)])
    placed = torch.zeros_like(values).index_copy(0, place, values)  # [edges, 2]
    learned = torch.cat([base.learned, torch.ones_like(src, dtype=torch.bool)])
    return Rewired(graph, placed[:, :1], torch.zeros_like(learned).index_copy_(0, place, learned), placed[:, 1:])


def declare(schema: GraphSchema, relations: Sequence[Relation]) -> GraphSchema:
    """The schema with those of the relations that it lacks behind its own.

    Raises:
        ValueError: if no relation is given, one is given twice, or one names an unknown modality.

    Example:
        >>> declare(GraphSchema({"a": 1}, [("a", "near", "a")]), [("a", "learned", "a")]).edge_types
        (('a', 'near', 'a'), ('a', 'learned', 'a'))
    """
    if not relations or len(set(relations)) < len(relations):
        raise ValueError(f"give the relations to learn, each once; got {list(relations)}")
    known = {relation: schema.edge_features(relation) for relation in schema.edge_types}
    added: dict[Relation, tuple[str, ...]] = {relation: () for relation in relations if relation not in known}
    if not added:
        return schema
    return GraphSchema(schema.modalities, {**known, **added}, schema.attributes, schema.targets)
