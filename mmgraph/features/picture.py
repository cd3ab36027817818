"""Raw images: checked, float32 in 0..1, with the number of colours that is wanted."""

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from mmgraph.media import MAX_PIXELS, pixels_of

SLACK = 1e-3  # what interpolation may overshoot 0..1


def picture(raw: object, colours: int, taker: str) -> Float[np.ndarray, "height width colours"]:
    """An image as float32 [height, width, colours] in 0..1.

    A grey image gets three equal colours where `colours` is 3, and a fourth channel, alpha, is laid over white. A
    Pillow image is first converted as `read_image` does.

    Args:
        raw: uint8 (0..255) or floating point in 0..1; [height, width] or [height, width, 1, 3 or 4].
        colours: 1 or 3.
        taker: who takes it, for messages.

    Raises:
        ValueError: on another shape or dtype, no pixel or more than `MAX_PIXELS`, values that are not finite or not in
            0..1, or colours where grey is wanted.

    Example:
        >>> picture(np.array([[0, 51]], dtype=np.uint8), 3, "Patches")[0].tolist()
        [[0.0, 0.0, 0.0], [0.20000000298023224, 0.20000000298023224, 0.20000000298023224]]
    """
    given = _array(raw, colours, taker)
    image = given[:, :, None] if given.ndim == 2 else given
    wanted = "[height, width]" if colours == 1 else "[height, width] or [height, width, 3 or 4]"
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or 0 in image.shape:
        raise ValueError(f"{taker} takes images {wanted} with at least one pixel, got shape {given.shape}")
    if image.shape[0] * image.shape[1] > MAX_PIXELS:
        raise ValueError(f"{taker} takes images of at most {MAX_PIXELS:,} pixels, got shape {given.shape}; scale it")
    if image.shape[2] > colours and colours == 1:
        raise ValueError(f"{taker}(colours=1) takes images {wanted}, got shape {given.shape}; use colours=3")
    if image.dtype == np.uint8:
        image = image.astype(np.float32) / np.float32(255)
    elif image.dtype.kind != "f":
        raise ValueError(f"{taker} takes uint8 in 0..255 or floats in 0..1, got {given.dtype}")
    elif not (image.min() >= -SLACK and image.max() <= 1 + SLACK):  # also true where it is not a number
        raise ValueError(f"{taker} takes floats in 0..1, got {image.min()} to {image.max()}; scale or clip them")
    if image.shape[2] == 4:
        alpha = image[:, :, 3:]
        image = image[:, :, :3] * alpha + (1 - alpha)
    return np.broadcast_to(image.astype(np.float32), (*image.shape[:2], colours))


def check_colours(colours: int) -> None:
    """Raises ValueError for another number of colours than 1 (grey) or 3.

    Example:
        >>> check_colours(3)
    """
    if colours not in (1, 3):
        raise ValueError(f"colours={colours}: give 1 (grey) or 3 (red, green, blue)")


def _array(raw: object, colours: int, taker: str) -> NDArray[Any]:
    if type(raw).__module__.startswith("PIL."):
        return pixels_of(raw, colours)
    try:
        return np.asarray(raw)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{taker} takes images [height, width, ...], got rows of different lengths") from error
