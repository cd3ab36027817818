"""Recordings of people and Tux Paint's stamps where they are at hand, and small files of every format."""

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from mmgraph.datasets import find_recordings, find_stamps
from mmgraph.datasets.stamp_files import LANGUAGES


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recordings; skips where there is none, but fails in CI and where one was promised."""
    folder = find_recordings()
    if folder is None:
        message = "no recordings: set MMGRAPH_DATA to the folder of the Free Spoken Digit Dataset"
        if os.environ.get("CI") == "true" or os.environ.get("MMGRAPH_DATA"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def real_stamps() -> Path:
    """Tux Paint's stamps; skips where they are not installed, but fails in CI and where they were promised."""
    found = find_stamps()
    if found is None:
        message = "no stamps: apt-get install tuxpaint-stamps-default, or set MMGRAPH_STAMPS to its folder or .deb file"
        promised = os.environ.get("MMGRAPH_REQUIRE_STAMPS") == "1" or os.environ.get("MMGRAPH_STAMPS")
        if promised or os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


def png(pixels: np.ndarray) -> bytes:
    """A PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def sound(samples: np.ndarray, rate: int = 8000, kind: str = "WAV") -> bytes:
    """A sound file."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind)
    return file.getvalue()


@pytest.fixture(scope="session")
def as_png() -> Callable[..., bytes]:
    """Makes a PNG file of pixels."""
    return png


@pytest.fixture(scope="session")
def as_sound() -> Callable[..., bytes]:
    """Makes a sound file of samples, a rate and a format."""
    return sound


STEMS = ("animals/birds", "food")


def stamp_contents(per_folder: int) -> dict[str, bytes]:
    """Files of made-up stamps: each has its own text, a picture of noise, and a tone whose length is its number."""
    draw = np.random.default_rng(0)
    files = {}
    for folder in STEMS:
        for number in range(per_folder):
            stem, word = (
                f"{folder}/{folder[0]}thing{chr(97 + number)}",
                f"{folder[:1]}{chr(97 + number) * (2 + number)}",
            )
            pixels = np.concatenate([draw.integers(0, 256, (20, 20, 3)), np.full((20, 20, 1), 255)], axis=2)
            files[f"{stem}.png"] = png(pixels)
            files[f"{stem}.txt"] = f"A {word}.\nfr.utf8=Un {word}.\nes.utf8=El {word}.\nru.utf8=\n".encode()
            tone = 0.3 * np.sin(np.arange(2000 + 200 * number) * 0.2) * np.hanning(2000 + 200 * number)
            spoken = sound(tone + draw.normal(0, 0.001, len(tone)), 8000, "OGG")
            files |= {f"{stem}_desc_{language}.ogg": spoken for language in LANGUAGES}
    return files


@pytest.fixture(scope="session")
def small_stamps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 16 stamps per class, as Tux Paint's is laid out."""
    root = tmp_path_factory.mktemp("stamps")
    for name, content in stamp_contents(16).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def debian_package(files: dict[str, bytes], compression: str = "xz") -> bytes:
    """A Debian package with these files under the system's folder of stamps."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=f"w:{compression}") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./usr/share/tuxpaint/stamps/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    ending = f".{compression}" if compression else ""
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", f"data.tar{ending}": data.getvalue()}
    package = b"!<arch>\n"
    for name, content in parts.items():
        package += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        package += content + b"\n" * (len(content) % 2)
    return package


@pytest.fixture(scope="session")
def as_package() -> Callable[..., bytes]:
    """Makes a Debian package of files under the system's folder of stamps."""
    return debian_package


@pytest.fixture(scope="session")
def stamp_files() -> Callable[[int], dict[str, bytes]]:
    """Files of so many made-up stamps in each of two folders."""
    return stamp_contents
