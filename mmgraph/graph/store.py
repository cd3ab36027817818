"""`EdgeStore`: the edges of all relations of many graphs in the one order that layers read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph.edges import EdgeList
from mmgraph.graph.ragged import compact, gather_rows, index_dtype, row_ptr, running_ptr, take_rows, to_ptr
from mmgraph.graph.schema import GraphSchema, Relation


@dataclass(frozen=True, eq=False)
class EdgeStore:
    """Edges sorted by (destination modality, graph, destination, relation), with endpoints local to graph and modality.

    Attributes:
        schema: names the modalities and relations.
        ptr: edges into modality m of graph g are rows `ptr[m, g]` to `ptr[m, g + 1]`, int64 [modalities, graphs + 1].
        src: source node, counted within its graph and modality, int32 [edges].
        relation: relation id, int32 [edges].
        degree: edges into each node, nodes ordered by (modality, graph), int32 [nodes].
        relation_ptr: edges of relation r before graph g, int64 [relations, graphs + 1].
        features: per relation that has edge features: [edges of the relation, channels], in the order of its edges
            here.
    """

    schema: GraphSchema
    ptr: Int[Tensor, "modalities graphs_plus_one"]
    src: Int[Tensor, " edges"]
    relation: Int[Tensor, " edges"]
    degree: Int[Tensor, " nodes"]
    relation_ptr: Int[Tensor, "relations graphs_plus_one"]
    features: Mapping[Relation, Float[Tensor, "_ _"]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", MappingProxyType(dict(self.features)))

    @classmethod
    def merge(
        cls, schema: GraphSchema, node_ptr: Int[Tensor, "modalities graphs_plus_one"], lists: Sequence[EdgeList]
    ) -> "EdgeStore":
        """One sorted list from one `EdgeList` per relation of the schema, in linear time."""
        parts = [_merge_into(schema, modality, node_ptr[m], lists) for m, modality in enumerate(schema.modalities)]
        no_relation = torch.zeros_like(node_ptr[:0])
        return cls(
            schema,
            running_ptr(torch.stack([part.counts for part in parts])),
            torch.cat([part.src for part in parts]),
            torch.cat([part.relation for part in parts]),
            torch.cat([part.degree for part in parts]),
            torch.stack([edges.ptr for edges in lists]) if lists else no_relation,
            {
                relation: edges.features
                for relation, edges in zip(schema.edge_types, lists, strict=True)
                if edges.features is not None
            },
        )

    @classmethod
    def concat(cls, stores: Sequence["EdgeStore"], node_counts: Sequence[Sequence[int]]) -> "EdgeStore":
        """The graphs of all stores, in order; `node_counts[s][m]` are the nodes of modality m in store s."""
        schema = stores[0].schema
        parts: list[list[tuple[Tensor, ...]]] = [[] for _ in schema.modalities]
        for store, counts in zip(stores, node_counts, strict=True):
            ends, first = store.ptr[:, -1].tolist(), 0
            for m, (start, stop) in enumerate(zip([0, *ends], ends, strict=False)):
                rows = slice(start, stop)
                parts[m].append((store.src[rows], store.relation[rows], store.degree[first : first + counts[m]]))
                first += counts[m]
        in_order = [part for modality_parts in parts for part in modality_parts]
        src, relation, degree = (torch.cat(pieces) for pieces in zip(*in_order, strict=True))
        return cls(
            schema,
            running_ptr(torch.cat([store.ptr.diff(dim=1) for store in stores], 1)),
            src,
            relation,
            degree,
            row_ptr(torch.cat([store.relation_ptr.diff(dim=1) for store in stores], 1)),
            {name: torch.cat([store.features[name] for store in stores]) for name in stores[0].features},
        )

    @property
    def num_edges(self) -> int:
        """Edges of all graphs and relations together."""
        return self.src.numel()

    @cached_property
    def by_relation(self) -> tuple[Int[Tensor, "_"], ...]:
        """Per relation the rows of its edges here, int64, in their order."""
        small = self.relation.to(torch.uint8) if len(self.schema.edge_types) <= 256 else self.relation
        return torch.argsort(small, stable=True).split(self.relation_ptr[:, -1].tolist())

    def select(self, graphs: Int[Tensor, " selected"], degree: Int[Tensor, " nodes"]) -> "EdgeStore":
        """The edges of the given graphs, whose nodes have the given `degree`."""
        starts = self.ptr[:, graphs]
        counts = self.ptr[:, graphs + 1] - starts
        rows, _ = gather_rows(starts.reshape(-1), counts.reshape(-1), index_dtype(self.num_edges))
        relation_starts = self.relation_ptr[:, graphs]
        relation_counts = self.relation_ptr[:, graphs + 1] - relation_starts
        return EdgeStore(
            self.schema,
            running_ptr(counts),
            self.src.index_select(0, rows),
            self.relation.index_select(0, rows),
            degree,
            row_ptr(relation_counts),
            self._select_features(relation_starts, relation_counts),
        )

    def narrow(self, start: int, stop: int, degree: Int[Tensor, " nodes"]) -> "EdgeStore":
        """The edges of the graphs from `start` to before `stop`, whose nodes have the given `degree`."""
        rows = [slice(*ends) for ends in self.ptr[:, [start, stop]].tolist()]
        feature_ends = self.relation_ptr[:, [start, stop]].tolist()
        features = {
            relation: value[slice(*feature_ends[self.schema.relation_id(relation)])]
            for relation, value in self.features.items()
        }
        relation_ptr = self.relation_ptr[:, start : stop + 1]
        return EdgeStore(
            self.schema,
            running_ptr(self.ptr[:, start : stop + 1].diff(dim=1)),
            torch.cat([self.src[part] for part in rows]),
            torch.cat([self.relation[part] for part in rows]),
            degree,
            relation_ptr - relation_ptr[:, :1],
            features,
        )

    def split(self, node_ptr: Int[Tensor, "modalities graphs_plus_one"]) -> dict[Relation, EdgeList]:
        """One `EdgeList` per relation again: the inverse of `merge`."""
        counts = node_ptr.diff(dim=1).reshape(-1)
        local, _ = gather_rows(torch.zeros_like(counts), counts, torch.int32)
        dst = local.repeat_interleave(self.degree, output_size=self.num_edges)
        return {
            relation: EdgeList(
                self.relation_ptr[r],
                self.src.index_select(0, rows),
                dst.index_select(0, rows),
                self.features.get(relation),
            )
            for r, (relation, rows) in enumerate(zip(self.schema.edge_types, self.by_relation, strict=True))
        }

    def map(self, change: Callable[[Tensor], Tensor]) -> "EdgeStore":
        """The same edges with `change` applied to every tensor."""
        features = {relation: change(value) for relation, value in self.features.items()}
        ptr, src, relation = change(self.ptr), change(self.src), change(self.relation)
        return EdgeStore(self.schema, ptr, src, relation, change(self.degree), change(self.relation_ptr), features)

    def _select_features(self, starts: Tensor, counts: Tensor) -> dict[Relation, Tensor]:
        """Feature rows of the graphs whose edges of relation r are rows `starts[r]` and on, `counts[r]` of them."""
        if not self.features:
            return {}
        ids = [self.schema.relation_id(relation) for relation in self.features]
        largest = max(value.shape[0] for value in self.features.values())
        rows, _ = gather_rows(starts[ids].reshape(-1), counts[ids].reshape(-1), index_dtype(largest))
        parts = rows.split(counts[ids].sum(1).tolist())
        return {
            relation: take_rows(value, part)
            for (relation, value), part in zip(self.features.items(), parts, strict=True)
        }

    def __reduce__(self) -> tuple[Any, ...]:
        e = self.map(compact)
        return EdgeStore, (e.schema, e.ptr, e.src, e.relation, e.degree, e.relation_ptr, dict(e.features))


@dataclass(frozen=True)
class _Part:
    """Edges into one modality."""

    counts: Tensor  # [graphs]
    src: Tensor  # [edges]
    relation: Tensor  # [edges]
    degree: Tensor  # [nodes]


def _merge_into(schema: GraphSchema, modality: str, node_ptr: Tensor, lists: Sequence[EdgeList]) -> _Part:
    """Places every edge by counting: edges before its (destination, relation) group, plus its rank within the group."""
    ids, device = schema.into(modality), node_ptr.device
    nodes, num_graphs = int(node_ptr[-1]), node_ptr.numel() - 1
    if not ids:
        none = torch.zeros(0, dtype=torch.int32, device=device)
        return _Part(node_ptr.new_zeros(num_graphs), none, none, torch.zeros(nodes, dtype=torch.int32, device=device))
    rows = [lists[r].dst + node_ptr[lists[r].graph] for r in ids]  # flat destination of each edge
    degrees = torch.stack([torch.bincount(row, minlength=nodes) for row in rows], 1)  # [nodes, relations]
    first = to_ptr(degrees.reshape(-1))[:-1].view_as(degrees)
    total = sum(row.numel() for row in rows)
    src = torch.empty(total, dtype=torch.int32, device=device)
    relation = torch.empty(total, dtype=torch.int32, device=device)
    for column, (r, row) in enumerate(zip(ids, rows, strict=True)):
        rank = torch.arange(row.numel(), device=device) - to_ptr(degrees[:, column])[row]
        place = first[row, column] + rank
        src[place] = lists[r].src
        relation[place] = r
    counts = torch.stack([lists[r].ptr.diff() for r in ids]).sum(0)
    return _Part(counts, src, relation, degrees.sum(1).to(torch.int32))
