"""Every relation rule once more, slow and obvious: loops over the nodes of one graph.

A node is a dict; a reference takes the rule, the sources and destinations of one graph and whether they are the same
modality, and gives edges (destination, source, *features) in order.
"""

import math
from collections.abc import Callable
from typing import Any

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
    Pointers,
    PseudoAlignment,
    Random,
    RegionAdjacency,
    Reverse,
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

Node = dict[str, Any]
Edge = tuple[float, ...]
Reference = Callable[[Any, list[Node], list[Node], bool], list[Edge]]
Test = Callable[[int, int], bool]


def reference(rule: Any, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    """The edges of any rule, sorted by destination and source."""
    return sorted(REFERENCES[type(rule)](rule, src, dst, intra), key=lambda edge: edge[:2])


def pairs(src: list[Node], dst: list[Node], keep: Test) -> list[Edge]:
    return [(i, j) for i in range(len(dst)) for j in range(len(src)) if keep(i, j)]


def complete(rule: Complete, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    return pairs(src, dst, lambda i, j: i != j or rule.loops or not intra)


def window(rule: Window, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    def keep(i: int, j: int) -> bool:
        step = j - i if intra else src[j]["position"] - dst[i]["position"]
        return -rule.past <= step <= rule.future and (i != j or rule.loops or not intra)

    return pairs(src, dst, keep)


def grid(rule: Grid, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    def keep(i: int, j: int) -> bool:
        (a1, b1, a2, b2), (c1, d1, c2, d2) = dst[i]["box"], src[j]["box"]
        wide, high = min(a2, c2) - max(a1, c1), min(b2, d2) - max(b1, d1)
        corner = wide >= 0 and high >= 0
        side = corner and (wide > 0 or high > 0)
        if intra and i == j:
            return rule.loops
        return side if rule.neighbours == 4 else corner

    return pairs(src, dst, keep)


def centre(node: Node) -> float:
    return sum(node["span"]) / 2


def overlap_of(a: list[float], b: list[float]) -> float:
    return min(a[1], b[1]) - max(a[0], b[0])


def time_overlap(rule: TimeOverlap, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    edges: list[Edge] = []
    for i, to in enumerate(dst):
        for j, source in enumerate(src):
            overlap = overlap_of(to["span"], source["span"])
            if overlap > rule.min_overlap and (i != j or rule.loops or not intra):
                known = {"overlap": overlap, "time_difference": centre(source) - centre(to)}
                edges.append((i, j, *(known[name] for name in rule.features)))
    return edges


def time_class(rule: TimeClass, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    def keep(i: int, j: int) -> bool:
        (a1, a2), (b1, b2) = src[j]["span"], dst[i]["span"]
        past, future = a2 <= b1 and a1 < b1, b2 <= a1 and b1 < a1
        if rule.when == "past":
            return past and b1 - a2 <= rule.reach
        if rule.when == "future":
            return future and a1 - b2 <= rule.reach
        return not past and not future and (i != j or rule.loops or not intra)

    return pairs(src, dst, keep)


def nearest_in_time(rule: NearestInTime, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    edges: list[Edge] = []
    for i, to in enumerate(dst):
        difference = [centre(source) - centre(to) for source in src]
        order = [j for j in range(len(src)) if i != j or rule.loops or not intra]
        order.sort(key=lambda j: abs(difference[j]))
        near = [j for j in order[: rule.k] if abs(difference[j]) <= rule.within]
        edges += [(i, j, difference[j]) if rule.features else (i, j) for j in near]
    return edges


def windows(shorter: int, longer: int, factor: int) -> list[range]:
    """What each node of the shorter stream sees of the longer one, after MTAG's appendix."""
    if shorter == 1:
        return [range(longer)]
    if shorter == longer:
        return [range(start, start + 2) for start in [*range(longer - 1), longer - 2]]
    if longer // shorter == 1:
        starts: list[int] = []
        for node in range(shorter):
            starts.append(0 if node == 0 else starts[-1] + (2 if node < longer - shorter else 1))
        return [range(start, start + 2) for start in starts]
    stride = min(max(2, (longer // (shorter - 1) + 1) // factor), longer // shorter)
    width = longer - (shorter - 1) * stride
    return [range(node * stride, node * stride + width) for node in range(shorter)]


def pseudo_alignment(rule: PseudoAlignment, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    if not src or not dst:
        return []
    by_destination = len(dst) <= len(src)
    seen = windows(min(len(src), len(dst)), max(len(src), len(dst)), rule.factor)

    def keep(i: int, j: int) -> bool:
        short, long = (i, j) if by_destination else (j, i)
        side = -1 if long < seen[short].start else 1 if long >= seen[short].stop else 0
        source_side = side if by_destination else -side
        return {"past": -1, "now": 0, "future": 1}[rule.when] == source_side

    return pairs(src, dst, keep)


def spatial_class(rule: SpatialClass, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    def name(a: list[float], b: list[float]) -> str | None:
        wide = max(min(a[2], b[2]) - max(a[0], b[0]), 0.0)
        high = max(min(a[3], b[3]) - max(a[1], b[1]), 0.0)
        union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - wide * high
        right, up = (a[0] + a[2] - b[0] - b[2]) / 2, (b[1] + b[3] - a[1] - a[3]) / 2
        within = a[0] >= b[0] and a[1] >= b[1] and a[2] <= b[2] and a[3] <= b[3]
        around = b[0] >= a[0] and b[1] >= a[1] and b[2] <= a[2] and b[3] <= a[3]
        if within != around:
            return "inside" if within else "covers"
        if within or right == up == 0 or (union > 0 and wide * high / union >= rule.min_iou):
            return "overlaps"
        if math.hypot(right, up) > rule.reach * math.sqrt(2):
            return None
        degrees = math.degrees(math.atan2(up, right)) % 360
        return ["ENE", "NNE", "NNW", "WNW", "WSW", "SSW", "SSE", "ESE"][int(degrees // 45)]

    return pairs(src, dst, lambda i, j: not (intra and i == j) and name(src[j]["box"], dst[i]["box"]) == rule.name)


def region_adjacency(rule: RegionAdjacency, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    borders: dict[tuple[int, int], float] = {}
    for turned in (False, True):
        for place, node in enumerate(dst):
            for other, border in zip(node["neighbours"], node["borders"], strict=True):
                ends = (place, other) if turned else (other, place)
                if other >= 0:
                    borders.setdefault(ends, border)
    return [(*ends, border) if rule.features else ends for ends, border in borders.items()]


def pointers(rule: Pointers, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    if rule.held_by == "dst":
        return pairs(src, dst, lambda i, j: j in named(dst[i][rule.attribute]))
    return pairs(src, dst, lambda i, j: i in named(src[j][rule.attribute]))


def named(value: int | list[int]) -> list[int]:
    return [value] if isinstance(value, int) else value


def syntax(rule: Syntax, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    if rule.to == "head":
        return pairs(src, dst, lambda i, j: src[j][rule.attribute] == i)
    return pairs(src, dst, lambda i, j: dst[i][rule.attribute] == j)


def cosine(a: list[float], b: list[float]) -> float:
    norms = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / norms if norms else 0.0


def nearest(rule: Nearest, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    def distance(a: list[float], b: list[float]) -> float:
        # Rounded, so that equal angles tie: the features are small whole numbers.
        return math.dist(a, b) if rule.metric == "euclidean" else -round(cosine(a, b), 5)

    def chosen(i: int, own: list[Node], others: list[Node]) -> list[int]:
        order = [j for j in range(len(others)) if i != j or rule.loops or not intra]
        order.sort(key=lambda j: distance(own[i]["x"], others[j]["x"]))
        return order[: rule.k]

    edges: list[Edge] = []
    for i in range(len(dst)):
        for j in chosen(i, dst, src):
            if not rule.mutual or i in chosen(j, src, dst):
                value = distance(dst[i]["x"], src[j]["x"])
                feature = {"distance": value, "similarity": -value}
                edges.append((i, j, *(feature[name] for name in rule.features)))
    return edges


def similar(rule: Similar, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    edges: list[Edge] = []
    for i, j in complete(Complete(loops=rule.loops), src, dst, intra):
        a, b = src[int(j)]["x"], dst[int(i)]["x"]
        value = cosine(a, b) if rule.metric == "cosine" else math.dist(a, b)
        if value >= rule.threshold if rule.metric == "cosine" else value <= rule.threshold:
            edges.append((i, j, value) if rule.features else (i, j))
    return edges


def same_unit(rule: SameUnit, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    def keep(i: int, j: int) -> bool:
        own, theirs = dst[i][rule.attribute], src[j][rule.attribute]
        return own == theirs >= 0 and (i != j or rule.loops or not intra)

    return pairs(src, dst, keep)


def speakers(rule: Speakers, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    def keep(a: int, b: int) -> bool:
        if isinstance(rule.who, str):
            return (a == b) == (rule.who == "same")
        return (a, b) == rule.who

    within = reference(rule.within, src, dst, intra)
    return [edge for edge in within if keep(src[int(edge[1])]["speaker"], dst[int(edge[0])]["speaker"])]


def custom(rule: Custom, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    def keep(i: int, j: int) -> bool:  # what the function `later` of test_rules.py says of many pairs at once
        return src[j]["position"] > dst[i]["position"] and (i != j or rule.loops or not intra)

    return pairs(src, dst, keep)


def mixed(key: int) -> int:
    """SplitMix64 on 64 bits without sign, as it is published."""
    key = (key + 0x9E3779B97F4A7C15) % 2**64
    key = ((key ^ key >> 30) * 0xBF58476D1CE4E5B9) % 2**64
    key = ((key ^ key >> 27) * 0x94D049BB133111EB) % 2**64
    return key ^ key >> 31


def drawn(key: int, *numbers: int) -> int:
    for number in numbers:
        key = mixed(key + number)
    return mixed(key) % 2**62


def random_edges(rule: Random, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    edges: list[Edge] = []
    for i, to in enumerate(dst):
        order = [j for j in range(len(src)) if i != j or rule.loops or not intra]
        numbers = {j: drawn(to["sample"], rule.seed, i, j) for j in order}
        edges += [(i, j) for j in sorted(order, key=numbers.__getitem__)[: rule.degree]]
    return edges


def scrambled(rule: Scrambled, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    renamed = sorted(range(len(src)), key=lambda j: drawn(src[j]["sample"], rule.seed, j))
    inner = reference(rule.rule, src, dst, intra)
    return [(renamed[int(i)] if intra else i, renamed[int(j)], *features) for i, j, *features in inner]


def union(rule: Union, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    both = [reference(part, src, dst, intra) for part in (rule.second, rule.first)]
    return list({edge[:2]: edge for edges in both for edge in edges}.values())


def intersection(rule: Intersection, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    second = {edge[:2] for edge in reference(rule.second, src, dst, intra)}
    return [edge for edge in reference(rule.first, src, dst, intra) if edge[:2] in second]


def difference(rule: Difference, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    second = {edge[:2] for edge in reference(rule.second, src, dst, intra)}
    return [edge for edge in reference(rule.first, src, dst, intra) if edge[:2] not in second]


def reverse(rule: Reverse, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    return [(j, i, *features) for i, j, *features in reference(rule.rule, dst, src, intra)]


def symmetric(rule: Symmetric, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    there = reference(rule.rule, src, dst, intra)
    return list({*there, *((j, i) for i, j in reference(rule.rule, dst, src, intra))})


def self_loops(rule: SelfLoops, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    return list({*reference(rule.rule, src, dst, intra), *((i, i) for i in range(len(dst)))})


def limit(rule: Limit, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    edges, column = reference(rule.rule, src, dst, intra), 2 + rule.feature_names.index(rule.by)
    end = 0 if rule.end == "dst" else 1

    def first(edge: Edge) -> float:
        return -round(edge[column], 4) if rule.largest else round(abs(edge[column]), 4)

    kept: list[Edge] = []
    for node in range(len(dst if rule.end == "dst" else src)):
        kept += sorted((edge for edge in edges if edge[end] == node), key=first)[: rule.k]
    return kept


def measured(rule: Measured, src: list[Node], dst: list[Node], intra: bool) -> list[Edge]:
    edges: list[Edge] = []
    for i, j, *given in reference(rule.rule, src, dst, intra):
        to, source = dst[int(i)], src[int(j)]
        a, b = source["box"], to["box"]
        wide, high = (max(overlap_of([a[k], a[k + 2]], [b[k], b[k + 2]]), 0.0) for k in (0, 1))
        union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - wide * high
        size = {end: [max(box[k + 2] - box[k], 1e-3) for k in (0, 1)] for end, box in (("src", a), ("dst", b))}
        shift = [((a[k] + a[k + 2]) - (b[k] + b[k + 2])) / 2 / size["dst"][k] for k in (0, 1)]
        similarity = cosine(source["x"], to["x"])
        known = {
            "offset": j - i if intra else source["position"] - to["position"],
            "time_difference": centre(source) - centre(to),
            "overlap": overlap_of(source["span"], to["span"]),
            "box_x": shift[0],
            "box_y": shift[1],
            "box_width": math.log(size["src"][0] / size["dst"][0]),
            "box_height": math.log(size["src"][1] / size["dst"][1]),
            "iou": wide * high / union if union else 0.0,
            "distance": math.dist(source["x"], to["x"]),
            "similarity": similarity,
            "angular_similarity": 1 - math.acos(max(-1, min(1, similarity))) / math.pi,
        }
        edges.append((i, j, *given, *(known[name] for name in rule.features)))
    return edges


REFERENCES: dict[type, Reference] = {
    Complete: complete,
    Custom: custom,
    Difference: difference,
    Grid: grid,
    Intersection: intersection,
    Limit: limit,
    Measured: measured,
    Nearest: nearest,
    NearestInTime: nearest_in_time,
    Pointers: pointers,
    PseudoAlignment: pseudo_alignment,
    Random: random_edges,
    RegionAdjacency: region_adjacency,
    Reverse: reverse,
    SameUnit: same_unit,
    Scrambled: scrambled,
    SelfLoops: self_loops,
    Similar: similar,
    SpatialClass: spatial_class,
    Speakers: speakers,
    Symmetric: symmetric,
    Syntax: syntax,
    TimeClass: time_class,
    TimeOverlap: time_overlap,
    Union: union,
    Window: window,
}
