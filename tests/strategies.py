"""Graphs of every kind for hypothesis, and a slow, obvious way to read a batch.

Sizes, names and structure are drawn (and shrunk) by hypothesis, values come from a torch generator with a drawn seed.
Every value is exact in float32, so that conversions through Python numbers can be compared exactly.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from mmgraph.graph import (
    STANDARD_ATTRIBUTES,
    EdgeList,
    Field,
    GraphBatch,
    GraphSchema,
    NodeSet,
    Relation,
    Target,
    Texts,
)

MODALITIES = ("image", "text", "sound/größe")
WORDS = ("", "a", "größer", "two words", '"quoted"', "\n", "日本", "x" * 40)
ATTRIBUTES = {
    **STANDARD_ATTRIBUTES,
    "token": Field("int64", num_classes=5),
    "colour": Field("uint8", (3,)),
    "seen": Field("bool"),
    "pose": Field("float32", (2, 2)),
    "note": Field("text"),
}
GRAPH_TARGETS = {
    "label": Field("int64", num_classes=3),
    "score": Field("float32", (2,)),
    "votes": Field("int32"),
    "done": Field("bool"),
}
NODE_TARGETS = {"tag": Field("int64", num_classes=4), "gaze": Field("float64", (2,))}


@st.composite
def schemas(draw: st.DrawFn, *, max_modalities: int = 3, max_relations: int = 5) -> GraphSchema:
    """Schemas with 1 to 3 modalities, 0 to 5 relations, attributes, edge features and targets of all dtypes."""
    channels = draw(st.lists(st.integers(0, 3), min_size=1, max_size=max_modalities))
    known = MODALITIES[: len(channels)]
    relation = st.tuples(st.sampled_from(known), st.sampled_from(["near", "with"]), st.sampled_from(known))
    relations = draw(st.lists(relation, max_size=max_relations, unique=True))
    features = draw(st.integers(0, 3 ** len(relations) - 1))  # for each relation 0 to 2 names: a digit of this number
    names = {r: ("distance", "angle")[: features // 3**i % 3] for i, r in enumerate(relations)}
    some = st.tuples(st.sampled_from(known), st.sampled_from(sorted(ATTRIBUTES)))
    attributes: dict[str, dict[str, Field]] = {modality: {} for modality in known}
    for modality, name in draw(st.lists(some, max_size=4, unique=True)):
        attributes[modality][name] = ATTRIBUTES[name]
    targets = {}
    for name in draw(st.lists(st.sampled_from([*GRAPH_TARGETS, *NODE_TARGETS]), max_size=3, unique=True)):
        targets[name] = GRAPH_TARGETS.get(name) or replace(NODE_TARGETS[name], of=known[-1])
    return GraphSchema(dict(zip(known, channels, strict=True)), names, attributes, targets)


@st.composite
def batches(
    draw: st.DrawFn, schema: GraphSchema | None = None, *, min_graphs: int = 1, max_graphs: int = 4, max_nodes: int = 3
) -> GraphBatch:
    """Batches with absent modalities, empty relations, parallel edges, self loops, masked targets, of both dtypes."""
    schema = schema or draw(schemas())
    one_graph = st.tuples(*[st.integers(0, max_nodes)] * len(schema.modalities)).filter(any)
    counts = draw(st.lists(one_graph, min_size=min_graphs, max_size=max_graphs))
    masked, double = draw(st.booleans()), draw(st.booleans())
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
    of = {modality: [count[i] for count in counts] for i, modality in enumerate(schema.modalities)}
    nodes = {
        modality: NodeSet(
            _numbers((sum(of[modality]), channels), generator),
            _ptr(of[modality]),
            {
                name: attribute_values(name, field, sum(of[modality]), generator)
                for name, field in schema.attributes[modality].items()
            },
        )
        for modality, channels in schema.modalities.items()
    }
    edges = {relation: _edges(relation, schema, of, generator) for relation in schema.edge_types}
    targets = {}
    for name, field in schema.targets.items():
        rows = len(counts) if field.of is None else sum(of[field.of])
        values = attribute_values(name, field, rows, generator)
        assert isinstance(values, Tensor)
        mask = torch.rand(rows, generator=generator) < (0.5 if masked else 2.0)
        values[~mask] = float("nan") if values.is_floating_point() else values.new_tensor(7 if field.num_classes else 0)
        targets[name] = Target(values, mask)
    ids = [f"{WORDS[i]}-{g}" for g, i in enumerate(torch.randint(len(WORDS), (len(counts),), generator=generator))]
    batch = GraphBatch.build(schema, nodes, edges, targets, ids)
    return batch.double() if double else batch


def attribute_values(name: str, field: Field, rows: int, generator: torch.Generator) -> Tensor | Texts:
    """Values that fit a field and, where it has one, the fixed meaning of its name."""
    if field.dtype == "text":
        return Texts.of(WORDS[i] for i in torch.randint(len(WORDS), (rows,), generator=generator).tolist())
    if name == "span":
        return _numbers((rows, 2), generator).abs().sort(dim=1).values
    if name == "box":
        return (_numbers((rows, 2, 2), generator).abs() / 4).sort(dim=1).values.reshape(rows, 4)
    if field.dtype.startswith("float"):
        return _numbers((rows, *field.shape), generator).to(getattr(torch, field.dtype))
    if field.dtype == "bool":
        return torch.rand(rows, *field.shape, generator=generator) < 0.5
    largest = field.num_classes or 100
    return torch.randint(largest, (rows, *field.shape), generator=generator, dtype=getattr(torch, field.dtype))


def _edges(relation: Relation, schema: GraphSchema, of: dict[str, list[int]], generator: torch.Generator) -> EdgeList:
    """Up to 4 edges in each graph that has nodes of both modalities, in every third relation none at all."""
    ends = torch.tensor([of[relation[0]], of[relation[2]]]).T  # [graphs, 2]
    most = int(torch.randint(3, (1,), generator=generator)) * 2
    counts = torch.randint(most + 1, (len(ends),), generator=generator) * (ends > 0).all(1)
    graph = torch.arange(len(ends)).repeat_interleave(counts)
    src, dst = (torch.rand(len(graph), 2, generator=generator, dtype=torch.float64) * ends[graph]).long().unbind(1)
    channels = schema.edge_channels(relation)
    features = _numbers((len(graph), channels), generator) if channels else None
    return EdgeList.sort(graph, src, dst, features, num_graphs=len(ends))


def _numbers(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randint(-16, 17, shape, generator=generator) / 4


def _ptr(counts: Sequence[int]) -> Tensor:
    return torch.tensor([0, *counts]).cumsum(0)


def read(batch: GraphBatch) -> list[dict[str, Any]]:
    """What each graph holds, with plain loops over the arrays as their docstrings describe them."""
    schema, edges = batch.schema, batch.edges
    graphs: list[dict[str, Any]] = []
    first_node = 0
    for g in range(batch.num_graphs):
        graphs.append({"id": batch.ids[g], "nodes": {}, "edges": {r: [] for r in schema.edge_types}, "targets": {}})
        for modality, nodes in batch.nodes.items():
            rows = range(int(nodes.ptr[g]), int(nodes.ptr[g + 1]))
            columns: dict[str, Any] = {"x": nodes.x, **nodes.attributes}
            graphs[g]["nodes"][modality] = [{name: plain(column[i]) for name, column in columns.items()} for i in rows]
        for name, target in batch.targets.items():
            of = schema.targets[name].of
            rows = (
                range(g, g + 1) if of is None else range(int(batch.nodes[of].ptr[g]), int(batch.nodes[of].ptr[g + 1]))
            )
            graphs[g]["targets"][name] = [(bool(target.mask[i]), plain(target.values[i])) for i in rows]
    for m, (modality, nodes) in enumerate(batch.nodes.items()):
        for g in range(batch.num_graphs):
            e = int(edges.ptr[m, g])
            for dst, i in enumerate(range(int(nodes.ptr[g]), int(nodes.ptr[g + 1]))):
                for _ in range(int(edges.degree[first_node + i])):
                    relation = schema.edge_types[int(edges.relation[e])]
                    assert relation[2] == modality
                    graphs[g]["edges"][relation].append([int(edges.src[e]), dst])
                    e += 1
            assert e == int(edges.ptr[m, g + 1])
        first_node += nodes.num_nodes
    for relation, features in edges.features.items():
        row = iter(features.tolist())
        for graph in graphs:
            graph["edges"][relation] = [[*ends, next(row)] for ends in graph["edges"][relation]]
    return graphs


def plain(value: Tensor | str) -> Any:
    """A tensor as (nested) numbers, with NaN as None, so that it equals itself."""
    if isinstance(value, str):
        return value
    numbers = value.tolist()
    if isinstance(numbers, list):
        return [plain(part) for part in value]
    return None if numbers != numbers else numbers
