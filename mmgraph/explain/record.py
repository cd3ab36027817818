"""`AttentionRecord`: the attention of one forward pass, edge by edge, in the terms of the samples."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.explain.nodes import NodeRef, SingleGraph, destinations, edges_of, find_graph, locate, node_refs
from mmgraph.graph import FlatGraph, GraphBatch, Relation

if TYPE_CHECKING:
    import networkx
    import pandas


@dataclass(frozen=True, eq=False)
class LayerAttention:
    """The attention of one conv in one forward pass.

    With `scope="relation"` alpha sums to one over the edges of each relation into a node, so weights of different
    relations cannot be compared; with `scope="node"` it sums to one over all edges into a node, and they can. A learned
    relation is kept in the same form with `scope="score"`: the edges that it found, and for alpha the score, 0..1, that
    each was chosen by.

    Attributes:
        name: the conv's name within the model, as in `named_modules`.
        scope: "relation" or "node"; "score" of a learned relation.
        relations: names of the relation ids in `graph`.
        alpha: weight of each edge per head, without dropout.
        graph: the graph that the conv saw; a learned relation adds edges to the batch's own.
        edge_weight: what the conv multiplied alpha with after the softmax, or None.

    Example:
        >>> batch = GraphBatch.single({"text": torch.rand(2, 3)}, {("text", "next", "text"): torch.tensor([[0], [1]])})
        >>> layer = LayerAttention("conv", "node", batch.schema.edge_types, torch.tensor([[0.25, 0.75]]), batch.flat)
        >>> layer.mean.tolist()
        [0.5]
    """

    name: str
    scope: str
    relations: tuple[Relation, ...]
    alpha: Float[Tensor, "edges heads"]
    graph: FlatGraph
    edge_weight: Float[Tensor, "edges weight_heads"] | None = None

    @property
    def mean(self) -> Float[Tensor, " edges"]:
        """The mean of alpha over heads."""
        return self.alpha.mean(1)

    def require_one_softmax(self) -> None:
        """Refuses to compare weights of different relations unless one softmax spans all edges into a node.

        Raises:
            ValueError: if the scope is not "node" and some modality is entered by more than one relation; it says how
                to get a model whose weights can be compared.
        """
        into = [relation[2] for relation in self.relations]
        if self.scope != "node" and len(set(into)) < len(into):
            if self.scope == "score":
                raise ValueError(
                    f"{self.name!r} is a learned relation: scores of different relations come from weights of their "
                    "own and cannot be compared; compare the alpha of a conv with scope='node' that reads its edges"
                )
            raise ValueError(
                f"layer {self.name!r} has scope={self.scope!r}: its alpha sums to one within each relation, so weights "
                "of different relations cannot be added up or compared; build the model with scope='node' and train it "
                "anew: one softmax then spans all edges into a node. Within one relation, weights compare as they are"
            )


@dataclass(frozen=True, eq=False)
class PoolAttention:
    """The attention of one pooling layer in one forward pass.

    Attributes:
        name: the pool's name within the model.
        alpha: weight of each node per head; sums to one within each (modality, graph), so that weights of nodes of
            different modalities cannot be compared, or within each graph where the pool has `span="graph"`.

    Example:
        >>> PoolAttention("pool", torch.tensor([[0.25], [0.75]])).mean.tolist()
        [0.25, 0.75]
    """

    name: str
    alpha: Float[Tensor, "nodes heads"]

    @property
    def mean(self) -> Float[Tensor, " nodes"]:
        """The mean of alpha over heads."""
        return self.alpha.mean(1)


@dataclass(frozen=True)
class AttentionEdge:
    """One edge and its attention weights.

    Attributes:
        layer: name of the conv.
        scope: "relation" or "node": what alpha sums to one over.
        relation: the relation that the edge belongs to.
        graph: id of the sample.
        source: the node that is attended to.
        destination: the node that attends.
        alpha: weight per head.
        mean: their mean.

    Example:
        >>> edge = AttentionEdge("conv", "node", ("text", "next", "text"), "s1", NodeRef("text", 0, "two"),
        ...                      NodeRef("text", 1, "dogs"), (0.25, 0.75))
        >>> edge.mean, f"{edge.destination.label} attends to {edge.source.label}"
        (0.5, 'dogs attends to two')
    """

    layer: str
    scope: str
    relation: Relation
    graph: str
    source: NodeRef
    destination: NodeRef
    alpha: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean of alpha over heads."""
        return sum(self.alpha) / len(self.alpha)

    @property
    def cross_modal(self) -> bool:
        """Whether its ends are of different modalities."""
        return self.source.modality != self.destination.modality


@dataclass(frozen=True, eq=False)
class AttentionRecord:
    """What `record_attention` keeps of one forward pass.

    Attributes:
        batch: what the model was called with.
        layers: the convs that have attention, in the order in which they ran.
        pools: the pools that have attention, likewise.
        learned: what learned relations found, likewise.

    Example:
        >>> batch = GraphBatch.single({"text": torch.rand(2, 3)}, {("text", "next", "text"): torch.tensor([[0], [1]])},
        ...                           attributes={"text": {"text": ["two", "dogs"]}}, id="s1")
        >>> layer = LayerAttention("conv", "node", batch.schema.edge_types, torch.ones(1, 2), batch.flat)
        >>> record = AttentionRecord(batch, (layer,), ())
        >>> [(e.relation[1], e.source.label, e.destination.label, e.alpha) for e in record.edges(record.find("s1"))]
        [('next', 'two', 'dogs', (1.0, 1.0))]
    """

    batch: GraphBatch
    layers: tuple[LayerAttention, ...]
    pools: tuple[PoolAttention, ...]
    learned: tuple[LayerAttention, ...] = ()

    def find(self, sample: str) -> int:
        """The number of the graph that was made from the sample with this id.

        Raises:
            ValueError: if the batch has no such sample, or several.
        """
        return find_graph(self.batch, sample)

    def layer(self, index: int) -> LayerAttention:
        """A recorded conv; negative numbers count from the last.

        Raises:
            ValueError: if there is no such layer, or if it saw other nodes than the batch has.
        """
        if not -len(self.layers) <= index < len(self.layers):
            raise ValueError(f"no layer {index}: the record has {[layer.name for layer in self.layers]}")
        return self._checked(self.layers[index])

    def _checked(self, layer: LayerAttention) -> LayerAttention:
        if not torch.equal(layer.graph.segment, self.batch.flat.segment):
            raise ValueError(
                f"layer {layer.name!r} saw {int(layer.graph.segment[-1])} nodes, the batch has {self.batch.num_nodes}: "
                "the model changed the nodes before this layer, so its edges cannot be traced to the sample; "
                "record only models that keep their nodes"
            )
        return layer

    def edges(self, graph: int, layer: int | None = None) -> list[AttentionEdge]:
        """The edges of one graph, of one layer or (None) of all, in the order of `FlatGraph`.

        Raises:
            ValueError: if there is no such graph or layer.
        """
        if not 0 <= graph < self.batch.num_graphs:
            raise ValueError(f"no graph {graph}: the batch has {self.batch.num_graphs}")
        chosen = range(len(self.layers)) if layer is None else [layer]
        return [edge for i in chosen for edge in self.name_edges(i, edges_of(self.layer(i).graph, graph))]

    def learned_edges(self, graph: int) -> list[AttentionEdge]:
        """The edges of one graph that learned relations found, relation after relation; alpha is their score.

        Raises:
            ValueError: if there is no such graph.
        """
        if not 0 <= graph < self.batch.num_graphs:
            raise ValueError(f"no graph {graph}: the batch has {self.batch.num_graphs}")
        found = [self._checked(part) for part in self.learned]
        return [edge for part in found for edge in self._name(part, edges_of(part.graph, graph))]

    def name_edges(self, layer: int, rows: Int[Tensor, " rows"]) -> list[AttentionEdge]:
        """Some edges of a layer, all of one graph, in the terms of the sample."""
        return self._name(self.layer(layer), rows)

    def _name(self, found: LayerAttention, rows: Tensor) -> list[AttentionEdge]:
        if rows.numel() == 0:
            return []
        graph = int(locate(found.graph, found.graph.src[rows[:1]].long())[0])
        one, sample = self.batch[graph], self.batch.ids[graph]
        refs = node_refs(one)
        # The sample's nodes in one list: modality after modality, as they stand in the flat graph of the sample alone.
        first = self.batch.flat.segment[graph :: self.batch.num_graphs][
            : len(self.batch.schema.modalities)
        ].contiguous()
        shift = first - one.flat.segment[:-1]

        def place(nodes: Tensor) -> list[int]:
            return (nodes - shift[torch.searchsorted(first, nodes, right=True) - 1]).tolist()

        src, dst = place(found.graph.src[rows].long()), place(destinations(found.graph)[rows])
        relation, alpha = found.graph.relation[rows].tolist(), found.alpha[rows].tolist()
        return [
            AttentionEdge(found.name, found.scope, found.relations[r], sample, refs[s], refs[d], tuple(a))
            for s, d, r, a in zip(src, dst, relation, alpha, strict=True)
        ]

    def single(self, graph: int) -> "AttentionRecord":
        """The record of one graph alone, as if the model had been called with `batch[graph]`.

        Raises:
            ValueError: if there is no such graph, or a layer saw other nodes than the batch has.
        """
        if not 0 <= graph < self.batch.num_graphs:
            raise ValueError(f"no graph {graph}: the batch has {self.batch.num_graphs}")

        def alone(found: LayerAttention) -> LayerAttention:
            one = SingleGraph.of(self._checked(found).graph, graph)
            weight = None if found.edge_weight is None else found.edge_weight[one.edges]
            return LayerAttention(found.name, found.scope, found.relations, found.alpha[one.edges], one.graph, weight)

        nodes = SingleGraph.of(self.batch.flat, graph).nodes
        pools = tuple(PoolAttention(pool.name, pool.alpha[nodes]) for pool in self.pools)
        layers, learned = (tuple(alone(found) for found in parts) for parts in (self.layers, self.learned))
        return AttentionRecord(self.batch[graph], layers, pools, learned)

    def to_frame(self) -> "pandas.DataFrame":
        """A pandas table with a row per layer, edge and head, of all graphs, learned relations behind the convs.

        Columns: layer, scope, graph, src_modality, relation, dst_modality, source, source_label, destination,
        destination_label, head, alpha; and of both ends (`source_`, `destination_`) what some node has: text, x1, y1,
        x2, y2 (in 0..1), start, end (in seconds), missing where a node has none. Compare weights between relations
        only within a layer whose scope is "node".

        Raises:
            ImportError: if pandas is not installed.
            ValueError: if the record has no layer.
        """
        from mmgraph.explain.export import frame

        return frame(self)

    def to_networkx(self, graph: int, layer: int = -1) -> "networkx.MultiDiGraph":
        """One graph and layer for networkx, with plain values only, so that GEXF and GraphML writers take it.

        Nodes are named "modality index" and carry modality, index, label and what they have of x1, y1, x2, y2, start,
        end. Edges carry relation, scope, weight (the mean over heads) and head_0, head_1, ...
        """
        from mmgraph.explain.export import network

        return network(self, graph, layer)

    def write(self, path: Path | str, graph: int, layer: int = -1) -> None:
        """Writes what `to_networkx` gives to a file for Gephi, yEd or Cytoscape: GEXF or GraphML, by its ending.

        Raises:
            ValueError: if the ending is neither .gexf nor .graphml, or if there is no such graph or layer.
        """
        from mmgraph.explain.export import write

        write(self, Path(path), graph, layer)

    def _repr_html_(self) -> str:
        from mmgraph.explain.record_html import record_html

        return record_html(self)
