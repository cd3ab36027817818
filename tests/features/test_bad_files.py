"""Damaged files: each is named, or what can still be read is valid input; see test_bad_input.py.

16 cases in an ordinary run, more with `make fuzz`, see tests/fuzz.py.
"""

import contextlib
import io
import time
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mmgraph.features import Features, LogMel, Patches, read_features, read_image, read_sound
from mmgraph.relations import FrontEnd
from tests.fuzz import cases

SECONDS = 10.0  # far more than any case takes


@cache
def good_files() -> dict[str, bytes]:
    """A small file of each format, by name."""
    random, files = np.random.default_rng(0), {}
    photo = Image.fromarray(random.integers(0, 256, (9, 7, 3)).astype(np.uint8))
    for name in ("a.png", "a.jpg", "a.gif", "a.tif", "a.webp", "a.bmp"):
        stream = io.BytesIO()
        photo.save(stream, {"jpg": "jpeg", "tif": "tiff"}.get(name[2:], name[2:]))
        files[name] = stream.getvalue()
    for name in ("a.wav", "a.flac", "a.ogg", "a.mp3", "a.aiff"):
        stream = io.BytesIO()
        soundfile.write(stream, random.standard_normal((900, 2)) / 9, 8000, format=name[2:])
        files[name] = stream.getvalue()
    stream = io.BytesIO()
    np.savez_compressed(stream, features=random.random((3, 2)))
    files["a.npz"] = stream.getvalue()
    return files


@cases(16)
@given(
    st.integers(0, 11),
    st.floats(0, 1),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4),
)
def test_damaged_files(
    tmp_path_factory: pytest.TempPathFactory, index: int, part: float, changes: list[tuple[float, int]]
) -> None:
    """Cut off anywhere, and bytes changed anywhere: the file is named, or what can be read is valid."""
    name, whole = list(good_files().items())[index]
    data = bytearray(whole[: round(len(whole) * part)])
    for place, value in changes:
        if data:
            data[int(place * len(data))] = value
    file = tmp_path_factory.getbasetemp() / name
    file.write_bytes(data)
    read, front_end = reader(file)
    started = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            raw = read(file)
    except ValueError as error:
        assert name in str(error)
    else:
        with contextlib.suppress(ValueError):  # as where a name inside an archive has changed
            assert front_end([raw]).x.isfinite().all()
    assert time.process_time() - started < SECONDS


def reader(file: Path) -> tuple[Callable[[Path], Any], FrontEnd]:
    if file.suffix == ".npz":
        return read_features, Features(2)
    if file.suffix in (".wav", ".flac", ".ogg", ".mp3", ".aiff"):
        return read_sound, LogMel()
    return read_image, Patches(4, colours=3)
