"""`GraphBatch`: graphs over one schema. A data set, a mini-batch and a single graph are all this one type."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from mmgraph.graph import check
from mmgraph.graph.edges import EdgeList
from mmgraph.graph.flat import FlatGraph, flatten
from mmgraph.graph.nodes import NodeSet
from mmgraph.graph.schema import GraphSchema, Relation
from mmgraph.graph.store import EdgeStore
from mmgraph.graph.target import Target
from mmgraph.graph.texts import Texts

if TYPE_CHECKING:
    from networkx import MultiDiGraph
    from torch_geometric.data import HeteroData


@dataclass(frozen=True, eq=False)
class GraphBatch:
    """An immutable ragged collection of heterogeneous graphs over one schema.

    Indexing with an int, a slice, a bool mask or an index tensor gives a `GraphBatch` again (slices are views). A graph
    that lacks a modality is ordinary and changes nothing about the others. Make one with `GraphBatch.build`,
    `GraphBatch.single` or a `GraphBuilder`: they check everything; the bare constructor checks nothing. `==` asks for
    the same object, `equal` for the same content.

    Attributes:
        schema: modalities, relations, attributes and targets, the same for every graph.
        ids: a name per sample.
        nodes: a `NodeSet` per modality of the schema.
        edges: the edges of all relations.
        targets: a `Target` per target of the schema.

    Example:
        >>> graph = GraphBatch.single(
        ...     {"image": torch.rand(2, 4), "text": torch.rand(3, 5)},
        ...     {("text", "with", "image"): torch.tensor([[0, 1, 2], [0, 0, 1]])},
        ... )
        >>> pair = GraphBatch.concat([graph, graph])
        >>> pair
        GraphBatch(2 graphs; nodes: image 4x4, text 6x5; edges: text-with-image 6)
        >>> pair[1].num_graphs, pair.flat.src.tolist()
        (1, [4, 5, 6, 7, 8, 9])
    """

    schema: GraphSchema
    ids: Texts
    nodes: Mapping[str, NodeSet]
    edges: EdgeStore
    targets: Mapping[str, Target] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", MappingProxyType(dict(self.nodes)))
        object.__setattr__(self, "targets", MappingProxyType(dict(self.targets)))

    @classmethod
    def build(
        cls,
        schema: GraphSchema,
        nodes: Mapping[str, NodeSet],
        edges: Mapping[Relation, EdgeList],
        targets: Mapping[str, Target | Tensor] | None = None,
        ids: Sequence[str] | Texts | None = None,
    ) -> "GraphBatch":
        """A checked batch, made on the CPU. Relations that are not given have no edge.

        Args:
            schema: what the graphs are made of.
            nodes: a `NodeSet` per modality; a modality that is not given is absent from every graph.
            edges: an `EdgeList` per relation, sorted by (graph, destination).
            targets: values with one row per graph (or node), or `Target`s with a mask.
            ids: one name per graph; "0", "1", ... if not given.

        Raises:
            ValueError: naming sample, modality or relation, and value, for anything that does not fit the schema: wrong
                sizes or dtypes, features of several dtypes, NaN or infinite features, edges out of range or order, a
                span that ends before it starts, a box outside 0..1, a graph without any node, no graph at all.
        """
        from mmgraph.graph.build import build_batch

        return build_batch(schema, nodes, edges, targets or {}, ids)

    @classmethod
    def single(
        cls,
        x: Mapping[str, Tensor],
        edge_index: Mapping[Relation, Int[Tensor, "2 _"]],
        *,
        schema: GraphSchema | None = None,
        attributes: Mapping[str, Mapping[str, Tensor | Sequence[str]]] | None = None,
        edge_features: Mapping[Relation, Tensor] | None = None,
        targets: Mapping[str, Target | Tensor] | None = None,
        id: str = "0",
    ) -> "GraphBatch":
        """One graph from plain tensors, as in PyG: `edge_index[0]` sources, `edge_index[1]` destinations, any order.

        Without `schema` one is made from what is given, with targets of the graph only. A graph's target is given
        without a leading axis, one of nodes (`Field.of` in the schema) as a row per node, a `Target` as its rows.
        Raises ValueError as `build` does.
        """
        from mmgraph.graph.single import single_graph

        return single_graph(x, edge_index, schema, attributes or {}, edge_features or {}, targets or {}, id)

    @classmethod
    def concat(cls, batches: Sequence["GraphBatch"]) -> "GraphBatch":
        """All graphs of `batches`, in order. Raises ValueError if there is none or schemas or feature dtypes differ."""
        if not batches:
            raise ValueError("nothing to concatenate: give at least one GraphBatch")
        first = batches[0]
        for number, batch in enumerate(batches):
            if batch.schema != first.schema:
                raise ValueError(f"batch {number} has another schema than batch 0: {batch.schema} and {first.schema}")
            if batch.dtype != first.dtype:
                raise ValueError(f"batch {number} has {batch.dtype} features, batch 0 {first.dtype}; use .double()")
        counts = [[nodes.num_nodes for nodes in batch.nodes.values()] for batch in batches]
        return cls(
            first.schema,
            Texts.concat([batch.ids for batch in batches]),
            {m: NodeSet.concat([batch.nodes[m] for batch in batches]) for m in first.schema.modalities},
            EdgeStore.concat([batch.edges for batch in batches], counts),
            {name: Target.concat([batch.targets[name] for batch in batches]) for name in first.schema.targets},
        )

    @classmethod
    def from_pyg(cls, graphs: Sequence["HeteroData"], schema: GraphSchema | None = None) -> "GraphBatch":
        """Graphs of PyTorch Geometric, see `mmgraph.graph.pyg.from_pyg`."""
        from mmgraph.graph.pyg import from_pyg

        return from_pyg(graphs, schema)

    @classmethod
    def from_networkx(cls, graphs: Sequence["MultiDiGraph"], schema: GraphSchema) -> "GraphBatch":
        """Graphs of networkx, see `mmgraph.graph.networkx.from_networkx`."""
        from mmgraph.graph.networkx import from_networkx

        return from_networkx(graphs, schema)

    @classmethod
    def load(cls, path: str | Path, *, verify: bool = False) -> "GraphBatch":
        """Graphs from a file that `save` wrote, see `mmgraph.graph.storage.load`."""
        from mmgraph.graph.storage import load

        return load(path, verify=verify)

    def to_pyg(self) -> list["HeteroData"]:
        """One `HeteroData` per graph, see `mmgraph.graph.pyg.to_pyg`."""
        from mmgraph.graph.pyg import to_pyg

        return to_pyg(self)

    def to_networkx(self) -> list["MultiDiGraph"]:
        """One `MultiDiGraph` per graph, see `mmgraph.graph.networkx.to_networkx`."""
        from mmgraph.graph.networkx import to_networkx

        return to_networkx(self)

    def save(self, path: str | Path) -> None:
        """Writes one safetensors file, see `mmgraph.graph.storage.save`."""
        from mmgraph.graph.storage import save

        save(self, path)

    @property
    def num_graphs(self) -> int:
        """How many graphs there are; `len()` says the same."""
        return len(self.ids)

    @property
    def num_edges(self) -> int:
        """Edges of all graphs and relations together."""
        return self.edges.num_edges

    @property
    def num_nodes(self) -> int:
        """Nodes of all graphs and modalities together."""
        return self.edges.degree.numel()

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.edges.src.device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of node and edge features: float32 or float64."""
        return next(iter(self.nodes.values())).x.dtype

    @cached_property
    def node_ptr(self) -> Int[Tensor, "modalities graphs_plus_one"]:
        """Node pointers of every modality."""
        return torch.stack([nodes.ptr for nodes in self.nodes.values()])

    @cached_property
    def present(self) -> Bool[Tensor, "graphs modalities"]:
        """Whether a graph has at least one node of a modality."""
        return (self.node_ptr.diff(dim=1) > 0).T

    @cached_property
    def flat(self) -> FlatGraph:
        """The view that layers read, derived once."""
        return flatten(self.edges, self.node_ptr, tuple(nodes.num_nodes for nodes in self.nodes.values()))

    def relation(self, relation: Relation) -> EdgeList:
        """The edges of one relation. Raises ValueError for an unknown one."""
        self.schema.relation_id(relation)
        return self._lists[relation]

    @cached_property
    def _lists(self) -> dict[Relation, EdgeList]:
        return self.edges.split(self.node_ptr)

    def select(self, graphs: Int[Tensor, " selected"]) -> "GraphBatch":
        """The graphs at the given positions (0 or more), in that order, repeats allowed."""
        from mmgraph.graph.select import select_graphs

        return select_graphs(self, graphs)

    def map(self, change: Callable[[Tensor], Tensor]) -> "GraphBatch":
        """The same graphs with `change` applied to every tensor once, those of the flat view too if it was derived."""
        done: dict[int, Tensor] = {}

        def once(tensor: Tensor) -> Tensor:  # the flat view shares tensors with the edges
            if id(tensor) not in done:
                done[id(tensor)] = change(tensor)
            return done[id(tensor)]

        batch = GraphBatch(
            self.schema,
            self.ids.map(once),
            {modality: nodes.map(once) for modality, nodes in self.nodes.items()},
            self.edges.map(once),
            {name: target.map(once) for name, target in self.targets.items()},
        )
        if "flat" in self.__dict__:
            batch.__dict__["flat"] = self.flat.map(once)
        return batch

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "GraphBatch":
        """The same graphs on `device`, the flat view with them."""
        return self.map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> "GraphBatch":
        """The same graphs in page-locked memory, for fast copies to a GPU."""
        return self.map(lambda tensor: tensor.pin_memory())

    def double(self) -> "GraphBatch":
        """The same graphs with node and edge features in float64."""
        nodes = {m: NodeSet(n.x.double(), n.ptr, n.attributes) for m, n in self.nodes.items()}
        e = self.edges
        features = {relation: value.double() for relation, value in e.features.items()}
        edges = EdgeStore(e.schema, e.ptr, e.src, e.relation, e.degree, e.relation_ptr, features)
        return GraphBatch(self.schema, self.ids, nodes, edges, self.targets)

    def equal(self, other: "GraphBatch") -> bool:
        """Whether both hold exactly the same; `mmgraph.graph.compare.difference` says what differs."""
        from mmgraph.graph.compare import difference

        return difference(self, other) is None

    def __len__(self) -> int:
        return self.num_graphs

    def __iter__(self) -> Iterator["GraphBatch"]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: SupportsIndex | slice | Tensor | np.ndarray | Sequence[SupportsIndex]) -> "GraphBatch":
        from mmgraph.graph.select import narrow_graphs

        run = check.run(index, len(self))
        return narrow_graphs(self, *run) if run else self.select(check.positions(index, len(self)).to(self.device))

    def __repr__(self) -> str:
        nodes = ", ".join(f"{name} {n.num_nodes:,}x{n.x.shape[1]}" for name, n in self.nodes.items())
        counts = zip(self.schema.edge_types, self.edges.relation_ptr[:, -1].tolist(), strict=True)
        edges = ", ".join(f"{'-'.join(relation)} {count:,}" for relation, count in counts) or "none"
        targets = f"; targets: {', '.join(self.targets)}" if self.targets else ""
        graphs = f"{self.num_graphs:,} graph{'s' * (self.num_graphs != 1)}"
        return f"GraphBatch({graphs}; nodes: {nodes}; edges: {edges}{targets})"

    def _repr_html_(self) -> str:
        from mmgraph.graph.html import batch_html

        return batch_html(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return GraphBatch, (self.schema, self.ids, dict(self.nodes), self.edges, dict(self.targets))
