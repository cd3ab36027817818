"""Tux Paint's stamps as files: from the folder of an installed package, or from the package itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from mmgraph.datasets.debian import package_files

PACKAGE = "tuxpaint-stamps-default"
SYSTEM = Path("/usr/share/tuxpaint/stamps")
LANGUAGES = ("bg", "ca", "es", "fr", "ro", "ru")
"""Languages that nearly all stamps are described in aloud."""
_HOW = f"install it (apt-get install {PACKAGE}), or set MMGRAPH_STAMPS to its folder of stamps or to the .deb file"


@dataclass(frozen=True)
class StampFiles:
    """The files of the stamps, by their name in the folder of stamps.

    Attributes:
        path: the folder or package.
        names: of all files that a data set can need, sorted.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "star.txt").write_text("A star.")
        ...     open_stamps(folder).read("star.txt")
        b'A star.'
    """

    path: Path
    names: tuple[str, ...]
    _package: Mapping[str, bytes] | None = field(default=None, compare=False, repr=False)

    def read(self, name: str) -> bytes:
        """The content of a file. Raises ValueError, naming it, if it cannot be read."""
        if self._package is not None:
            return self._package[name]
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise ValueError(f"{self.path / name} cannot be read ({error})") from error


def find_stamps() -> Path | None:
    """Folder or package of the stamps: what `MMGRAPH_STAMPS` names, else the system's folder, else None.

    Example:
        >>> found = find_stamps()
        >>> found is None or found.exists()
        True
    """
    named = os.environ.get("MMGRAPH_STAMPS")
    path = Path(named) if named else SYSTEM
    return path if path.exists() else None


def open_stamps(root: str | Path | None = None) -> StampFiles:
    """The files of the stamps. A package is read once per process, which takes some 10 s and 160 MB of memory.

    Args:
        root: the folder that holds `animals`, `food`, ..., or the `.deb` file; None: what `find_stamps` finds.

    Raises:
        ValueError: if there is none, it holds no stamp, or the package cannot be read.

    Example:
        >>> open_stamps("nowhere")
        Traceback (most recent call last):
        ValueError: 'nowhere' is no folder of stamps and no package: install it (apt-get install ...
    """
    path = find_stamps() if root is None else Path(root)
    if path is None:
        raise ValueError(f"the stamps of Tux Paint are not on this machine: {_HOW}")
    if path.is_file():
        state = path.stat()
        files = _read_package(path, state.st_size, state.st_mtime_ns)
    elif path.is_dir():
        names = (found.relative_to(path).as_posix() for found in path.rglob("*") if found.is_file())
        files = StampFiles(path, tuple(sorted(filter(_is_needed, names))))
    else:
        raise ValueError(f"{str(path)!r} is no folder of stamps and no package: {_HOW}")
    if not files.names:
        raise ValueError(f"{str(path)!r} holds no stamp: {_HOW}")
    return files


@lru_cache(maxsize=1)
def _read_package(path: Path, size: int, changed: int) -> StampFiles:
    """Size and time of the file are there to notice a change."""
    files = {name: content for name, content in package_files(path, SYSTEM.as_posix()) if _is_needed(name)}
    return StampFiles(path, tuple(sorted(files)), files)


def _is_needed(name: str) -> bool:
    return name.endswith((".png", ".svg", ".txt", *(f"_desc_{language}.ogg" for language in LANGUAGES)))
