"""What can be measured between the two ends of an edge; `Measured` makes edge features of it."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from mmgraph.graph import NodeSet
from mmgraph.relations.feature_distance import cosine_of, distances, require_same_channels, unit_vectors
from mmgraph.relations.pairs import needed, place

Measure = Callable[[object, NodeSet, NodeSet, Tensor, Tensor], Tensor]
"""From the rule (for messages), sources, destinations and the rows of both ends of each edge to a number per edge."""


def _offset(rule: object, src: NodeSet, dst: NodeSet, src_row: Tensor, dst_row: Tensor) -> Tensor:
    if src is dst:
        return place(src)[src_row] - place(dst)[dst_row]
    return needed(rule, src, "position")[src_row] - needed(rule, dst, "position")[dst_row]


def _ends(
    rule: object, name: str, src: NodeSet, dst: NodeSet, src_row: Tensor, dst_row: Tensor
) -> tuple[Tensor, Tensor]:
    return needed(rule, src, name).double()[src_row], needed(rule, dst, name).double()[dst_row]


def _time_difference(rule: object, src: NodeSet, dst: NodeSet, src_row: Tensor, dst_row: Tensor) -> Tensor:
    theirs, own = _ends(rule, "span", src, dst, src_row, dst_row)
    return theirs.mean(1) - own.mean(1)


def _overlap(rule: object, src: NodeSet, dst: NodeSet, src_row: Tensor, dst_row: Tensor) -> Tensor:
    theirs, own = _ends(rule, "span", src, dst, src_row, dst_row)
    return torch.minimum(theirs[:, 1], own[:, 1]) - torch.maximum(theirs[:, 0], own[:, 0])


SMALLEST = 1e-3
"""A box without width or height is measured as if it had this much of the image, so that all numbers are finite."""


def _centre(axis: int) -> Measure:
    def measure(rule: object, src: NodeSet, dst: NodeSet, src_row: Tensor, dst_row: Tensor) -> Tensor:
        theirs, own = _ends(rule, "box", src, dst, src_row, dst_row)
        size = (own[:, axis + 2] - own[:, axis]).clamp(min=SMALLEST)
        return (theirs[:, [axis, axis + 2]].mean(1) - own[:, [axis, axis + 2]].mean(1)) / size

    return measure


def _ratio(axis: int) -> Measure:
    def measure(rule: object, src: NodeSet, dst: NodeSet, src_row: Tensor, dst_row: Tensor) -> Tensor:
        ends = _ends(rule, "box", src, dst, src_row, dst_row)
        theirs, own = ((box[:, axis + 2] - box[:, axis]).clamp(min=SMALLEST) for box in ends)
        return (theirs / own).log()

    return measure


def _iou(rule: object, src: NodeSet, dst: NodeSet, src_row: Tensor, dst_row: Tensor) -> Tensor:
    theirs, own = _ends(rule, "box", src, dst, src_row, dst_row)
    sides = torch.minimum(theirs[:, 2:], own[:, 2:]) - torch.maximum(theirs[:, :2], own[:, :2])
    common = sides.clamp(min=0).prod(1)
    union = sum((box[:, 2:] - box[:, :2]).prod(1) for box in (theirs, own)) - common
    return torch.where(union > 0, common / union.clamp(min=torch.finfo(torch.float64).tiny), 0.0)


def _distance(rule: object, src: NodeSet, dst: NodeSet, src_row: Tensor, dst_row: Tensor) -> Tensor:
    require_same_channels(rule, src, dst)
    return distances(src.x, dst.x, src_row, dst_row)


def _similarity(rule: object, src: NodeSet, dst: NodeSet, src_row: Tensor, dst_row: Tensor) -> Tensor:
    require_same_channels(rule, src, dst)
    (theirs, nowhere_src), (own, nowhere_dst) = unit_vectors(src.x), unit_vectors(dst.x)
    distance = distances(theirs, own, src_row, dst_row)
    return cosine_of(distance).masked_fill_(nowhere_src[src_row] | nowhere_dst[dst_row], 0.0)


def _angular(rule: object, src: NodeSet, dst: NodeSet, src_row: Tensor, dst_row: Tensor) -> Tensor:
    require_same_channels(rule, src, dst)
    (theirs, nowhere_src), (own, nowhere_dst) = unit_vectors(src.x), unit_vectors(dst.x)
    half = distances(theirs, own, src_row, dst_row) / 2  # half the chord is the sine of half the angle
    value = 1 - half.clamp(max=1).asin() * (2 / math.pi)
    return value.masked_fill_(nowhere_src[src_row] | nowhere_dst[dst_row], 0.5)


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "offset": _offset,
        "time_difference": _time_difference,
        "overlap": _overlap,
        "box_x": _centre(0),
        "box_y": _centre(1),
        "box_width": _ratio(0),
        "box_height": _ratio(1),
        "iou": _iou,
        "distance": _distance,
        "similarity": _similarity,
        "angular_similarity": _angular,
    }
)
