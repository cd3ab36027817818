"""Image, sound and text files to raw inputs, from their bytes: the same for a folder, a tar and a Debian package."""

import warnings
from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")  # not all of Pillow's: some of them start programs
MAX_PIXELS = 1 << 26
"""Pixels that an image may have, 8192x8192."""
MAX_SAMPLES = 1 << 28
"""Samples that a sound may have, all channels together: 1.6 hours at 44.1 kHz, 1 GiB."""
_UNKNOWN_SIZE = 0x7FFFFFFF  # what a program that streams a WAV writes for its length is this or more

Sound = tuple[Float32[np.ndarray, "samples *channels"], int]


def decode_image(content: bytes) -> UInt8[np.ndarray, "height width 3"]:
    """Pixels of an image file (PNG, JPEG, GIF, BMP, TIFF, WebP or PPM).

    Turned upright as its EXIF entry says; transparency is laid over white; of an animation the first picture is taken.

    Raises:
        ValueError: if it is no such image, cut off, damaged, or has more than `MAX_PIXELS` pixels; these are counted
            before anything is decoded.

    Example:
        >>> from PIL import Image
        >>> file = BytesIO()
        >>> Image.new("RGBA", (3, 2), (255, 0, 0, 0)).save(file, "PNG")
        >>> decode_image(file.getvalue())[0, 0].tolist()
        [255, 255, 255]
    """
    from PIL import Image, ImageOps

    if not content:
        raise ValueError("the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's own, lower limit, and of odd metadata
            with Image.open(BytesIO(content), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise OverflowError(f"{image.width}x{image.height} pixels, more than {MAX_PIXELS:,}")
                image.load()
                return over_white(ImageOps.exif_transpose(image))
    except Exception as error:  # a decoder that meets arbitrary bytes raises almost anything
        raise ValueError(f"no image that can be read ({error})") from error


def over_white(image: Any) -> UInt8[np.ndarray, "height width 3"]:
    """Pixels of a Pillow image of any mode, as it looks on white paper.

    Raises:
        ValueError: on 32-bit numbers, whose range is not known.

    Example:
        >>> from PIL import Image
        >>> over_white(Image.new("LA", (1, 1), (0, 255))).tolist()
        [[[0, 0, 0]]]
    """
    from PIL import Image

    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {image.mode} have no known range: save it with 8 or 16 bits")
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def decode_sound(content: bytes) -> Sound:
    """Samples in -1..1 ([n] of one channel, else [n, channels]) and rate in Hz of a WAV, FLAC, OGG, AIFF or MP3 file.

    Raises:
        ValueError: if it is no such sound, holds no sample, is cut off, damaged, not finite or has more than
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
            rate, frames = file.samplerate, file.frames
            if frames * file.channels > MAX_SAMPLES:
                raise OverflowError(f"{frames * file.channels:,} samples, more than {MAX_SAMPLES:,}")
            samples = file.read(dtype="float32", always_2d=True)
    except Exception as error:  # libsndfile's own error, or what a length that is no length leads to
        raise ValueError(f"no sound that can be read ({error})") from error
    if len(samples) < frames or _is_cut(content):
        raise ValueError(f"the sound was cut off after {len(samples)} samples")
    if not len(samples):
        raise ValueError("a sound without samples")
    if not np.isfinite(samples).all():
        where = int(np.flatnonzero(~np.isfinite(samples).all(axis=1))[0])
        raise ValueError(f"sample {where} of the sound is {samples[where].tolist()}, not finite")
    return samples[:, 0] if samples.shape[1] == 1 else samples, int(rate)


def _is_cut(content: bytes) -> bool:
    """Whether a file says that it is longer than it is; libsndfile reads what there is and says nothing."""
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
