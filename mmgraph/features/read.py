"""Image and sound files to raw inputs: with limits, and with errors that name the file."""

import re
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from mmgraph.features.picture import MAX_PIXELS, check_colours

ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
GREY = ("1", "L")
DEEP = ("I", "I;16", "I;16L", "I;16B", "I;16N")
UNKNOWN_LENGTH = 0x7FFFFFFF  # writers that do not know the length, as into a pipe, give this or more


def read_image(
    path: Path | str, *, colours: Literal[1, 3] = 3, max_pixels: int = MAX_PIXELS
) -> UInt8[np.ndarray, "height width *colours"]:
    """The pixels of an image file (PNG, JPEG, GIF, TIFF, WebP, ... whatever Pillow reads), as uint8.

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
    from PIL import Image, ImageOps

    check_colours(colours)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's own, lower limit
            image = Image.open(path)
        with image:
            if image.width * image.height > max_pixels:
                raise _TooLargeError(f"{image.width}x{image.height} pixels are more than {max_pixels=}")
            image.load()
            return pixels_of(ImageOps.exif_transpose(image), colours)
    except FileNotFoundError:
        raise
    except Exception as error:  # a decoder that meets arbitrary bytes raises almost anything
        what = str(error) if isinstance(error, _TooLargeError) else f"not an image that can be read ({error})"
        raise ValueError(f"{path}: {what}") from error


class _TooLargeError(ValueError):
    """An image with too many pixels."""


def pixels_of(image: Any, colours: int) -> NDArray[np.uint8]:
    """Pixels of a Pillow image of any mode as uint8 [height, width, 3], or [height, width] for one colour.

    Raises:
        ValueError: if it holds numbers whose range is not known: floats beyond 0..1, integers beyond 16 bits.

    Example:
        >>> from PIL import Image
        >>> pixels_of(Image.new("RGBA", (1, 1), (255, 0, 0, 0)), 3).tolist()
        [[[255, 255, 255]]]
    """
    from PIL import Image

    if image.mode in DEEP or image.mode == "F":
        image = Image.fromarray(_deep(np.asarray(image), image.mode))
    elif image.mode in ALPHA or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("L" if colours == 1 else "RGB"))


def _deep(values: NDArray[Any], mode: str) -> NDArray[np.uint8]:
    """Pixels of more than 8 bits as 8 bits."""
    largest = 1.0 if mode == "F" else 65535.0
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= largest):
        raise ValueError(f"its pixels are {low} to {high}; of mode {mode} those in 0..{largest:g} can be shown")
    return np.round(values.astype(np.float64) * (255 / largest)).astype(np.uint8)


def read_sound(path: Path | str, *, max_seconds: float = 3600.0) -> tuple[Float[np.ndarray, "samples *channels"], int]:
    """Samples of a sound file (WAV, FLAC, OGG, MP3, AIFF, ... whatever libsndfile reads) and their rate.

    Samples are float32 in -1..1, [n] of one channel or [n, channels] of several; front ends mix them and convert the
    rate. A file that was cut off is an error, where the format says how long it should be (WAV, AIFF, FLAC, MP3).

    Args:
        path: the file.
        max_seconds: longest sound; a longer one is refused before it is read.

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
    import soundfile

    if not Path(path).exists():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        with soundfile.SoundFile(path) as file:
            rate, expected, notes = file.samplerate, file.frames, file.extra_info
            if expected > max_seconds * rate:
                raise ValueError(f"a sound of {expected / rate:.0f} s is longer than {max_seconds=}")
            samples = file.read(dtype="float32", always_2d=True)
    except Exception as error:  # libsndfile's own error, or a memory error from a length that is no length
        raise ValueError(f"{path}: not a sound that can be read ({error})") from error
    if len(samples) < expected or _is_cut(notes):
        raise ValueError(f"{path}: the file was cut off after {len(samples)} samples")
    if not len(samples):
        raise ValueError(f"{path}: a sound without samples")
    if not np.isfinite(samples).all():
        where = int(np.argwhere(~np.isfinite(samples))[0, 0])
        raise ValueError(f"{path}: sample {where} is {samples[where].tolist()}, not finite")
    return samples[:, 0] if samples.shape[1] == 1 else samples, int(rate)


def _is_cut(notes: str) -> bool:
    """Whether a chunk of the file is shorter than it says, from what libsndfile notes while it reads the header."""
    sizes = re.findall(r"^\s*(?:data|SSND)\s*:\s*(\d+) \(should be (\d+)\)", notes, re.MULTILINE)
    return any(int(there) < int(said) < UNKNOWN_LENGTH for said, there in sizes)
