"""Pictures and sounds as files that a browser shows: PNG or JPEG, FLAC, and a spectrogram as a grey picture."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from mmgraph.features.picture import picture
from mmgraph.features.sound import mono

LONGEST = 768
"""Pixels of the longer side of a picture in the page; larger ones are scaled down."""
ROWS, COLUMNS = 72, 900
"""Largest size of a spectrogram in pixels."""
Media = tuple[str, bytes]
"""MIME type and content of a file."""


def picture_file(raw: Any) -> Media:
    """A picture as PNG or JPEG, whichever is smaller; small ones as PNG.

    Args:
        raw: an image as `mmgraph.viz.draw_regions` takes it, or a mapping that holds one under "image".

    Raises:
        ValueError: as `mmgraph.features.picture.picture` does.

    Example:
        >>> kind, content = picture_file(np.zeros((8, 8)))
        >>> kind, content[1:4]
        ('image/png', b'PNG')
    """
    from PIL import Image

    values = raw.get("image") if isinstance(raw, Mapping) else raw
    if isinstance(values, np.ndarray) and values.dtype.kind == "f" and values.size and values.max() > 1:
        values = np.clip(values / values.max(), 0, 1)  # as the figures do
    pixels = np.round(picture(values, 3, "the page") * 255).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(pixels)
    if (pixels == pixels[:, :, :1]).all():
        image = image.convert("L")
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    png = _saved(image, "PNG", optimize=True)
    if max(image.size) <= 96:  # compression would show
        return "image/png", png
    jpeg = _saved(image, "JPEG", quality=88, optimize=True)
    return ("image/png", png) if len(png) <= len(jpeg) else ("image/jpeg", jpeg)


def sound_file(raw: Any) -> Media:
    """A sound as FLAC with 16 bits, one channel; a sound beyond -1..1 is made softer as a whole.

    Args:
        raw: samples [n] or [n, channels] and their rate in whole Hz.

    Raises:
        ValueError: as `mmgraph.features.sound.mono` does.

    Example:
        >>> kind, content = sound_file((np.zeros(800), 8000))
        >>> kind, content[:4]
        ('audio/flac', b'fLaC')
    """
    import soundfile

    samples, rate = _samples(raw)
    file = io.BytesIO()
    loudest = float(np.abs(samples).max())
    soundfile.write(file, samples / max(loudest, 1.0), rate, format="FLAC", subtype="PCM_16")
    return "audio/flac", file.getvalue()


def sound_seconds(raw: Any) -> float:
    """Its length.

    Example:
        >>> sound_seconds((np.zeros(4000), 8000))
        0.5
    """
    samples, rate = _samples(raw)
    return len(samples) / rate


def sonogram_file(raw: Any) -> Media:
    """The spectrogram of a sound as a grey PNG: time to the right, up to 8 kHz upwards, 60 dB from black to white.

    Example:
        >>> sonogram_file((np.sin(np.arange(4000.0)), 8000))[0]
        'image/png'
    """
    from PIL import Image

    return "image/png", _saved(Image.fromarray(sonogram(raw)), "PNG", optimize=True)


def sonogram(raw: Any) -> UInt8[np.ndarray, "rows columns"]:
    """The pixels of `sonogram_file`; the loudest point is 255, high frequencies are on top.

    Example:
        >>> tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
        >>> int(sonogram((tone, 8000))[:, 50].argmax())  # of 65 rows, from 4 kHz down to 0
        48
    """
    samples, rate = _samples(raw)
    window = max(16, round(0.025 * rate))
    hop = max(1, round(0.004 * rate), -(-len(samples) // COLUMNS))
    size = 1 << (window - 1).bit_length()
    values = torch.from_numpy(samples)
    spectrum = torch.stft(
        values, size, hop, window, torch.hann_window(window), center=True, pad_mode="constant", return_complex=True
    )
    power = spectrum.abs().square().numpy()[: max(2, round(min(1.0, 16_000 / rate) * (size // 2 + 1)))]
    group = -(-len(power) // ROWS)
    power = np.add.reduceat(power, np.arange(0, len(power), group), axis=0)
    decibel = 10 * np.log10(np.maximum(power, 1e-12))
    shown = np.clip((decibel - decibel.max() + 60) / 60, 0, 1) if decibel.max() > -119 else np.zeros_like(decibel)
    return np.round(255 * shown[::-1]).astype(np.uint8)


def _samples(raw: Any) -> tuple[np.ndarray, int]:
    """One channel, and its rate."""
    rate = raw[1] if isinstance(raw, tuple | list) and len(raw) == 2 else 0
    return mono(raw, rate), int(rate)


def _saved(image: Any, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
