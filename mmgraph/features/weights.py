"""Weights of pretrained models: local files only, known by their content."""

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path


def weights_folder(path: Path | str | None, package: str, inside: str, install: str) -> Path:
    """A folder that the caller names, or the one inside an installed package; nothing is downloaded.

    Args:
        path: the caller's folder, or None.
        package: name for import of a package that brings the weights; it is found, not imported.
        inside: the folder inside the package.
        install: what to say where it is not installed.

    Raises:
        ValueError: if the caller's folder is not there.
        ImportError: if there is neither folder nor package.

    Example:
        >>> weights_folder(None, "mmgraph", "graphs", "").name
        'graphs'
    """
    if path is not None:
        if not Path(path).is_dir():
            raise ValueError(f"{path}: no such folder; weights are loaded from local files only")
        return Path(path)
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ImportError(install)
    return Path(spec.origin).parent / inside


def check_digest(folder: Path, given: str) -> str:
    """The digest of all files in a folder, which is `given` unless that is "".

    Raises:
        ValueError: if it is another: the weights are not those that were used before.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     len(check_digest(Path(folder), ""))
        64
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc"))
    stamps = tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files)
    found = _digest(str(folder), stamps)
    if given not in ("", found):
        raise ValueError(f"{folder}: the files have the digest {found}, expected {given}; they have changed")
    return found


@cache
def _digest(folder: str, stamps: tuple[tuple[str, int, int], ...]) -> str:
    """Read once per process and state of the files: weights are large."""
    sha = hashlib.sha256()
    for path, size, _ in stamps:
        sha.update(f"{Path(path).relative_to(folder).as_posix()} {size}:".encode())
        with open(path, "rb") as file:
            sha.update(hashlib.file_digest(file, "sha256").digest())
    return sha.hexdigest()
