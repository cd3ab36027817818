import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor
from torch_geometric.data import Batch, HeteroData

from mmgraph.graph import Field, GraphBatch, GraphSchema, Target
from mmgraph.graph.compare import difference
from mmgraph.graph.pyg import from_pyg, to_pyg
from tests.strategies import batches, read

WITH = ("text", "with", "image")


def same(one: HeteroData, other: HeteroData) -> bool:
    """Whether two graphs have the same keys and values, whatever the order of keys."""

    def equal(left: Any, right: Any) -> bool:
        if isinstance(left, dict):
            return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
        if isinstance(left, Tensor):
            return left.dtype == right.dtype and torch.allclose(left, right, rtol=0, atol=0, equal_nan=True)
        return type(left) is type(right) and left == right

    return equal(one.to_dict(), other.to_dict())


@pytest.mark.unchecked
@given(batches())
def test_both_ways_round_give_back_exactly_what_was_given(batch: GraphBatch) -> None:
    graphs = to_pyg(batch)
    assert [graph["id"] for graph in graphs] == batch.ids.tolist()
    back = from_pyg(graphs, batch.schema)
    assert difference(back, batch) is None
    assert all(same(one, other) for one, other in zip(to_pyg(back), graphs, strict=True))


@pytest.mark.unchecked
@given(batches())
def test_pyg_batches_our_graphs_right_whatever_they_lack(batch: GraphBatch) -> None:
    """PyG's own collation of what we hand it has the same global edges as our flat view."""
    together = Batch.from_data_list(to_pyg(batch))
    lists = {relation: batch.relation(relation) for relation in batch.schema.edge_types}
    for relation, edges in lists.items():
        first_src = batch.nodes[relation[0]].ptr[edges.graph]
        first_dst = batch.nodes[relation[2]].ptr[edges.graph]
        expected = torch.stack([edges.src + first_src, edges.dst + first_dst])
        assert together[relation].edge_index.equal(expected)
    for modality, nodes in batch.nodes.items():
        if nodes.x.shape[1]:
            assert together.get_node_store(modality).x.equal(nodes.x)
        assert together.get_node_store(modality).num_nodes == nodes.num_nodes


def graph(words: int, regions: int, **keys: Any) -> HeteroData:
    """Some words, each pointing at the last region; in PyG's style, without modalities that have no node."""
    data = HeteroData()
    for key, value in keys.items():
        data[key] = value
    if words:
        data["text"].x = torch.arange(float(words))[:, None]
    if regions:
        data["image"].x = torch.full((regions, 2), 0.5)
    if words and regions:
        data[WITH].edge_index = torch.stack([torch.arange(words).flip(0), torch.full((words,), regions - 1)])
        data[WITH].edge_attr = torch.arange(float(words))[:, None]
    return data


def test_a_graph_without_a_modality_does_not_disturb_its_neighbours() -> None:
    full, wordless, last = graph(3, 2), graph(0, 1), graph(2, 3)
    batch = from_pyg([full, wordless, last])
    assert batch.present.tolist() == [[True, True], [False, True], [True, True]]
    assert read(batch)[0] | {"id": ""} == read(from_pyg([full]))[0] | {"id": ""}
    assert read(batch)[2] | {"id": ""} == read(from_pyg([last]))[0] | {"id": ""}
    back = to_pyg(batch)
    assert back[1]["text"].x.shape == (0, 1)
    assert back[1][WITH].edge_index.shape == (2, 0)
    wordless_first = from_pyg([wordless, full], batch.schema)  # what the first graph lacks is not dropped
    assert difference(wordless_first[[1, 0]], from_pyg([full, wordless], batch.schema)) == "ids data: 49 and 48 at [0]"


def test_edges_come_back_in_a_stable_order_by_destination() -> None:
    data = graph(3, 2, id="cat")
    data[WITH].edge_index = torch.tensor([[2, 0, 1, 2, 0], [1, 1, 0, 1, 0]])  # two parallel edges from 2 to 1
    data[WITH].edge_attr = torch.arange(5.0)[:, None]
    (back,) = to_pyg(from_pyg([data]))
    assert back[WITH].edge_index.tolist() == [[1, 0, 2, 0, 2], [0, 0, 1, 1, 1]]
    assert back[WITH].edge_attr[:, 0].tolist() == [2, 4, 0, 1, 3]
    again = to_pyg(from_pyg([back]))[0]
    assert same(again, back)


def test_everything_that_a_graph_holds_goes_over() -> None:
    schema = GraphSchema(
        {"text": 0},
        {("text", "next", "text"): ("gap",)},
        {"text": {"span": Field("float32", (2,)), "text": Field("text")}},
        {"label": Field("int64"), "tag": Field("float32", of="text")},
    )
    batch = GraphBatch.single(
        {"text": torch.zeros(2, 0)},
        {("text", "next", "text"): torch.tensor([[0], [1]])},
        schema=schema,
        attributes={"text": {"span": torch.tensor([[0.0, 1.0], [1.0, 2.0]]), "text": ["a", "cat"]}},
        edge_features={("text", "next", "text"): torch.tensor([[0.5]])},
        targets={"label": torch.tensor(3), "tag": Target(torch.tensor([1.0, math.nan]), torch.tensor([True, False]))},
        id="cat",
    )
    (data,) = to_pyg(batch)
    assert data["id"] == "cat"
    assert data["label"].tolist() == [3]
    assert data["text"].num_nodes == 2
    assert data["text"].text == ["a", "cat"]
    assert data["text"].span.tolist() == [[0, 1], [1, 2]]
    assert data["text"].tag_mask.tolist() == [True, False]
    assert "label_mask" not in data
    assert data["text", "next", "text"].edge_attr.tolist() == [[0.5]]


def test_a_mask_is_in_every_graph_or_in_none() -> None:
    unknown, known = Target(torch.tensor([0]), torch.tensor([False])), torch.tensor([1])
    graphs = [GraphBatch.single({"text": torch.zeros(1, 1)}, {}, targets={"y": y}) for y in (unknown, known[0])]
    both = to_pyg(GraphBatch.concat(graphs))
    assert [data["y_mask"].tolist() for data in both] == [[False], [True]]
    assert "y_mask" not in to_pyg(graphs[1])[0]
    del both[1]["y_mask"]
    assert from_pyg(both).targets["y"].mask.tolist() == [False, True]


def test_converted_graphs_share_no_memory_with_the_batch() -> None:
    batch = from_pyg([graph(2, 1, y=torch.tensor([1.0]))])
    (data,) = to_pyg(batch)
    data["text"].x.fill_(9)
    data["y"].fill_(9)
    data[WITH].edge_attr.fill_(9)
    assert batch.nodes["text"].x.tolist() == [[0], [1]]
    assert batch.targets["y"].values.tolist() == [1]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (GraphSchema({"text": 1}, targets={"id": Field()}), "HeteroData cannot hold 'id' of a graph"),
        (GraphSchema({"text": 1}, targets={"text": Field()}), "HeteroData cannot hold 'text' of a graph"),
        (
            GraphSchema({"text": 1}, targets={"y": Field(), "y_mask": Field("bool")}),
            "HeteroData cannot hold 'y_mask' of a graph",
        ),
        (GraphSchema({"text": 1}, attributes={"text": {"x": Field()}}), "cannot hold 'x' of modality 'text'"),
        (
            GraphSchema({"text": 1}, attributes={"text": {"num_nodes": Field("int64")}}),
            "cannot hold 'num_nodes' of modality 'text'",
        ),
        (
            GraphSchema({"text": 1}, attributes={"text": {"tag": Field()}}, targets={"tag": Field(of="text")}),
            "cannot hold 'tag' of modality 'text'",
        ),
    ],
)
def test_a_name_with_another_meaning_is_refused(schema: GraphSchema, message: str) -> None:
    attributes = {m: {name: torch.zeros(1) for name in fields} for m, fields in schema.attributes.items()}
    fields = schema.attributes["text"].items()
    attributes = {"text": {name: torch.zeros(1, dtype=getattr(torch, field.dtype)) for name, field in fields}}
    targets = {
        name: torch.zeros((1,) if field.of else (), dtype=getattr(torch, field.dtype))
        for name, field in schema.targets.items()
    }
    batch = GraphBatch.single({"text": torch.zeros(1, 1)}, {}, schema=schema, attributes=attributes, targets=targets)
    with pytest.raises(ValueError, match=message):
        to_pyg(batch)


def put(place: str | tuple[str, str, str] | None, key: str, value: Any) -> Callable[[HeteroData], None]:
    def change(data: HeteroData) -> None:
        (data if place is None else data[place])[key] = value

    return change


ODD: list[tuple[Callable[[HeteroData], None], str]] = [
    (put(WITH, "edge_weight", torch.ones(2)), r"graph 1, relation \('text', .*: the batch cannot hold 'edge_weight'"),
    (put(WITH, "time", torch.ones(2)), r"graph 1, relation .* the batch cannot hold 'time'"),
    (put(None, "caption", "a cat"), "graph 1: the batch cannot hold 'caption'"),
    (put("text", "colour", torch.ones(2)), "graph 1, modality 'text': the batch cannot hold 'colour'"),
    (put(("text", "near", "text"), "edge_index", torch.zeros(2, 0).long()), r"unknown relation \('text', 'near'"),
    (put("sound", "x", torch.zeros(0, 2)), "unknown modality 'sound'; the schema has text, image"),
    (
        put(WITH, "edge_attr", torch.ones(2)),
        r"graph 1, .*'edge_attr': expected float32 \[2, 1\], got torch.float32 \[2\]",
    ),
    (put(WITH, "edge_attr", torch.ones(2, 1).double()), r"expected float32 \[2, 1\], got torch.float64"),
    (put(WITH, "edge_attr", None), r"graph 1, .*'edge_attr': expected float32 \[2, 1\], got nothing"),
    (put(WITH, "edge_index", None), r"graph 1, .*'edge_attr': expected float32 \[0, 1\], got torch.float32 \[2, 1\]"),
    (put(WITH, "edge_index", torch.zeros(2, 2)), r"graph 1, .*: edge_index is integer \[2, edges\], got torch.float32"),
    (put(WITH, "edge_index", [[0, 1], [0, 0]]), r"edge_index is integer \[2, edges\], got list \[\[0, 1\], \[0, 0\]\]"),
    (put(WITH, "edge_index", torch.tensor([[0, 1], [0, 1]])), r"sample '1', .* edge 4 has dst 1, but the graph has 1"),
    (put(WITH, "edge_index", torch.tensor([[0, -1], [0, 0]])), r"edge 4 has src -1, [\s\S]*in relation \('text'"),
    (put("text", "x", None), r"graph 1, modality 'text', 'x': expected float32 \[2, 1\], got nothing"),
    (
        put("text", "x", torch.zeros(2)),
        r"graph 1, modality 'text', 'x': expected float32 \[2, 1\], got torch.float32 \[2\]",
    ),
    (put("text", "x", np.zeros((2, 1))), "graph 1, modality 'text', 'x': expected float32 .* got ndarray"),
    (put("text", "num_nodes", 5), "graph 1, modality 'text': num_nodes is 5, but x has 2 rows"),
    (put("text", "position", None), r"graph 1, modality 'text', 'position': expected int64 \[2\], got nothing"),
    (put("text", "position", torch.zeros(3).long()), r"'position': expected int64 \[2\], got torch.int64 \[3\]"),
    (put("text", "text", ["a"]), r"graph 1, modality 'text', 'text': expected a list of 2 str, got list \['a'\]"),
    (put("text", "text", None), "graph 1, modality 'text', 'text': expected a list of 2 str, got nothing"),
    (put("text", "text", ["a", 3]), "expected a string, got 3"),
    (put(None, "y", 3), r"graph 1, target 'y': expected float32 \[1\], got int 3"),
    (put(None, "y", torch.tensor(3.0)), r"graph 1, target 'y': expected float32 \[1\], got torch.float32 \[\]"),
    (put(None, "y", None), r"graph 1, target 'y': expected float32 \[1\], got nothing"),
    (put(None, "y_mask", torch.ones(1)), r"graph 1, mask of target 'y': expected bool \[1\], got torch.float32"),
    (put("text", "tag", torch.zeros(1)), r"graph 1, target 'tag': expected float32 \[2\], got torch.float32 \[1\]"),
    (put(None, "id", 7), "graph 1: 'id' is a str, got 7"),
]


@pytest.mark.unchecked
@pytest.mark.parametrize(("change", "message"), ODD)
def test_what_a_batch_cannot_hold_is_named(change: Callable[[HeteroData], None], message: str) -> None:
    position = {"position": Field("int64"), "text": Field("text")}
    targets = {"y": Field(), "tag": Field(of="text")}
    schema = GraphSchema({"text": 1, "image": 2}, {WITH: ("gap",)}, {"text": position}, targets)
    graphs = [graph(3, 2, y=torch.zeros(1)), graph(2, 1, y=torch.zeros(1))]
    for data in graphs:
        words = data["text"].num_nodes
        data["text"].position, data["text"].text, data["text"].tag = (
            torch.arange(words),
            ["w"] * words,
            torch.ones(words),
        )
    assert len(from_pyg(graphs, schema)) == 2
    change(graphs[1])
    with pytest.raises(ValueError, match=message):
        from_pyg(graphs, schema)


def test_nodes_without_features_are_counted_by_what_they_carry() -> None:
    schema = GraphSchema({"text": 0}, attributes={"text": {"token": Field("int64")}})
    counted, carried, both = HeteroData(), HeteroData(), HeteroData()
    counted["text"].num_nodes = 2
    carried["text"].token = torch.tensor([4, 5, 6])
    both["text"].x, both["text"].token = torch.zeros(1, 0), torch.tensor([7])
    counted["text"].token = torch.tensor([1, 2])
    batch = from_pyg([counted, carried, both], schema)
    assert batch.nodes["text"].counts.tolist() == [2, 3, 1]
    assert batch.nodes["text"].attribute("token").tolist() == [1, 2, 4, 5, 6, 7]
    assert [data["text"].num_nodes for data in to_pyg(batch)] == [2, 3, 1]


def test_what_is_no_list_of_graphs_is_refused() -> None:
    data = graph(1, 1)
    with pytest.raises(ValueError, match="empty data set: there is no graph"):
        from_pyg([])
    with pytest.raises(ValueError, match="expected a list of HeteroData, got HeteroData: put it in a list"):
        from_pyg(data)
    with pytest.raises(ValueError, match=r"got HeteroDataBatch: take its to_data_list\(\)"):
        from_pyg(Batch.from_data_list([data]))
    with pytest.raises(ValueError, match="graph 1 is a HeteroDataBatch, expected a HeteroData of one graph"):
        from_pyg([data, Batch.from_data_list([data])])
    with pytest.raises(ValueError, match="graph 0 is a dict, expected a HeteroData"):
        from_pyg([{}])
    with pytest.raises(ValueError, match="sample '1' is empty: it has no node of any modality"):
        from_pyg([data, HeteroData()])
