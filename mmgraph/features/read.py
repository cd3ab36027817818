"""Image and sound files to raw inputs: with limits, and with errors that name the file."""

from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8

from mmgraph.features.picture import check_colours
from mmgraph.media import MAX_PIXELS, decode_image, decode_sound


def read_image(
    path: Path | str, *, colours: Literal[1, 3] = 3, max_pixels: int = MAX_PIXELS
) -> UInt8[np.ndarray, "height width *colours"]:
    """The pixels of an image file (PNG, JPEG, GIF, BMP, TIFF, WebP or PPM) as uint8.

    Turned upright as its EXIF entry says. Transparency is laid over white; CMYK, palette and 16-bit images are
    converted; of an animation the first picture is taken.

    Args:
        path: the file.
        colours: 3 gives [height, width, 3], red, green, blue; 1 gives [height, width], grey.
        max_pixels: most pixels that an image may have; larger ones are refused before they are decoded.

    Raises:
        ValueError: naming the file, if it is no image, cut off or damaged, too large, or holds numbers of unknown
            range.
        FileNotFoundError: if there is no such file.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from PIL import Image
        >>> with TemporaryDirectory() as folder:
        ...     Image.new("CMYK", (3, 2), (0, 255, 255, 0)).save(f"{folder}/red.jpg")
        ...     image = read_image(f"{folder}/red.jpg")
        >>> image.shape, bool(image[0, 0, 0] > 250)
        ((2, 3, 3), True)
    """
    check_colours(colours)
    content = _content(path)
    try:
        return decode_image(content, colours=colours, max_pixels=max_pixels)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_sound(path: Path | str, *, max_seconds: float = 3600.0) -> tuple[Float[np.ndarray, "samples *channels"], int]:
    """Samples of a sound file (WAV, FLAC, OGG, MP3, AIFF) and their rate.

    Samples are float32 in -1..1, [n] of one channel or [n, channels] of several; front ends mix them and convert the
    rate. A file that was cut off is an error, where the format says how long it should be (all but some MP3).

    Args:
        path: the file.
        max_seconds: longest sound; a longer one is refused before it is decoded.

    Raises:
        ValueError: naming the file, if it is no sound, holds none, is cut off, damaged, too long or not finite.
        FileNotFoundError: if there is no such file.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import soundfile
        >>> with TemporaryDirectory() as folder:
        ...     soundfile.write(f"{folder}/a.wav", np.zeros((800, 2)), 8000)
        ...     samples, rate = read_sound(f"{folder}/a.wav")
        >>> samples.shape, rate
        ((800, 2), 8000)
    """
    content = _content(path)
    try:
        return decode_sound(content, max_seconds=max_seconds)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _content(path: Path | str) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path}: no such file") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
