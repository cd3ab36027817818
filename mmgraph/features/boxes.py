"""`Boxes`: given boxes of an image, such as a detector's output, as regions."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray

from mmgraph.features.crop import crops
from mmgraph.features.picture import check_colours, picture
from mmgraph.features.raw import Part, check_each, join, rows_of
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet

OVERSHOOT = 0.05
"""How far a box may reach beyond the image, in widths and heights of it; detectors round. More is another unit."""
LEAST = 1e-6  # a side of a box, in widths and heights of the image


@dataclass(frozen=True)
class Boxes:
    """One region per given box, with what it shows, scaled to one size; the boxes are yours, of any detector.

    A raw input is a mapping:

    - `image`: as for `Patches`;
    - `box`: [boxes, 4], x1 y1 x2 y2;
    - `label`: the class of each box as a string; may be left out;
    - `score`: a number per box, such as the detector's confidence; 1 where it is left out.

    A box that reaches up to 5 % beyond the image is cut there. An image without boxes has no nodes. Nodes carry `box`
    in 0..1, `label` (its number in `classes` from 1; 0 is unknown or none), `text` (the label, "" without) and
    `score`. `x` [boxes, height * width * colours] holds the crops, each cell the mean of the pixels that it covers.

    Args:
        size: cells of a crop, (height, width) or one number for both.
        colours: 1 for grey images, 3 for colour images (then grey ones get three equal colours).
        unit: of `box`: "image" for parts of it, 0..1, or "pixels".
        classes: labels; class i of it gets number i + 1. Learn them with `fit`.

    Raises:
        ValueError: on a size below 1, other colours or units, empty or repeated classes; when called, on a box that
            ends before it starts, has no area or lies outside, on scores and labels that are not one per box, on values
            that are not finite (all name the row), or on an image as `Patches` does.

    Example:
        >>> image = np.zeros((4, 4), dtype=np.float32)
        >>> image[:2, 2:] = 1
        >>> raw = {"image": image, "box": [[2, 0, 4, 2], [0, 0, 4, 4]], "label": ["cat", "dog"]}
        >>> regions = Boxes(2, colours=1, unit="pixels", classes=("dog",))([raw])
        >>> regions.x.tolist(), regions.attribute("label").tolist(), regions.attribute("box")[0].tolist()
        ([[1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 0.0, 0.0]], [0, 1], [0.5, 0.0, 1.0, 0.5])
    """

    size: int | Sequence[int] = (8, 8)
    _: KW_ONLY
    colours: Literal[1, 3] = 3
    unit: Literal["image", "pixels"] = "image"
    classes: Sequence[str] = ()

    def __post_init__(self) -> None:
        size = (self.size, self.size) if isinstance(self.size, int) else tuple(self.size)
        object.__setattr__(self, "size", size)
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f"size={size} is (height, width) in cells, at least 1")
        check_colours(self.colours)
        if self.unit not in ("image", "pixels"):
            raise ValueError(f"unit={self.unit!r} is not 'image' (parts of it, 0..1) or 'pixels'")
        object.__setattr__(self, "classes", check_names(self.classes, "classes"))

    @property
    def channels(self) -> int:
        """Cells of a crop times colours."""
        return self._size[0] * self._size[1] * self.colours

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`box`, `label`, `text`, `score`."""
        label = Field("int64", num_classes=len(self.classes) + 1)
        standard = {name: STANDARD_ATTRIBUTES[name] for name in ("box", "text")}
        return {**standard, "label": label, "score": Field("float32")}

    def fit(self, raws: Iterable[Any]) -> Self:
        """The same with the classes of these labels, most frequent first, then in the order of the alphabet.

        Raises:
            ValueError: for an input whose labels are not one string per box.
        """
        counts = Counter(label for raw in raws for label in self._labels(raw, len(self._table(raw))) if label)
        return replace(self, classes=tuple(label for _, label in sorted((-n, label) for label, n in counts.items())))

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The regions of each image, none where it is None."""
        parts = check_each(raws, self._regions)
        return join(parts, len(raws), self.channels, self.attributes)

    @property
    def _size(self) -> tuple[int, int]:
        return self.size  # type: ignore[return-value]  # a pair since __post_init__

    @cached_property
    def _number(self) -> dict[str, int]:
        return {label: index + 1 for index, label in enumerate(self.classes)}

    def _regions(self, raw: Any) -> Part:
        table = self._table(raw)
        image = picture(raw["image"], self.colours, "Boxes")
        box = self._cut(table, image.shape[0], image.shape[1])
        labels = self._labels(raw, len(box))
        score = raw.get("score")
        given = np.ones((len(box), 1), dtype=np.float32) if score is None else rows_of(score, 1, "score")
        if len(given) != len(box):
            raise ValueError(f"{len(given)} values of score for {len(box)} boxes")
        x = crops(image, box, self._size).reshape(len(box), self.channels)
        return torch.from_numpy(x), {
            "box": torch.from_numpy(box),
            "label": torch.tensor([self._number.get(label, 0) for label in labels], dtype=torch.int64),
            "text": labels,
            "score": torch.from_numpy(given[:, 0]),
        }

    def _table(self, raw: Any) -> NDArray[np.float32]:
        if not isinstance(raw, Mapping) or not {"image", "box"} <= set(raw):
            got = f"keys {list(raw)}" if isinstance(raw, Mapping) else type(raw).__name__
            raise ValueError(f"Boxes takes a mapping with 'image' and 'box', got {got}")
        return rows_of(raw["box"], 4, "box")

    def _cut(self, table: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
        """Boxes in 0..1, cut at the image."""
        size = np.array([width, height, width, height] if self.unit == "pixels" else [1, 1, 1, 1], dtype=np.float32)
        box = table / size
        cut = np.clip(box, 0, 1)
        beyond = (np.abs(box - cut) > OVERSHOOT).any(1)
        if beyond.any():
            row = int(beyond.argmax())
            raise ValueError(
                f"box {row} is {table[row].tolist()}, beyond an image of {width}x{height} pixels (width x height) in "
                f"unit={self.unit!r}"
            )
        flat = (cut[:, 2:] - cut[:, :2] < LEAST).any(1)
        if flat.any():
            row = int(flat.argmax())
            raise ValueError(f"box {row} is {table[row].tolist()}, not x1 < x2, y1 < y2; is it x, y, width, height?")
        return cut

    def _labels(self, raw: Mapping[str, Any], number: int) -> list[str]:
        labels = raw.get("label")
        if labels is None:
            return [""] * number
        labels = labels.tolist() if isinstance(labels, np.ndarray) else labels
        if not isinstance(labels, list | tuple) or not all(isinstance(label, str) for label in labels):
            raise ValueError(f"label is a list of strings, got {labels!r:.80}")
        if len(labels) != number:
            raise ValueError(f"{len(labels)} values of label for {number} boxes")
        return list(labels)


def check_names(names: Sequence[str], what: str) -> tuple[str, ...]:
    """The names as a tuple. Raises ValueError if they are one string, or one is empty or repeated.

    Example:
        >>> check_names(["cat", "dog"], "classes")
        ('cat', 'dog')
    """
    if isinstance(names, str):
        raise ValueError(f"{what}={names!r} is one text; give a list, or learn it with fit")
    wrong = [name for name, times in Counter(names).items() if times > 1 or not name]
    if wrong:
        raise ValueError(f"{what} has entries that are repeated or empty: {wrong[:8]}")
    return tuple(names)
