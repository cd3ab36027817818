"""Image, sound and text files to raw inputs, from their bytes: the same from a path, a folder, a tar and a package."""

import re
import warnings
from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8
from numpy.typing import NDArray

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")  # not all of Pillow's: some of them start programs
MAX_PIXELS = 1 << 26
"""Pixels that an image may have, 8192x8192."""
MAX_SAMPLES = 1 << 28
"""Samples that a sound may have, all channels together: 1.6 hours at 44.1 kHz, 1 GiB."""
_DEEP = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_UNKNOWN_SIZE = 0x7FFFFFFF  # what a program that streams a WAV writes for its length is this or more

Sound = tuple[Float32[np.ndarray, "samples *channels"], int]


def decode_image(
    content: bytes, *, colours: int = 3, max_pixels: int | None = None
) -> UInt8[np.ndarray, "height width *colours"]:
    """Pixels of an image file (PNG, JPEG, GIF, BMP, TIFF, WebP or PPM).

    Turned upright as its EXIF entry says; transparency is laid over white; CMYK, palette and 16-bit images are
    converted; of an animation the first picture is taken.

    Args:
        content: of the file.
        colours: 3 gives [height, width, 3], red, green, blue; 1 gives [height, width], grey.
        max_pixels: most pixels that it may have, `MAX_PIXELS` if not given.

    Raises:
        ValueError: if it is no such image, cut off, damaged, holds numbers of unknown range, or has too many pixels;
            these are counted before anything is decoded.

    Example:
        >>> from PIL import Image
        >>> file = BytesIO()
        >>> Image.new("RGBA", (3, 2), (255, 0, 0, 0)).save(file, "PNG")
        >>> decode_image(file.getvalue())[0, 0].tolist()
        [255, 255, 255]
    """
    from PIL import Image, ImageOps

    max_pixels = MAX_PIXELS if max_pixels is None else max_pixels
    if not content:
        raise ValueError("the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's own, lower limit, and of odd metadata
            with Image.open(BytesIO(content), formats=FORMATS) as image:
                if image.width * image.height > max_pixels:
                    raise OverflowError(f"{image.width}x{image.height} pixels are more than {max_pixels=}")
                image.load()
                return pixels_of(ImageOps.exif_transpose(image), colours)
    except Exception as error:  # a decoder that meets arbitrary bytes raises almost anything
        raise ValueError(f"no image that can be read ({error})") from error


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

    if image.mode in _DEEP or image.mode == "F":
        image = Image.fromarray(_deep(np.asarray(image), image.mode))
    elif image.has_transparency_data:
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


def decode_sound(content: bytes, *, max_seconds: float | None = None) -> Sound:
    """Samples in -1..1 ([n] of one channel, else [n, channels]) and rate in Hz of a WAV, FLAC, OGG, AIFF or MP3 file.

    Args:
        content: of the file.
        max_seconds: longest sound; any length if not given.

    Raises:
        ValueError: if it is no such sound, holds no sample, is cut off, damaged, not finite, too long or has more than
            `MAX_SAMPLES` samples. Whether an MP3 was cut off cannot always be seen.

    Example:
        >>> import soundfile
        >>> file = BytesIO()
        >>> soundfile.write(file, np.full(80, 0.5), 8000, format="WAV")
        >>> samples, rate = decode_sound(file.getvalue())
        >>> samples.shape, rate
        ((80,), 8000)
    """
    import soundfile

    if not content:
        raise ValueError("the file is empty")
    try:
        with soundfile.SoundFile(BytesIO(content)) as file:
            rate, frames, notes = file.samplerate, file.frames, file.extra_info
            if max_seconds is not None and frames > max_seconds * rate:
                raise OverflowError(f"a sound of {frames / rate:.0f} s is longer than {max_seconds=}")
            if frames * file.channels > MAX_SAMPLES:
                raise OverflowError(f"{frames * file.channels:,} samples, more than {MAX_SAMPLES:,}")
            samples = file.read(dtype="float32", always_2d=True)
    except Exception as error:  # libsndfile's own error, or what a length that is no length leads to
        raise ValueError(f"no sound that can be read ({error})") from error
    if len(samples) < frames or _is_cut(content, notes):
        raise ValueError(f"the sound was cut off after {len(samples)} samples")
    if not len(samples):
        raise ValueError("a sound without samples")
    if not np.isfinite(samples).all():
        where = int(np.flatnonzero(~np.isfinite(samples).all(axis=1))[0])
        raise ValueError(f"sample {where} of the sound is {samples[where].tolist()}, not finite")
    return samples[:, 0] if samples.shape[1] == 1 else samples, int(rate)


def _is_cut(content: bytes, notes: str) -> bool:
    """Whether a file says that it is longer than it is; libsndfile reads what there is.

    It says so only in what it notes of the header's chunks.
    """
    sizes = re.findall(r"^\s*(?:data|SSND)\s*:\s*(\d+) \(should be (\d+)\)", notes, re.MULTILINE)
    if any(int(there) < int(said) < _UNKNOWN_SIZE for said, there in sizes):
        return True
    if content[:4] in (b"RIFF", b"FORM"):
        said = int.from_bytes(content[4:8], "little" if content[:4] == b"RIFF" else "big")
        return len(content) < said + 8 and said < _UNKNOWN_SIZE
    if content[:4] == b"OggS":
        last = content.rfind(b"OggS")
        whole = len(content) > last + 26 and len(content) >= last + 27 + content[last + 26]
        return not (whole and content[last + 5] & 4 and len(content) >= _page_end(content, last))
    return False


def _page_end(content: bytes, start: int) -> int:
    segments = content[start + 26]
    return start + 27 + segments + sum(content[start + 27 : start + 27 + segments])


def decode_text(content: bytes) -> str:
    r"""The text of a UTF-8 file, without a byte order mark and white space at its ends.

    Raises:
        ValueError: if it is empty, not UTF-8, or holds a zero byte, as no text does.

    Example:
        >>> decode_text(b" hello \n")
        'hello'
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"no UTF-8 text ({error}): save it as UTF-8") from error
    if "\0" in text:
        raise ValueError(f"no text: a zero byte at position {text.index(chr(0))}")
    if not text.strip():
        raise ValueError("the file is empty")
    return text.strip()
