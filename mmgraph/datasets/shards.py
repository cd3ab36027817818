"""Shards: samples in tar files, after WebDataset's convention, for collections that do not fit into memory."""

from __future__ import annotations

import io
import json
import re
import secrets
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from mmgraph.media import decode_image, decode_sound, decode_text

MAX_MEMBER = 1 << 30
"""Bytes that one file in a shard may have."""
_IMAGES = ("png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "webp", "ppm")
_SOUNDS = ("wav", "flac", "ogg", "mp3", "aiff")
_ID = re.compile(r"[^./\x00]+(?:/[^./\x00]+)*")
_KEY = re.compile(r"[^/\x00]+")


def write_shards(
    samples: Sequence[Mapping[str, Any]], folder: str | Path, *, per_shard: int = 1000
) -> tuple[Path, ...]:
    """Writes samples to `shard-000000.tar`, `shard-000001.tar`, ..., which `read_shard` reads again without loss.

    Sounds are written as WAV of 32-bit floats, uint8 images [height, width, 3] as PNG, other arrays as `.npy`, texts
    as UTF-8, plain numbers as JSON; what is None is left out, and so is `truth`. A shard is there as a whole or not at
    all.

    Args:
        samples: raw samples; ids are file names without a dot, `/` for folders; keys hold no `/`.
        folder: where they go; it is made.
        per_shard: samples in a shard.

    Raises:
        ValueError: naming the sample: on an id that is no file name or comes twice, a key that is no part of one, a
            value of another kind, a sound or text that could not be read again, or no sample; or if the folder has
            shards already.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     paths = write_shards([{"id": "a", "text": "hello", "answer": 3}, {"id": "b", "text": "ho"}], folder)
        ...     list(read_shard(paths[0]))
        [{'id': 'a', 'text': 'hello', 'answer': 3}, {'id': 'b', 'text': 'ho'}]
    """
    folder = Path(folder)
    if not len(samples) or per_shard < 1:
        raise ValueError(f"{len(samples)} samples, {per_shard=}: at least one of both is wanted")
    if any(folder.glob("shard-*.tar")):
        raise ValueError(f"{folder} has shards already: give another folder, or remove them")
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    seen: set[str] = set()
    for start in range(0, len(samples), per_shard):
        path = folder / f"shard-{len(paths):06d}.tar"
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            with tarfile.open(temporary, "w") as archive:
                for index in range(start, min(start + per_shard, len(samples))):
                    _add(archive, samples[index], seen)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        paths.append(path)
    return tuple(paths)


def _add(archive: tarfile.TarFile, sample: Mapping[str, Any], seen: set[str]) -> None:
    name = sample.get("id")
    if not isinstance(name, str) or _ID.fullmatch(name) is None or name in seen:
        raise ValueError(f"id {name!r} is no file name without a dot, or comes twice")
    seen.add(name)
    plain = {}
    files = 0
    for key, value in sample.items():
        if key in ("id", "truth") or value is None:
            continue
        if not isinstance(key, str) or _KEY.fullmatch(key) is None:
            raise ValueError(f"key {key!r} of sample {name!r} is no part of a file name")
        if isinstance(value, bool | int | float | np.bool_ | np.integer | np.floating):
            plain[key] = value.item() if isinstance(value, np.generic) else value
            continue
        try:
            ending, content = _encode(value)
        except ValueError as error:
            error.add_note(f"in {key!r} of sample {name!r}")
            raise
        _write(archive, f"{name}.{key}.{ending}", content)
        files += 1
    if plain or not files:
        _write(archive, f"{name}.json", json.dumps(plain).encode())


def _write(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _encode(value: object) -> tuple[str, bytes]:
    file = io.BytesIO()
    if isinstance(value, str):
        if decode_text(value.encode()) != value:
            raise ValueError("a text has white space at its ends, which a file of text does not keep: strip it")
        return "txt", value.encode()
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], np.ndarray):
        return "wav", _wav(*value)
    if isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim == 3 and value.shape[2] == 3:
        from PIL import Image

        Image.fromarray(value).save(file, "PNG")
        return "png", file.getvalue()
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        np.save(file, value, allow_pickle=False)
        return "npy", file.getvalue()
    raise ValueError(f"a {type(value).__name__} cannot be written: text, number, array, or (samples, rate) can")


def _wav(samples: np.ndarray, rate: Any) -> bytes:
    import soundfile

    if samples.dtype.kind != "f" or not isinstance(rate, int | float | np.number) or rate != int(rate):
        raise ValueError(f"a sound is (floats, whole rate in Hz), got {samples.dtype} and rate={rate!r}")
    file = io.BytesIO()
    try:
        # As float32: soundfile does not look at the byte order of what it is given.
        soundfile.write(file, samples.astype(np.float32), int(rate), format="WAV", subtype="FLOAT")
        decode_sound(file.getvalue())  # so that nothing is written that cannot be read
    except (soundfile.SoundFileError, ValueError, IndexError) as error:
        raise ValueError(f"a sound of shape {samples.shape} at {rate} Hz cannot be written: {error}") from error
    return file.getvalue()


def read_shard(path: str | Path) -> Iterator[dict[str, Any]]:
    """The samples of a shard, one after the other; one at a time is in memory.

    Files with the same name up to the first dot are one sample, and stand together, as WebDataset wants it. What comes
    after it says which input it is: `.image.png` is `image`, `.left.jpg` is `left`; a bare `.png` or `.jpg` is `image`,
    `.wav`, `.flac`, `.ogg` or `.mp3` `audio`, `.txt` `text`, `.cls` the whole number `label`, `.npy` `features`;
    the keys of an object in `.json` are targets.

    Args:
        path: an uncompressed `.tar` file.

    Raises:
        ValueError: naming shard and file: if it is no whole tar, something in it is damaged or of another kind, is a
            link, has more than `MAX_MEMBER` bytes, or an id or a key comes twice.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with tarfile.open(f"{folder}/a.tar", "w") as archive:
        ...         _write(archive, "000.txt", b"hello")
        ...         _write(archive, "000.cls", b"3")
        ...     list(read_shard(f"{folder}/a.tar"))
        [{'id': '000', 'text': 'hello', 'label': 3}]
    """
    path = Path(path)
    sample: dict[str, Any] = {}
    seen: set[str] = set()
    for name, content in _members(path):
        identity, _, ending = name.rpartition("/")[2].partition(".")
        identity = name[: len(name) - len(ending) - 1] if ending else name
        if sample.get("id") != identity:
            if sample:
                yield sample
            if identity in seen:
                raise ValueError(f"{path}, {name}: sample {identity!r} came before; its files have to stand together")
            seen.add(identity)
            sample = {"id": identity}
        try:
            for key, value in _decode(ending, content).items():
                if key in sample:
                    raise ValueError(f"{key!r} is given twice")
                sample[key] = value
        except (ValueError, RecursionError) as error:  # JSON may be nested without end
            raise ValueError(f"{path}, {name}: {error}") from error
    if not sample:
        raise ValueError(f"{path} holds no sample")
    yield sample


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with path.open("rb") as file:
            file.seek(0, io.SEEK_END)
            file.seek(max(0, file.tell() - 1024))
            if file.read() != bytes(1024):  # tarfile takes a file that was cut between two members for a whole one
                raise ValueError("its end is missing")
            file.seek(0)
            with tarfile.open(fileobj=file, mode="r:") as archive:
                for member in archive:
                    if member.isdir():
                        continue
                    if not member.isreg() or member.issparse() or member.size > MAX_MEMBER:
                        raise ValueError(f"{member.name} is no file of up to {MAX_MEMBER:,} bytes")
                    content = archive.extractfile(member)
                    yield member.name, b"" if content is None else content.read()
    except GeneratorExit:
        raise
    except (OSError, tarfile.TarError, ValueError, EOFError, OverflowError) as error:
        raise ValueError(f"{path} is no whole tar ({error})") from error


def _decode(ending: str, content: bytes) -> dict[str, Any]:
    name, _, kind = ending.rpartition(".")
    kind = kind.lower()
    if kind in _IMAGES:
        return {name or "image": decode_image(content)}
    if kind in _SOUNDS:
        return {name or "audio": decode_sound(content)}
    if kind == "txt":
        return {name or "text": decode_text(content)}
    if kind == "cls":
        return {name or "label": int(content.decode("ascii"))}
    if kind == "npy":
        return {name or "features": _array(content)}
    if kind == "json":
        targets = json.loads(content.decode("utf-8"))
        if not isinstance(targets, dict):
            raise ValueError(f"an object is wanted, got {type(targets).__name__}")
        return {name: targets} if name else targets
    raise ValueError(f"files that end in .{ending} are not read: remove it or name it otherwise")


def _array(content: bytes) -> np.ndarray:
    """An array, whose header is checked before memory is taken for it."""
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        if dtype.kind not in "fiub" or int(np.prod(shape, dtype=object)) * dtype.itemsize != len(content) - file.tell():
            raise ValueError(f"{dtype} of shape {shape} in {len(content):,} bytes")
        file.seek(0)
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    except Exception as error:
        raise ValueError(f"no array of numbers that can be read ({error})") from error


def in_chunks(samples: Iterable[Mapping[str, Any]], size: int) -> Iterator[list[Mapping[str, Any]]]:
    """Lists of `size` samples, the last one shorter.

    Example:
        >>> [len(chunk) for chunk in in_chunks(iter([{"id": "a"}, {"id": "b"}, {"id": "c"}]), 2)]
        [2, 1]
    """
    rest = iter(samples)
    while chunk := list(islice(rest, size)):
        yield chunk
