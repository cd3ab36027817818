import json
import math
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given

from mmgraph.graph import Field, GraphBatch, GraphSchema, Target
from mmgraph.graph.compare import difference
from mmgraph.graph.networkx import from_networkx, to_networkx
from tests.strategies import batches

NEXT, WITH = ("text", "next", "text"), ("text", "with", "image")
SCHEMA = GraphSchema(
    {"text": 2, "image": 0},
    {NEXT: ("gap", "turn"), WITH: ()},
    {"text": {"token": Field("int64", num_classes=9), "text": Field("text"), "span": Field("float32", (2,))}},
    {"y": Field("uint8"), "tag": Field("bool", of="text")},
)


def content(graph: nx.MultiDiGraph) -> tuple[Any, ...]:
    """Everything but the order and numbers of edges, with NaN as text so that it equals itself."""
    edges = Counter(repr(edge) for edge in graph.edges(data=True))
    return sorted(repr(node) for node in graph.nodes(data=True)), edges, repr(sorted(graph.graph.items()))


@pytest.mark.unchecked
@given(batches())
def test_a_batch_comes_back_exactly_and_graphs_up_to_the_order_of_edges(batch: GraphBatch) -> None:
    graphs = to_networkx(batch)
    assert difference(from_networkx(graphs, batch.schema), batch) is None
    shuffled = []
    for graph in graphs:  # nodes and edges in another order, keys as networkx gives them
        other = nx.MultiDiGraph(**graph.graph)
        other.add_nodes_from(reversed(list(graph.nodes(data=True))))
        other.add_edges_from((u, v, data) for u, v, data in reversed(list(graph.edges(data=True))))
        shuffled.append(other)
    for one, other in zip(to_networkx(from_networkx(shuffled, batch.schema)), shuffled, strict=True):
        assert content(one) == content(other)


@pytest.mark.unchecked
@given(batches())
def test_json_keeps_a_graph_exactly(batch: GraphBatch) -> None:
    texts = [json.dumps(nx.node_link_data(graph, edges="edges")) for graph in to_networkx(batch)]
    graphs = [nx.node_link_graph(json.loads(text), edges="edges") for text in texts]
    assert difference(from_networkx(graphs, batch.schema), batch) is None


def graph() -> nx.MultiDiGraph:
    """Two words and a region."""
    made = nx.MultiDiGraph(y=3)
    made.add_node(("image", 0))
    made.add_node(("text", 1), x=[2.0, 3], token=8, text="cat", span=(1, 2), tag=True)
    made.add_node(("text", 0), x=[0.5, 1.0], token=0, text="a", span=[0, 1.0], tag=False)
    made.add_edge(("text", 1), ("image", 0), relation="with")
    made.add_edge(("text", 0), ("text", 1), relation="next", gap=1.0, turn=-0.5)
    made.add_edge(("text", 0), ("text", 1), relation="next", gap=2, turn=0)
    return made


def test_a_graph_made_by_hand_is_read() -> None:
    batch = from_networkx([graph()], SCHEMA)
    words, edges = batch.nodes["text"], batch.relation(NEXT)
    assert words.x.tolist() == [[0.5, 1], [2, 3]]
    assert words.attribute("span").tolist() == [[0, 1], [1, 2]]
    assert batch.nodes["image"].x.shape == (1, 0)
    assert edges.src.tolist() == [0, 0]
    assert edges.features is not None
    assert edges.features.tolist() == [[1, -0.5], [2, 0]]
    assert batch.relation(WITH).src.tolist() == [1]
    assert batch.targets["y"].values.tolist() == [3]
    assert batch.targets["tag"].values.tolist() == [False, True]
    assert batch.ids.tolist() == ["0"]
    assert batch.dtype == torch.float32


def test_parallel_edges_keep_the_order_of_their_keys() -> None:
    made = graph()
    made.remove_edges_from(list(made.edges))
    for key, gap in ((5, 0.5), (3, 0.25), (4, 0.75)):
        made.add_edge(("text", 0), ("text", 1), key, relation="next", gap=gap, turn=0.0)
    features = from_networkx([made], SCHEMA).relation(NEXT).features
    assert features is not None
    assert features[:, 0].tolist() == [0.25, 0.75, 0.5]


def test_numpy_values_are_as_good_as_lists() -> None:
    made = graph()
    for _, data in made.nodes(data=True):
        data.update({key: np.array(data[key]) for key in ("x", "span", "token", "tag") if key in data})
    assert from_networkx([made], SCHEMA).equal(from_networkx([graph()], SCHEMA))


def test_what_is_unknown_has_a_mask_beside_it() -> None:
    schema = GraphSchema({"text": 1}, targets={"y": Field()})
    unknown = Target(torch.tensor([math.nan]), torch.tensor([False]))
    graphs = [
        GraphBatch.single({"text": torch.zeros(1, 1)}, {}, schema=schema, targets={"y": y})
        for y in (unknown, torch.ones(()))
    ]
    both = to_networkx(GraphBatch.concat(graphs))
    assert [made.graph["y_mask"] for made in both] == [False, True]
    assert "y_mask" not in to_networkx(graphs[1])[0].graph


def test_graphml_takes_a_graph_without_its_lists() -> None:
    (made,) = to_networkx(from_networkx([graph()], SCHEMA))
    for _, data in made.nodes(data=True):
        data.pop("x", None)
        data.pop("span", None)
    file = BytesIO()
    nx.write_graphml(made, file)
    file.seek(0)
    back = nx.read_graphml(file, force_multigraph=True)
    assert back.nodes["('text', 1)"]["text"] == "cat"
    assert back.number_of_edges() == 3


def node(name: Any, **data: Any) -> Callable[[nx.MultiDiGraph], None]:
    return lambda made: made.nodes[name].update(data) if name in made else made.add_node(name, **data)


def edge(key: Any = 0, **data: Any) -> Callable[[nx.MultiDiGraph], None]:
    return lambda made: made.edges[("text", 0), ("text", 1), key].update(data)


ODD: list[tuple[Callable[[nx.MultiDiGraph], Any], str]] = [
    (node("dog"), r"node 'dog': nodes are named \(modality, index\), such as \('text', 0\)"),
    (node(("text", "0")), r"node \('text', '0'\): nodes are named"),
    (
        node(("text", 3), x=[0, 0], token=0, text="", span=[0, 0], tag=True),
        "3 nodes of modality 'text' .* but 2 is missing",
    ),
    (node(("text", -1), x=[0, 0], token=0, text="", span=[0, 0], tag=True), "numbered from 0, but 2 is missing"),
    (node(("sound", 0)), "unknown modality 'sound'"),
    (node(("text", 0), colour=3), r"node \('text', 0\): the batch cannot hold 'colour', its schema has \['span'"),
    (
        node(("image", 0), x=[1.0]),
        r"modality 'image': expected 'x' to be float32 \[1, 0\], got float64 \[1, 1\] with \[1.0\]",
    ),
    (node(("text", 0), x=[1.0]), r"modality 'text': rows of 'x' differ in shape, expected \[2\]"),
    (node(("text", 0), x=[1.0, None]), r"expected 'x' to be float32 \[2, 2\], got object"),
    (node(("text", 0), x=[1.0, math.nan]), "sample '1', modality 'text': value nan at row 0, column 1 is not finite"),
    (
        node(("text", 0), token=0.5),
        r"modality 'text': expected 'token' to be int64 \[2\], got float64 \[2\] with \[0.5, 8.0\]",
    ),
    (node(("text", 0), token=9), "modality 'text', attribute 'token': 9 is not in 0..8"),
    (node(("text", 0), token=2**70), r"expected 'token' to be int64 \[2\], got object"),
    (node(("text", 0), text=3), "modality 'text': 'text' is a str, got 3 in row 0"),
    (node(("text", 1), tag=1), r"modality 'text': expected 'tag' to be bool \[2\], got int64"),
    (node(("text", 0), tag_mask=1), r"modality 'text': expected 'tag_mask' to be bool \[2\], got int64"),
    (lambda made: made.nodes["text", 1].pop("x"), "modality 'text': 'x' is missing in row 1"),
    (lambda made: made.nodes["text", 1].pop("span"), "modality 'text': 'span' is missing in row 1"),
    (lambda made: made.nodes["text", 0].pop("tag"), "modality 'text': 'tag' is missing in row 0"),
    (edge(speed=1.0), r"edge \('text', 0\) -> \('text', 1\): the batch cannot hold 'speed'"),
    (edge(relation="near"), r"unknown relation \('text', 'near', 'text'\)"),
    (
        edge(relation=3),
        r"edge \('text', 0\) -> \('text', 1\) needs the attribute 'relation', .* but has {'relation': 3",
    ),
    (edge(gap="far"), r"relation \('text', 'next', 'text'\): expected 'gap' to be float32 \[2\], got <U"),
    (
        lambda made: made.edges[("text", 0), ("text", 1), 0].pop("gap"),
        r"relation \('text', 'next', 'text'\): 'gap' is missing in row 0",
    ),
    (
        lambda made: made.add_edge(("text", 0), ("text", 1), "near", relation="next"),
        "has the key 'near'; keys are numbers",
    ),
    (lambda made: made.graph.update(caption="a cat"), "the graph: the batch cannot hold 'caption'"),
    (lambda made: made.graph.update(dtype="float16"), "'dtype' is float32 or float64, got 'float16'"),
    (lambda made: made.graph.update(y=256), "graph: 'y' from 256 to 256 does not fit uint8"),
    (lambda made: made.graph.update(y=-1), "graph: 'y' from -1 to -1 does not fit uint8"),
    (lambda made: made.graph.pop("y"), "graph: 'y' is missing in row 0"),
    (lambda made: made.graph.update(id=7), "expected a string, got 7"),
    (lambda made: made.clear(), "graph: 'y' is missing in row 0"),
]


@pytest.mark.unchecked
@pytest.mark.parametrize(("change", "message"), ODD)
def test_what_a_batch_cannot_hold_is_named_with_its_graph(
    change: Callable[[nx.MultiDiGraph], Any], message: str
) -> None:
    made = graph()
    change(made)
    with pytest.raises(ValueError, match=message) as error:
        from_networkx([graph(), made], SCHEMA)
    assert error.value.__notes__[-1] == "in graph 1"


def test_a_graph_without_nodes_is_named() -> None:
    with pytest.raises(ValueError, match="sample 'cat' is empty: it has no node of any modality"):
        from_networkx([nx.MultiDiGraph(id="cat")], GraphSchema({"text": 1}))


def test_what_is_no_list_of_multigraphs_is_refused() -> None:
    with pytest.raises(ValueError, match="empty data set: there is no graph"):
        from_networkx([], SCHEMA)
    with pytest.raises(ValueError, match="graph 1 is a DiGraph, expected a MultiDiGraph"):
        from_networkx([graph(), nx.DiGraph()], SCHEMA)
    with pytest.raises(ValueError, match=r"batch 1 has torch\.float64 features"):
        other = graph()
        other.graph["dtype"] = "float64"
        from_networkx([graph(), other], SCHEMA)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (GraphSchema({"text": 1}, targets={"dtype": Field()}), "MultiDiGraph cannot hold 'dtype' of a graph"),
        (GraphSchema({"text": 1}, attributes={"text": {"x": Field()}}), "cannot hold 'x' of modality 'text'"),
        (GraphSchema({"text": 1}, {NEXT: ("relation",)}), r"cannot hold 'relation' of relation \('text', 'next'"),
    ],
)
def test_a_name_with_another_meaning_is_refused(schema: GraphSchema, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_networkx([graph()], schema)
    if not schema.edge_types and not schema.attributes["text"]:
        batch = GraphBatch.single({"text": torch.zeros(1, 1)}, {}, schema=schema, targets={"dtype": torch.ones(())})
        with pytest.raises(ValueError, match=message):
            to_networkx(batch)
