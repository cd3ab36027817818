"""What holds for every relation rule; a new one is asked here before its author writes a test."""

import math
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import mmgraph.relations
from mmgraph.graph import EdgeList, GraphBatch, GraphSchema, NodeSet
from mmgraph.relations import Complete, Grid, Nearest, Rule, TimeOverlap, Window
from mmgraph.relations import nearest as nearest_module
from mmgraph.relations import pairs as pairs_module

RULES: dict[str, Rule] = {
    "complete": Complete(),
    "complete with loops": Complete(loops=True),
    "window": Window(1, 2),
    "window without loops": Window(0, 1, loops=False),
    "window over everything before": Window(99, 0),
    "grid of 4": Grid(4),
    "grid of 8 with loops": Grid(8, loops=True),
    "overlap": TimeOverlap(),
    "overlap by a quarter": TimeOverlap(0.25, features=("overlap", "time_difference")),
    "overlap or a gap": TimeOverlap(-0.5, loops=True),
    "nearest": Nearest(1),
    "nearest cosine": Nearest(2, "cosine", features=("similarity",)),
    "nearest mutual": Nearest(2, mutual=True),
    "nearest with loops": Nearest(3, loops=True, features=("distance",)),
}
Node = dict[str, Any]
Edge = tuple[float, ...]
Pairs = list[tuple[list[Node], list[Node]]]
Reference = Callable[[Any, list[Node], list[Node], bool], list[Edge]]


def test_every_rule_is_asked_here() -> None:
    exported = {name for name in mmgraph.relations.__all__ if name not in ("GraphBuilder", "FrontEnd", "Rule")}
    assert {type(rule).__name__ for rule in RULES.values()} == exported


# --- slow, obvious references: edges (destination, source, *features) of one graph


def slow_complete(rule: Complete, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    return [(i, j) for i in range(len(dst)) for j in range(len(src)) if i != j or rule.loops or not intra]


def slow_window(rule: Window, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    edges: list[Edge] = []
    for i, to in enumerate(dst):
        for j, source in enumerate(src):
            step = j - i if intra else source["position"] - to["position"]
            if -rule.past <= step <= rule.future and (i != j or rule.loops or not intra):
                edges.append((i, j))
    return edges


def slow_grid(rule: Grid, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    edges: list[Edge] = []
    for i, to in enumerate(dst):
        for j, source in enumerate(src):
            (a1, b1, a2, b2), (c1, d1, c2, d2) = to["box"], source["box"]
            wide, high = min(a2, c2) - max(a1, c1), min(b2, d2) - max(b1, d1)
            corner = wide >= 0 and high >= 0
            side = corner and (wide > 0 or high > 0)
            if intra and i == j:
                touch = rule.loops
            else:
                touch = side if rule.neighbours == 4 else corner
            if touch:
                edges.append((i, j))
    return edges


def slow_overlap(rule: TimeOverlap, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    edges = []
    for i, to in enumerate(dst):
        for j, source in enumerate(src):
            (a1, a2), (b1, b2) = to["span"], source["span"]
            overlap = min(a2, b2) - max(a1, b1)
            if overlap > rule.min_overlap and (i != j or rule.loops or not intra):
                known = {"overlap": overlap, "time_difference": (b1 + b2) / 2 - (a1 + a2) / 2}
                edges.append((i, j, *(known[name] for name in rule.features)))
    return edges


def slow_nearest(rule: Nearest, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    def distance(a: list[float], b: list[float]) -> float:
        if rule.metric == "euclidean":
            return math.dist(a, b)
        norms = math.hypot(*a) * math.hypot(*b)
        # Rounded, so that equal angles tie: the features are small whole numbers.
        return -round(sum(x * y for x, y in zip(a, b, strict=True)) / norms, 5) if norms else 0.0

    def chosen(i: int, own: list[Node], others: list[Node]) -> list[int]:
        order = [j for j in range(len(others)) if i != j or rule.loops or not intra]
        order.sort(key=lambda j: distance(own[i]["x"], others[j]["x"]))
        return sorted(order[: rule.k])

    edges = []
    for i in range(len(dst)):
        for j in chosen(i, dst, src):
            if not rule.mutual or i in chosen(j, src, dst):
                value = distance(dst[i]["x"], src[j]["x"])
                feature = {"distance": value, "similarity": -value}
                edges.append((i, j, *(feature[name] for name in rule.features)))
    return edges


REFERENCES: dict[type, Reference] = {
    Complete: slow_complete,
    Window: slow_window,
    Grid: slow_grid,
    TimeOverlap: slow_overlap,
    Nearest: slow_nearest,
}

# No two of these directions are at the same angle to a third one, but for exact copies.
FEATURES = [[1.0, 0.0], [4.0, 1.0], [0.0, 3.0], [-1.0, 2.0], [0.0, 0.0], [-5.0, -1.0]]


def some_nodes(number: int, chance: random.Random) -> list[Node]:
    """Nodes with many ties, touching boxes and equal times."""

    def interval() -> list[float]:
        return sorted(chance.choices([0.0, 0.25, 0.5, 0.75, 1.0], k=2))

    nodes = []
    for _ in range(number):
        (x1, x2), (y1, y2) = interval(), interval()
        place, features = chance.randint(-2, 3), chance.choice(FEATURES)
        nodes.append({"x": features, "position": place, "span": interval(), "box": [x1, y1, x2, y2]})
    return nodes


@st.composite
def graph_pairs(draw: st.DrawFn, least: int = 1) -> list[tuple[list[Node], list[Node]]]:
    """For each graph its nodes of two modalities. Hypothesis draws counts and a seed for the rest, which is fast."""
    counts = draw(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=least, max_size=5))
    chance = random.Random(draw(st.integers(0, 999)))
    return [(some_nodes(a, chance), some_nodes(b, chance)) for a, b in counts]


def node_set(nodes: list[list[Node]]) -> NodeSet:
    def column(name: str, *shape: int) -> list[Tensor]:
        return [torch.tensor([node[name] for node in graph]).reshape(-1, *shape) for graph in nodes]

    whole = [part.long() for part in column("position")]
    return NodeSet.of(column("x", 2), position=whole, span=column("span", 2), box=column("box", 4))


def listed(edges: EdgeList) -> list[list[Edge]]:
    """Edges (destination, source, *features) of each graph."""
    features = torch.zeros(edges.num_edges, 0) if edges.features is None else edges.features
    rows = [
        (dst, src, *values)
        for dst, src, values in zip(edges.dst.tolist(), edges.src.tolist(), features.tolist(), strict=True)
    ]
    return [rows[start:stop] for start, stop in pairwise(edges.ptr.tolist())]


def same(a: list[Edge], b: list[Edge]) -> bool:
    return [edge[:2] for edge in a] == [edge[:2] for edge in b] and all(
        edge == pytest.approx(other, abs=1e-4) for edge, other in zip(a, b, strict=True)
    )


rule_names = pytest.mark.parametrize("name", RULES)


@rule_names
@settings(max_examples=12)
@given(graph_pairs())
def test_a_rule_equals_its_slow_reference_in_destination_major_order(name: str, raw: Pairs) -> None:
    rule, slow = RULES[name], REFERENCES[type(RULES[name])]
    src, dst = node_set([source for source, _ in raw]), node_set([to for _, to in raw])
    for within, across, (source, to) in zip(listed(rule(dst, dst)), listed(rule(src, dst)), raw, strict=True):
        assert same(within, slow(rule, to, to, True))
        assert same(across, slow(rule, source, to, False))


@rule_names
@settings(max_examples=4)
@given(graph_pairs(least=2), st.randoms(use_true_random=False))
def test_a_graph_has_the_same_edges_in_any_order_and_alone(name: str, raw: Pairs, chance: random.Random) -> None:
    rule, order = RULES[name], list(range(len(raw)))
    chance.shuffle(order)
    src, dst = node_set([source for source, _ in raw]), node_set([to for _, to in raw])
    together = listed(rule(src, dst))
    for graphs in [order, *([graph] for graph in order)]:
        some = torch.tensor(graphs)
        assert listed(rule(src.select(some)[0], dst.select(some)[0])) == [together[graph] for graph in graphs]


@rule_names
@settings(max_examples=4)
@given(graph_pairs(least=2), st.data())
def test_an_absent_modality_changes_nothing_about_other_graphs(name: str, raw: Pairs, data: st.DataObject) -> None:
    rule, absent = RULES[name], data.draw(st.integers(0, len(raw) - 1))

    def build(raw: Pairs) -> list[list[Edge]]:
        return listed(rule(node_set([source for source, _ in raw]), node_set([to for _, to in raw])))

    expected = build(raw)
    expected[absent] = []
    source, to = raw[absent]
    without: Pairs = [([], to), (source, []), ([], [])]
    for left in without:
        assert build([*raw[:absent], left, *raw[absent + 1 :]]) == expected


@rule_names
def test_a_batch_takes_the_edges(name: str) -> None:
    rule, nodes = RULES[name], node_set([some_nodes(5, random.Random(0)), some_nodes(1, random.Random(1))])
    relation = ("word", "with", "word")
    schema = GraphSchema({"word": 2}, {relation: rule.feature_names})
    edges = rule(nodes, nodes)
    batch = GraphBatch.build(schema, {"word": NodeSet(nodes.x, nodes.ptr)}, {relation: edges})
    assert batch.num_edges == edges.num_edges


@rule_names
def test_a_rule_gives_the_same_edges_in_small_portions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    box = torch.rand(40, 2, 2).sort(1).values.reshape(40, 4)
    span = torch.rand(40, 2).sort(1).values
    nodes = NodeSet(
        torch.randint(-2, 3, (40, 2)).float(), torch.tensor([0, 17, 17, 20, 40]), {"box": box, "span": span}
    )
    whole = listed(RULES[name](nodes, nodes))
    monkeypatch.setattr(pairs_module, "MAX_PAIRS", 3)
    monkeypatch.setattr(nearest_module, "MAX_PAIRS", 3)
    assert listed(RULES[name](nodes, nodes)) == whole


@rule_names
def test_no_node_at_all_gives_no_edge(name: str) -> None:
    nodes = node_set([[], []])
    edges = RULES[name](nodes, nodes)
    assert edges.ptr.tolist() == [0, 0, 0]
    assert (edges.features is None) == (RULES[name].feature_names == ())


@rule_names
def test_a_rule_is_a_value(name: str) -> None:
    rule = RULES[name]
    assert eval(repr(rule)) == rule
    assert hash(eval(repr(rule))) == hash(rule)
    with pytest.raises(AttributeError):
        rule.loops = True  # type: ignore[attr-defined]
