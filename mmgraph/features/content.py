"""A digest of what something holds: what a cache goes by."""

import hashlib
import inspect
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

import mmgraph.media

PACKAGES = (
    *("mmgraph", "numpy", "scipy", "torch", "scikit-image", "pillow", "tokenizers", "spacy", "transformers"),
    "pyopen-wakeword",
)
"""What features are computed with; another version may compute others."""


def digest(value: object) -> str:
    """SHA-256 of the content of a raw input: numbers, texts, arrays, lists, mappings, dataclasses, in any nesting.

    Two values have the same digest only if types, shapes and all numbers are the same. A `Path` stands for the content
    of the file or folder, a Pillow image for its pixels.

    Raises:
        ValueError: for an object whose content is not known, or a path where there is nothing.

    Example:
        >>> digest((np.zeros(2), 8000)) == digest((np.zeros(2), 8000)), digest(np.zeros(2)) == digest(np.zeros((2, 1)))
        (True, False)
    """
    sha = hashlib.sha256()
    _add(sha, value)
    return sha.hexdigest()


def front_end_digest(front_end: Any) -> str:
    """The same of a front end: its settings, what it has learned, the code that it runs, versions of packages.

    Example:
        >>> from mmgraph.features import Patches
        >>> front_end_digest(Patches(2)) == front_end_digest(Patches(2)), Patches(2) == Patches(4)
        (True, False)
    """
    sha = hashlib.sha256()
    _add(sha, front_end)
    for kind in sorted({type(part) for part in _parts(front_end)}, key=lambda kind: kind.__qualname__):
        sha.update(_code(kind).encode())
    sha.update(_surroundings().encode())
    return sha.hexdigest()


def _add(sha: Any, value: Any) -> None:
    """Each value as its type, its length and its bytes, so that no two make the same sequence."""
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        data = value if isinstance(value, bytes) else repr(value).encode(errors="surrogatepass")
        _bytes(sha, type(value).__name__, data)
    elif isinstance(value, Path):
        _path(sha, value)
    elif isinstance(value, np.ndarray | np.generic | Tensor):
        array = np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value)
        if array.dtype.hasobject:
            raise ValueError(f"an array of {array.dtype} has no known content; make it numbers or strings")
        _bytes(sha, f"array {array.dtype.str} {array.shape}", np.ascontiguousarray(array).tobytes())
    elif is_dataclass(value) and not isinstance(value, type):
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        _bytes(sha, "dataclass", kind.encode())
        _add(sha, {field.name: getattr(value, field.name) for field in fields(value)})
    elif isinstance(value, Mapping):
        _bytes(sha, f"mapping of {len(value)}", b"")
        for key in sorted(value, key=lambda key: (type(key).__name__, repr(key))):
            _add(sha, key)
            _add(sha, value[key])
    elif isinstance(value, Sequence | AbstractSet):
        items = sorted(value, key=repr) if isinstance(value, AbstractSet) else value
        _bytes(sha, f"{'set' if isinstance(value, AbstractSet) else 'list'} of {len(value)}", b"")
        for item in items:
            _add(sha, item)
    elif type(value).__module__.startswith("PIL."):
        _add(sha, (value.mode, value.size, value.tobytes(), value.getpalette(), value.info.get("transparency")))
    else:
        raise ValueError(f"the content of a {type(value).__name__} is not known; give arrays, texts, lists or mappings")


def _bytes(sha: Any, kind: str, data: bytes) -> None:
    sha.update(f"{kind} {len(data)}:".encode())
    sha.update(data)


def _path(sha: Any, path: Path) -> None:
    if path.is_file():
        with path.open("rb") as file:
            _bytes(sha, "file", hashlib.file_digest(file, "sha256").digest())
    elif path.is_dir():
        inside = sorted(part for part in path.rglob("*") if part.is_file())
        _bytes(sha, f"folder of {len(inside)}", b"")
        for part in inside:
            _bytes(sha, "name", part.relative_to(path).as_posix().encode(errors="surrogatepass"))
            _path(sha, part)
    else:
        raise ValueError(f"{path}: no such file or folder")


def _parts(front_end: Any) -> list[Any]:
    """A front end and those inside it."""
    inner = [getattr(front_end, field.name) for field in fields(front_end)]
    return [front_end, *(part for value in inner if is_dataclass(value) for part in _parts(value))]


def _code(kind: type[Any]) -> str:
    """The source of the module that defines a front end; `mmgraph.features` itself is in `_surroundings`."""
    try:
        return Path(inspect.getfile(kind)).read_text()
    except (OSError, TypeError) as error:
        name = kind.__qualname__
        raise ValueError(f"{name} has no source file, so that changes of it cannot be seen; move it to one") from error


@cache
def _surroundings() -> str:
    """Source of this room and of the one that reads its files, and versions."""
    rooms = (Path(__file__).parent, Path(mmgraph.media.__file__).parent)
    sources = [path.read_text() for room in rooms for path in sorted(room.glob("*.py"))]
    return "\n".join([*sources, *(f"{name} {_version(name)}" for name in PACKAGES)])


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
