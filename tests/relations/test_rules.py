"""What holds for every relation rule; a new one is asked here before its author writes a test."""

import math
import random
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import mmgraph.relations
from mmgraph.graph import EdgeList, GraphBatch, GraphSchema, NodeSet
from mmgraph.relations import (
    Complete,
    Custom,
    Difference,
    Grid,
    Intersection,
    Limit,
    Measured,
    Nearest,
    NearestInTime,
    PairEnd,
    Pointers,
    PseudoAlignment,
    Random,
    RegionAdjacency,
    Reverse,
    Rule,
    SameUnit,
    Scrambled,
    SelfLoops,
    Similar,
    SpatialClass,
    Speakers,
    Symmetric,
    Syntax,
    TimeClass,
    TimeOverlap,
    Union,
    Window,
)
from mmgraph.relations import pairs as pairs_module
from tests.relations.references import REFERENCES, Edge, Node, reference


def later(src: PairEnd, dst: PairEnd) -> Tensor:
    return src.attribute("position") > dst.attribute("position")


RULES: dict[str, Rule] = {
    "complete": Complete(),
    "complete with loops": Complete(loops=True),
    "window": Window(1, 2),
    "window without loops": Window(0, 1, loops=False),
    "window over everything before": Window(99, 0),
    "window over the past": Window(3, -1),
    "window over the far future": Window(-2, 99, loops=False),
    "grid of 4": Grid(4),
    "grid of 8 with loops": Grid(8, loops=True),
    "overlap": TimeOverlap(),
    "overlap by a quarter": TimeOverlap(0.25, features=("overlap", "time_difference")),
    "overlap or a gap": TimeOverlap(-0.5, loops=True),
    "past": TimeClass("past"),
    "near past": TimeClass("past", reach=0.25),
    "now": TimeClass("now", loops=False),
    "near future": TimeClass("future", reach=0.0),
    "nearest in time": NearestInTime(features=("time_difference",)),
    "two nearest in time": NearestInTime(2, within=0.3, loops=True),
    "four nearest in time": NearestInTime(4),
    "past by length": PseudoAlignment("past"),
    "now by length": PseudoAlignment("now"),
    "future by length": PseudoAlignment("future", factor=1),
    "box inside": SpatialClass("inside"),
    "box covers": SpatialClass("covers"),
    "box to the upper left": SpatialClass("NNW"),
    "box overlaps a little, near": SpatialClass("overlaps", min_iou=0.1),
    "box to the right, near": SpatialClass("ENE", reach=0.2),
    "neighbours": RegionAdjacency(),
    "neighbours with borders": RegionAdjacency(features=("border",)),
    "pointers": Pointers("neighbours"),
    "pointers of sources": Pointers("head", held_by="src"),
    "heads": Syntax("head"),
    "dependents": Syntax("dependent"),
    "nearest": Nearest(1),
    "nearest cosine": Nearest(2, "cosine", features=("similarity",)),
    "nearest mutual": Nearest(2, mutual=True),
    "nearest cosine mutual": Nearest(3, "cosine", mutual=True, loops=True, features=("similarity",)),
    "nearest with loops": Nearest(3, loops=True, features=("distance",)),
    "similar": Similar(0.5, features=("similarity",)),
    "not opposite": Similar(-0.2, loops=True),
    "close": Similar(3.5, "euclidean", features=("distance",)),
    "equal": Similar(0.0, "euclidean"),
    "same unit": SameUnit(),
    "same speaker with loops": SameUnit("speaker", loops=True),
    "same speaker before": Speakers(Window(9, -1), "same"),
    "other speaker": Speakers(Measured(Complete(), ("offset",)), "other"),
    "from one speaker to another": Speakers(Complete(loops=True), (1, 0)),
    "custom": Custom(later),
    "custom with loops": Custom(later, loops=True),
    "random": Random(2),
    "random with loops": Random(3, seed=5, loops=True),
    "scrambled": Scrambled(Window(1, -1)),
    "scrambled features": Scrambled(Nearest(2, features=("distance",)), seed=1),
    "union": Union(Nearest(1), Window(1, 0)),
    "union with features": Union(
        TimeOverlap(features=("time_difference",)), NearestInTime(features=("time_difference",))
    ),
    "intersection": Intersection(Nearest(3, features=("distance",)), TimeOverlap()),
    "difference": Difference(Complete(), Window(0, 1)),
    "reverse": Reverse(Window(2, -1)),
    "reverse with features": Reverse(Nearest(2, features=("distance",))),
    "symmetric": Symmetric(Nearest(1)),
    "self loops": SelfLoops(Window(2, -1)),
    "limit": Limit(TimeOverlap(features=("time_difference", "overlap")), 2, by="time_difference"),
    "limit of sources": Limit(
        Nearest(4, "cosine", features=("similarity",)), 1, by="similarity", largest=True, end="src"
    ),
    "measured in sequence": Measured(Complete(loops=True), ("offset", "time_difference", "overlap")),
    "measured boxes": Measured(Grid(8), ("box_x", "box_y", "box_width", "box_height", "iou")),
    "measured features": Measured(Nearest(3, features=("distance",)), ("similarity", "angular_similarity")),
    "measured distance": Measured(Complete(), ("distance",)),
}
WITHIN_ONLY = (Pointers, RegionAdjacency, SelfLoops, Syntax)  # test_pointers.py asks `Pointers` across modalities
ACROSS_ONLY = (PseudoAlignment,)
Pairs = list[tuple[list[Node], list[Node]]]
Way = Callable[[NodeSet, NodeSet], EdgeList]


def ways(rule: Rule) -> dict[bool, Way]:
    """How a rule can be called with sources and destinations: within a modality (True), and across two (False)."""
    found: dict[bool, Way] = {}
    if not isinstance(rule, ACROSS_ONLY):
        found[True] = lambda src, dst: rule(dst, dst)
    if not isinstance(rule, WITHIN_ONLY):
        found[False] = rule
    return found


def test_every_rule_is_asked_here() -> None:
    exported = [getattr(mmgraph.relations, name) for name in mmgraph.relations.__all__]
    rules = {value for value in exported if hasattr(value, "feature_names")} - {Rule}
    assert {type(rule) for rule in RULES.values()} == rules == set(REFERENCES)


# No two of these directions are at the same angle to a third one, but for exact copies.
FEATURES = [[1.0, 0.0], [4.0, 1.0], [0.0, 3.0], [-1.0, 2.0], [0.0, 0.0], [-5.0, -1.0]]


def some_nodes(number: int, chance: random.Random, sample: int = 0) -> list[Node]:
    """Nodes with many ties, touching boxes and equal times."""

    def interval() -> list[float]:
        return sorted(chance.choices([0.0, 0.25, 0.5, 0.75, 1.0], k=2))

    nodes = []
    for own in range(number):
        (x1, x2), (y1, y2) = interval(), interval()
        others = [-1, *(other for other in range(number) if other != own)]
        node: Node = {"x": chance.choice(FEATURES), "span": interval(), "box": [x1, y1, x2, y2], "sample": sample}
        node |= {name: chance.randint(-1, 2) for name in ("position", "unit", "speaker")}
        node |= {"head": chance.choice(others), "neighbours": chance.choices(others, k=2)}
        nodes.append(node | {"borders": chance.choices([0.25, 0.5], k=2)})
    return nodes


@st.composite
def graph_pairs(draw: st.DrawFn, least: int = 1) -> Pairs:
    """For each graph its nodes of two modalities. Hypothesis draws counts and a seed for the rest, which is fast.

    A rule takes all graphs in one call, so many graphs in few examples ask more of it in less time.
    """
    counts = draw(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=least, max_size=12))
    chance = random.Random(draw(st.integers(0, 999)))
    samples = [chance.randint(-(2**63), 2**63 - 1) for _ in counts]
    return [
        (some_nodes(a, chance, sample), some_nodes(b, chance, sample))
        for (a, b), sample in zip(counts, samples, strict=True)
    ]


SHAPES = {"span": (2,), "box": (4,), "neighbours": (2,), "borders": (2,)}
WHOLE = ("position", "unit", "speaker", "head", "neighbours", "sample")


def node_set(nodes: list[list[Node]], dtype: torch.dtype = torch.float32) -> NodeSet:
    def column(name: str, *shape: int) -> list[Tensor]:
        kind = torch.int64 if name in WHOLE else dtype if name == "x" else torch.float32
        return [torch.tensor([node[name] for node in graph], dtype=kind).reshape(-1, *shape) for graph in nodes]

    return NodeSet.of(column("x", 2), **{name: column(name, *SHAPES.get(name, ())) for name in (*WHOLE, *SHAPES)})


def both_sets(raw: Pairs) -> tuple[NodeSet, NodeSet]:
    return node_set([source for source, _ in raw]), node_set([to for _, to in raw])


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
        edge == pytest.approx(other, abs=1e-3) for edge, other in zip(a, b, strict=True)
    )


rule_names = pytest.mark.parametrize("name", RULES)


@rule_names
@settings(max_examples=4)
@given(graph_pairs())
def test_a_rule_equals_its_slow_reference_in_destination_major_order(name: str, raw: Pairs) -> None:
    for intra, way in ways(RULES[name]).items():
        for found, (source, to) in zip(listed(way(*both_sets(raw))), raw, strict=True):
            assert same(found, reference(RULES[name], to if intra else source, to, intra))


@rule_names
@settings(max_examples=2)
@given(graph_pairs(least=2), st.randoms(use_true_random=False))
def test_a_graph_has_the_same_edges_in_any_order_and_alone(name: str, raw: Pairs, chance: random.Random) -> None:
    order = list(range(len(raw)))
    chance.shuffle(order)
    src, dst = both_sets(raw)
    for way in ways(RULES[name]).values():
        together = listed(way(src, dst))
        for graphs in (order, order[:1]):
            some = torch.tensor(graphs)
            assert listed(way(src.select(some)[0], dst.select(some)[0])) == [together[graph] for graph in graphs]


@rule_names
@settings(max_examples=2)
@given(graph_pairs(least=2), st.integers(0, 1), st.sampled_from(["src", "dst", "both"]))
def test_an_absent_modality_changes_nothing_about_other_graphs(name: str, raw: Pairs, absent: int, what: str) -> None:
    source, to = raw[absent]
    left: tuple[list[Node], list[Node]] = ([] if what != "dst" else source, [] if what != "src" else to)
    for intra, way in ways(RULES[name]).items():
        expected = listed(way(*both_sets(raw)))
        if not intra or what != "src":
            expected[absent] = []
        assert listed(way(*both_sets([*raw[:absent], left, *raw[absent + 1 :]]))) == expected


@rule_names
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_batch_takes_the_edges(name: str, dtype: torch.dtype) -> None:
    chance, rule = random.Random(0), RULES[name]
    src, dst = (node_set([some_nodes(5, chance), some_nodes(1, chance)], dtype) for _ in range(2))
    for intra, way in ways(rule).items():
        relation = ("word" if intra else "face", "with", "word")
        schema = GraphSchema({"word": 2, "face": 2}, {relation: rule.feature_names})
        nodes = {"word": NodeSet(dst.x, dst.ptr), "face": NodeSet(src.x, src.ptr)}
        edges = way(src, dst)
        assert GraphBatch.build(schema, nodes, {relation: edges}).num_edges == edges.num_edges


@rule_names
def test_a_rule_gives_the_same_edges_in_small_portions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(0)
    src, dst = (node_set([some_nodes(count, chance) for count in (17, 0, 3, other)]) for other in (20, 9))
    for way in ways(RULES[name]).values():
        whole = listed(way(src, dst))
        with monkeypatch.context() as patch:
            patch.setattr(pairs_module, "MAX_PAIRS", 40)
            assert listed(way(src, dst)) == whole


@rule_names
def test_no_node_at_all_gives_no_edge(name: str) -> None:
    nodes = node_set([[], []])
    for way in ways(RULES[name]).values():
        edges = way(node_set([[], []]), nodes)
        assert edges.ptr.tolist() == [0, 0, 0]
        assert (edges.features is None) == (RULES[name].feature_names == ())


@rule_names
def test_a_rule_is_a_value(name: str) -> None:
    rule, known = RULES[name], {**vars(mmgraph.relations), "inf": math.inf, "later": later}
    assert eval(repr(rule), known) == rule
    assert hash(eval(repr(rule), known)) == hash(rule)
    with pytest.raises(AttributeError):
        rule.loops = True  # type: ignore[attr-defined]
