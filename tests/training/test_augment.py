"""Random changes of graphs."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.graph import Field, GraphBatch, GraphSchema
from mmgraph.training.augment import (
    Augmentation,
    Chain,
    EdgeDropout,
    ModalityDropout,
    NodeDropout,
    TokenDropout,
    keep_nodes,
)

SCHEMA = GraphSchema(
    {"text": 2, "image": 3, "audio": 1},
    {("text", "with", "image"): ("distance",), ("image", "near", "image"): (), ("audio", "to", "text"): ()},
    {"text": {"token": Field("int64", num_classes=5), "text": Field("text")}, "image": {"seen": Field("bool")}},
    {"label": Field("int64", num_classes=3)},
)
TAGGED = GraphSchema(
    SCHEMA.modalities, SCHEMA.relations, SCHEMA.attributes, {**SCHEMA.targets, "tag": Field("int64", of="text")}
)
"""The same with a target of nodes."""
Make = Callable[..., GraphBatch]
COUNTS = [{"text": 4, "image": 3, "audio": 2}, {"image": 2}, {"text": 1, "audio": 5}]
STEPS: dict[str, Augmentation] = {
    "nodes": NodeDropout(0.5),
    "nodes of text": NodeDropout(0.9, modality="text"),
    "edges": EdgeDropout(0.5),
    "edges of a relation": EdgeDropout(0.5, relation=("image", "near", "image")),
    "modalities": ModalityDropout({"text": 0.6, "image": 0.6, "audio": 0.6}),
    "tokens": TokenDropout("text", 0.5),
    "all": Chain([NodeDropout(0.2), EdgeDropout(0.2), ModalityDropout({"text": 0.3}), TokenDropout("text", 0.2)]),
}
steps = pytest.mark.parametrize("name", STEPS)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tagged(ragged: Make, seed: int) -> GraphBatch:
    """Random graphs in which each node of text has its number as target."""
    plain = ragged(SCHEMA, COUNTS, seed=seed)
    lists = {relation: plain.relation(relation) for relation in SCHEMA.edge_types}
    targets: dict[str, Any] = {**plain.targets, "tag": torch.arange(plain.nodes["text"].num_nodes)}
    return GraphBatch.build(TAGGED, plain.nodes, lists, targets, plain.ids)


@pytest.fixture
def graphs(ragged: Make) -> GraphBatch:
    return tagged(ragged, 3)


@steps
@settings(max_examples=4)
@given(seed=st.integers(0, 10**6))
def test_what_is_left_is_a_valid_batch_of_the_same_graphs(name: str, seed: int, ragged: Make) -> None:
    before = tagged(ragged, seed)
    after = STEPS[name](before, seeded(seed))
    lists = {relation: after.relation(relation) for relation in SCHEMA.edge_types}
    checked = GraphBatch.build(TAGGED, after.nodes, lists, after.targets, after.ids)
    assert checked.equal(after)
    assert after.ids == before.ids
    assert torch.equal(after.targets["label"].values, before.targets["label"].values)


@steps
def test_the_same_generator_gives_the_same_change_and_leaves_the_graphs_as_they_were(
    name: str, graphs: GraphBatch
) -> None:
    copy = graphs.map(torch.clone)
    one, two, other = (STEPS[name](graphs, seeded(seed)) for seed in (1, 1, 2))
    assert one.equal(two)
    assert not one.equal(other)
    assert graphs.equal(copy)


def slow_edges(graphs: GraphBatch, kept: dict[str, torch.Tensor]) -> list[tuple[Any, ...]]:
    """Edge by edge: relation, graph, and features of both ends, where both are kept."""
    found = []
    for relation in SCHEMA.edge_types:
        edges = graphs.relation(relation)
        for row, (graph, src, dst) in enumerate(
            zip(edges.graph.tolist(), edges.src.tolist(), edges.dst.tolist(), strict=True)
        ):
            ends = []
            for modality, end in ((relation[0], src), (relation[2], dst)):
                place = int(graphs.nodes[modality].ptr[graph]) + end
                ends.append(tuple(graphs.nodes[modality].x[place].tolist()) if kept[modality][place] else None)
            if None not in ends:
                features = () if edges.features is None else tuple(edges.features[row].tolist())
                found.append((relation, graph, *ends, features))
    return found


@settings(max_examples=4)
@given(seed=st.integers(0, 10**6))
def test_edges_between_kept_nodes_stay_and_join_the_same_nodes(seed: int, ragged: Make) -> None:
    graphs = tagged(ragged, seed)
    draw = seeded(seed)
    kept = {m: torch.rand(n.num_nodes, generator=draw) < 0.7 for m, n in graphs.nodes.items()}
    after = keep_nodes(graphs, kept)
    everything = {m: torch.ones(n.num_nodes, dtype=torch.bool) for m, n in after.nodes.items()}
    assert slow_edges(after, everything) == slow_edges(graphs, kept)
    for modality, nodes in after.nodes.items():
        assert torch.equal(nodes.x, graphs.nodes[modality].x[kept[modality]])
    assert torch.equal(after.targets["tag"].values, graphs.targets["tag"].values[kept["text"]])


def test_a_rate_of_0_changes_nothing(graphs: GraphBatch) -> None:
    nothing: list[Augmentation] = [NodeDropout(0.0), EdgeDropout(0.0), ModalityDropout({}), TokenDropout("text", 0.0)]
    for step in (*nothing, Chain(nothing), Chain([])):
        assert step(graphs, seeded()).equal(graphs)


def test_the_last_node_of_a_modality_stays(graphs: GraphBatch) -> None:
    after = NodeDropout(1.0)(graphs, seeded())
    for modality, nodes in after.nodes.items():
        assert nodes.counts.tolist() == graphs.nodes[modality].counts.clamp(max=1).tolist()


def test_a_modality_or_relation_that_is_named_is_the_only_one_that_changes(graphs: GraphBatch) -> None:
    after = NodeDropout(1.0, modality="audio")(graphs, seeded())
    assert after.nodes["text"].x.equal(graphs.nodes["text"].x)
    assert after.nodes["audio"].counts.tolist() == [1, 0, 1]
    near = ("image", "near", "image")
    after = EdgeDropout(1.0, relation=near)(graphs, seeded())
    assert after.relation(near).num_edges == 0
    with_ = ("text", "with", "image")
    assert after.relation(with_).num_edges == graphs.relation(with_).num_edges


def test_of_all_modalities_one_stays_and_each_may_be_it(graphs: GraphBatch) -> None:
    drop = ModalityDropout(dict.fromkeys(SCHEMA.modalities, 1.0))
    stayed = torch.zeros(3)
    for seed in range(40):
        after = drop(graphs[0], seeded(seed))
        there = torch.tensor([nodes.num_nodes > 0 for nodes in after.nodes.values()])
        assert int(there.sum()) == 1
        stayed += there
    assert (stayed > 5).all()
    for graph in graphs:
        assert drop(graph, seeded()).num_nodes > 0


def test_rates_are_those_that_were_asked_for(ragged: Make) -> None:
    graphs = ragged(SCHEMA, [{"text": 500, "image": 500, "audio": 1}] * 4 + [{"text": 1, "audio": 1}] * 20, degree=3.0)
    after = NodeDropout(0.3)(graphs, seeded())
    assert after.nodes["text"].num_nodes / 2020 == pytest.approx(0.7, abs=0.04)
    assert EdgeDropout(0.3)(graphs, seeded()).edges.num_edges / graphs.edges.num_edges == pytest.approx(0.7, abs=0.04)
    tokens = TokenDropout("text", 0.3)(graphs, seeded()).nodes["text"].attribute("token")
    assert (tokens == graphs.nodes["text"].attribute("token")).float().mean() == pytest.approx(0.76, abs=0.04)
    without = ModalityDropout({"audio": 0.3})(graphs, seeded()).nodes["audio"].counts
    assert float((without > 0).float().mean()) == pytest.approx(0.7, abs=0.2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NodeDropout(1.5), r"rate=1\.5 is a chance in 0\.\.1"),
        (lambda: EdgeDropout(-0.1), r"rate=-0\.1 is a chance"),
        (lambda: TokenDropout("text", float("nan")), "rate=nan is a chance"),
        (lambda: ModalityDropout({"text": 2.0}), r"rate of text=2\.0 is a chance"),
    ],
)
def test_a_rate_is_a_chance(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_what_the_schema_does_not_know_is_refused(graphs: GraphBatch) -> None:
    for step in (NodeDropout(0.1, modality="smell"), ModalityDropout({"smell": 0.1}), TokenDropout("smell", 0.1)):
        with pytest.raises(ValueError, match="unknown modality 'smell'"):
            step(graphs, seeded())
    with pytest.raises(ValueError, match="unknown relation"):
        EdgeDropout(0.1, relation=("a", "b", "c"))(graphs, seeded())
    with pytest.raises(ValueError, match="'seen' of 'image' is no number of a class"):
        TokenDropout("image", 0.1, attribute="seen")(graphs, seeded())
    with pytest.raises(ValueError, match="'token' of 'audio' is no number of a class, its field is None"):
        TokenDropout("audio", 0.1)(graphs, seeded())
