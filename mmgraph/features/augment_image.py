"""Changes of images, for `Augmented`: flip, crop, rotate, scale, colour."""

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mmgraph.features.augment import Sample, check_range
from mmgraph.features.crop import crops
from mmgraph.features.picture import picture

KEPT = 0.25
"""A box that is cut stays if that part of its area is still in the image."""
Unit = Literal["image", "pixels"]


@dataclass(frozen=True)
class Flip:
    """Swaps left and right of an image.

    As all changes of the place of things it takes the boxes along where the input is that of `Boxes`, and removes the
    key `truth` from the sample, which may say where something is.

    Args:
        key: of the image, or of the mapping with `image` and `box`, in a sample; a missing one stays missing.
        chance: that it happens.
        unit: of boxes, see `Boxes`.

    Raises:
        ValueError: if the chance is not in 0..1; when called, on an image as `Patches` does.

    Example:
        >>> image = np.array([[0.0, 1.0]], dtype=np.float32)
        >>> Flip("image", 1.0)({"image": image}, np.random.default_rng(0))["image"].tolist()
        [[1.0, 0.0]]
    """

    key: str
    chance: float = 0.5
    _: KW_ONLY
    unit: Unit = "image"

    def __post_init__(self) -> None:
        check_range("chance", self.chance, 0, 1)

    def __call__(self, sample: Sample, random: np.random.Generator) -> Sample:
        """The sample with its image changed."""
        if random.random() >= self.chance or sample.get(self.key) is None:
            return sample
        image, box = _taken(sample[self.key], self.unit)
        return _put(sample, self.key, image[:, ::-1], box[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [1, 0, 1, 0], self.unit)


@dataclass(frozen=True)
class Crop:
    """Cuts a random part out of an image; each side of it is at least `least` of the whole.

    Boxes are cut with it; those of which less than a quarter is left go, with their label and score. See `Flip`.

    Args:
        key: of the image in a sample.
        least: 0..1.
        unit: of boxes.

    Raises:
        ValueError: if `least` is not in 0..1; when called, on an image as `Patches` does.

    Example:
        >>> Crop("image", 0.5)({"image": np.zeros((8, 8))}, np.random.default_rng(0))["image"].shape
        (7, 6)
    """

    key: str
    least: float = 0.7
    _: KW_ONLY
    unit: Unit = "image"

    def __post_init__(self) -> None:
        check_range("least", self.least, 0, 1)

    def __call__(self, sample: Sample, random: np.random.Generator) -> Sample:
        """The sample with its image changed."""
        if sample.get(self.key) is None:
            return sample
        image, box = _taken(sample[self.key], self.unit)
        whole = np.array(image.shape[:2])
        size = np.ceil(whole * random.uniform(self.least, 1, 2)).astype(int).clip(min=1)
        y, x = (int(start) for start in random.integers(0, whole - size + 1))
        part = image[y : y + size[0], x : x + size[1]]
        moved = (box * np.tile(whole[::-1], 2) - [x, y, x, y]) / np.tile(size[::-1], 2)
        return _put(sample, self.key, part, moved, self.unit)


@dataclass(frozen=True)
class Rotate:
    """Turns an image about its middle; what comes in at the corners repeats the border, the size stays.

    A box becomes the box around its turned corners, which is larger than what it holds. See `Flip`.

    Args:
        key: of the image in a sample.
        degrees: at most, either way.
        unit: of boxes.

    Raises:
        ValueError: if degrees are not in 0..180; when called, on an image as `Patches` does.

    Example:
        >>> Rotate("image", 10)({"image": np.ones((4, 6))}, np.random.default_rng(0))["image"].shape
        (4, 6)
    """

    key: str
    degrees: float = 15.0
    _: KW_ONLY
    unit: Unit = "image"

    def __post_init__(self) -> None:
        check_range("degrees", self.degrees, 0, 180)

    def __call__(self, sample: Sample, random: np.random.Generator) -> Sample:
        """The sample with its image changed."""
        if sample.get(self.key) is None:
            return sample
        from scipy.ndimage import affine_transform

        image, box = _taken(sample[self.key], self.unit)
        angle = math.radians(random.uniform(-self.degrees, self.degrees))
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])  # of (y, x)
        size = np.array(image.shape[:2])
        middle = (size - 1) / 2
        turned = [
            affine_transform(colour, turn, middle - turn @ middle, order=1, mode="nearest")
            for colour in np.moveaxis(image, 2, 0)
        ]
        # A place p of the new image shows turn @ p of the old one, so the corners of boxes go the other way.
        corners = (box[:, [[1, 0], [1, 2], [3, 0], [3, 2]]] - 0.5) * size @ turn / size + 0.5  # [boxes, 4, (y, x)]
        around = np.concatenate([corners.min(1)[:, ::-1], corners.max(1)[:, ::-1]], 1)
        return _put(sample, self.key, np.stack(turned, 2).clip(0, 1), around, self.unit)


@dataclass(frozen=True)
class Scale:
    """Changes the number of pixels of an image, both sides alike; by area, so that nothing aliases. See `Flip`.

    Args:
        key: of the image in a sample.
        least: smallest factor, above 0.
        most: largest factor.
        unit: of boxes.

    Raises:
        ValueError: if not 0 < least <= most <= 8; when called, on an image as `Patches` does.

    Example:
        >>> Scale("image", 2, 2)({"image": np.ones((4, 6))}, np.random.default_rng(0))["image"].shape
        (8, 12)
    """

    key: str
    least: float = 0.8
    most: float = 1.25
    _: KW_ONLY
    unit: Unit = "image"

    def __post_init__(self) -> None:
        if not 0 < self.least <= self.most <= 8:
            raise ValueError(f"least={self.least}, most={self.most}: take 0 < least <= most <= 8")

    def __call__(self, sample: Sample, random: np.random.Generator) -> Sample:
        """The sample with its image changed."""
        if sample.get(self.key) is None:
            return sample
        image, box = _taken(sample[self.key], self.unit)
        factor = math.exp(random.uniform(math.log(self.least), math.log(self.most)))
        return _put(sample, self.key, resized(image, factor), box, self.unit, moved=False)


@dataclass(frozen=True)
class Colour:
    """Changes brightness (adds), contrast (about the mean) and saturation (towards or away from grey).

    Args:
        key: of the image in a sample.
        brightness: at most, of 0..1, either way.
        contrast: factor at most 1 + contrast, at least 1 - contrast.
        saturation: likewise; nothing for grey images.

    Raises:
        ValueError: if one is not in 0..1; when called, on an image as `Patches` does.

    Example:
        >>> image = Colour("image")({"image": np.full((2, 2, 3), 0.5)}, np.random.default_rng(0))["image"]
        >>> bool((image >= 0.3).all() and (image <= 0.7).all())
        True
    """

    key: str
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            check_range(name, getattr(self, name), 0, 1)

    def __call__(self, sample: Sample, random: np.random.Generator) -> Sample:
        """The sample with its image changed."""
        brightness, contrast, saturation = random.uniform(-1, 1, 3) * [self.brightness, self.contrast, self.saturation]
        if sample.get(self.key) is None:
            return sample
        image, box = _taken(sample[self.key], "image")
        grey = image.mean(2, keepdims=True)
        image = grey + (image - grey) * (1 + saturation)
        mean = image.mean()
        return _put(
            sample,
            self.key,
            (mean + (image - mean) * (1 + contrast) + brightness).clip(0, 1),
            box,
            "image",
            moved=False,
        )


def resized(image: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """An image [height, width, colours] with its sides times `factor`, at least one pixel each.

    Example:
        >>> resized(np.array([[[0.0], [1.0]]]), 0.5).tolist()
        [[[0.5]]]
    """
    height, width = (max(round(side * factor), 1) for side in image.shape[:2])
    return crops(image, np.array([[0.0, 0.0, 1.0, 1.0]]), (height, width))[0]


def _taken(raw: Any, unit: Unit) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Image [height, width, colours], and boxes in 0..1, none where there are none."""
    given = raw["image"] if isinstance(raw, Mapping) else raw
    grey = np.ndim(given) == 2 and not type(given).__module__.startswith("PIL.")
    image = picture(given, 1 if grey else 3, "an augmentation")
    box = np.asarray(raw["box"], dtype=np.float64).reshape(-1, 4) if isinstance(raw, Mapping) else np.zeros((0, 4))
    return image, box / _size(image) if unit == "pixels" else box


def _put(
    sample: Sample, key: str, image: NDArray[Any], box: NDArray[np.float64], unit: Unit, *, moved: bool = True
) -> Sample:
    """The sample with another image, and boxes (in 0..1) where it has some."""
    changed = {name: value for name, value in sample.items() if not moved or name != "truth"}
    pixels = np.ascontiguousarray(image, dtype=np.float32)
    pixels = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
    raw = sample[key]
    if not isinstance(raw, Mapping):
        return {**changed, key: pixels}
    cut = box.clip(0, 1)
    area, left = (np.prod(part[:, 2:] - part[:, :2], axis=1) for part in (box, cut))
    kept = np.flatnonzero(left >= KEPT * area) if moved else np.arange(len(box))
    rest = {name: [raw[name][row] for row in kept] for name in ("label", "score") if raw.get(name) is not None}
    placed = (cut if moved else box)[kept] * (_size(image) if unit == "pixels" else 1)
    return {**changed, key: {**raw, "image": pixels, "box": placed, **rest}}


def _size(image: NDArray[Any]) -> NDArray[np.int64]:
    return np.tile(np.array(image.shape[1::-1]), 2)
