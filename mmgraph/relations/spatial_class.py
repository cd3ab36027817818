"""`SpatialClass`: where a box lies, seen from another; `spatial_relations`: one relation per class (ReGAT)."""

import math
from dataclasses import KW_ONLY, dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet, Relation
from mmgraph.relations.pairs import edges_from_rows, meeting_rows, needed

CONTACTS = ("inside", "covers", "overlaps")
SECTORS = ("ENE", "NNE", "NNW", "WNW", "WSW", "SSW", "SSE", "ESE")
SPATIAL_CLASSES = CONTACTS + SECTORS
"""In ReGAT's order, which numbers them 1 to 11."""
FAR = len(SPATIAL_CLASSES)


@dataclass(frozen=True)
class SpatialClass:
    r"""Connects regions whose boxes stand in one spatial relation: the source `is` inside, covers, ... the destination.

    The first that holds of `inside` (within the destination's box), `covers` (the other way round), `overlaps`
    (intersection over union of at least `min_iou`, or the same centre), and the direction of the source's centre, seen
    from the destination's, in eight sectors that are named as on a compass::

              NNW | NNE
           WNW  \ | /  ENE
            -----dst-----        north is up in the picture
           WSW  / | \  ESE
              SSW | SSE

    Boxes whose centres are further apart than `reach` are in no sector. Every other pair is in exactly one class, and
    turned round in the opposite one (inside - covers, ENE - WSW); equal boxes overlap. Boxes are parts of the image, so
    directions are those in the picture drawn as a square.

    Args:
        name: a name of `SPATIAL_CLASSES`.
        min_iou: intersection over union from which boxes overlap.
        reach: largest distance of the centres for a sector, in diagonals of the image.

    Raises:
        ValueError: on an unknown name, or a number that is not in 0..1; when called, if nodes have no `box`.

    Source: Yao et al., Exploring Visual Relationship for Image Captioning, 2018; Li et al., Relation-Aware Graph
    Attention Network for Visual Question Answering (ReGAT), 2019.

    Example:
        >>> box = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.1, 0.1, 0.2, 0.2], [0.4, 0.0, 0.5, 0.1]])
        >>> regions = NodeSet.of([torch.zeros(3, 1)], box=[box])
        >>> for name in ("inside", "covers", "ENE", "WSW"):
        ...     edges = SpatialClass(name)(regions, regions)
        ...     print(name, list(zip(edges.src.tolist(), edges.dst.tolist())))
        inside [(1, 0), (2, 0)]
        covers [(0, 1), (0, 2)]
        ENE [(2, 1)]
        WSW [(1, 2)]
    """

    name: str
    _: KW_ONLY
    min_iou: float = 0.5
    reach: float = 0.5

    def __post_init__(self) -> None:
        if self.name not in SPATIAL_CLASSES:
            raise ValueError(f"name={self.name!r} is not one of {', '.join(SPATIAL_CLASSES)}")
        if not (0 < self.min_iou <= 1 and 0 <= self.reach <= 1):
            raise ValueError(f"min_iou={self.min_iou}, reach={self.reach}: give 0 < min_iou <= 1, 0 <= reach <= 1")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """No edge features; `Measured` adds `iou`, `box_x` and others."""
        return ()

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges, never a loop; `src is dst` within a modality."""
        theirs, own = needed(self, src, "box").double(), needed(self, dst, "box").double()
        wanted, ends = SPATIAL_CLASSES.index(self.name), (theirs[:, [1, 3]], own[:, [1, 3]])
        if self.name in SECTORS:  # centres may be far apart, else boxes have at least a point in common
            margin = torch.tensor([-1.0, 1.0], dtype=torch.float64) * (self.reach * math.sqrt(2) + 1e-9)
            centre, from_here = (end.mean(1, keepdim=True) for end in ends)
            ends = (centre.expand(-1, 2), from_here + margin)

        def belongs(src_row: Tensor, dst_row: Tensor) -> Tensor:
            found = spatial_class(theirs[src_row], own[dst_row], min_iou=self.min_iou, reach=self.reach) == wanted
            return found & (src_row != dst_row) if src is dst else found

        return edges_from_rows(src, dst, *meeting_rows(src, dst, *ends, belongs))


def spatial_class(
    source: Float[Tensor, "pairs 4"], destination: Float[Tensor, "pairs 4"], *, min_iou: float = 0.5, reach: float = 0.5
) -> Int[Tensor, " pairs"]:
    """Number in `SPATIAL_CLASSES` of where each source lies, and 11 where it is too far away for any class.

    Example:
        >>> here, right_below = torch.tensor([[0.1, 0.1, 0.2, 0.2]]), torch.tensor([[0.4, 0.2, 0.5, 0.3]])
        >>> SPATIAL_CLASSES[spatial_class(right_below, here).item()]
        'ESE'
    """
    low, high = torch.maximum(source, destination), torch.minimum(source, destination)
    common = (high[:, 2:] - low[:, :2]).clamp(min=0).prod(1)
    areas = [(box[:, 2:] - box[:, :2]).prod(1) for box in (source, destination)]
    union = areas[0] + areas[1] - common
    right, down = ((source[:, :2] + source[:, 2:]) - (destination[:, :2] + destination[:, 2:])).unbind(1)  # twice
    within = (low[:, :2] == source[:, :2]).all(1) & (high[:, 2:] == source[:, 2:]).all(1)
    around = (low[:, :2] == destination[:, :2]).all(1) & (high[:, 2:] == destination[:, 2:]).all(1)
    overlap = (within & around) | ((right == 0) & (down == 0)) | ((common >= min_iou * union) & (union > 0))
    sector = (torch.atan2(-down, right) / (math.pi / 4)).floor().long() % 8 + len(CONTACTS)
    found = torch.where(torch.hypot(right, down) <= 2 * reach * math.sqrt(2), sector, FAR)
    for number, holds in ((2, overlap), (1, around & ~within), (0, within & ~around)):
        found = torch.where(holds, number, found)
    return found


def spatial_relations(
    src: str, dst: str | None = None, *, min_iou: float = 0.5, reach: float = 0.5
) -> dict[Relation, SpatialClass]:
    """One relation for each of the eleven classes, so that a conv has weights for each, as in ReGAT.

    Args:
        src: modality of the sources.
        dst: modality of the destinations, the same if not given.
        min_iou: as for `SpatialClass`.
        reach: as for `SpatialClass`.

    Example:
        >>> [name for _, name, _ in spatial_relations("image")]
        ['inside', 'covers', 'overlaps', 'ENE', 'NNE', 'NNW', 'WNW', 'WSW', 'SSW', 'SSE', 'ESE']
    """
    end = src if dst is None else dst
    return {(src, name, end): SpatialClass(name, min_iou=min_iou, reach=reach) for name in SPATIAL_CLASSES}
