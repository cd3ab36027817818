"""Debian packages read as they are, without installing them: an `ar` archive with a compressed tar in it."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

MAX_MEMBER = 1 << 28
"""Bytes that one file of a package may have."""
_MAGIC = b"!<arch>\n"


def package_files(path: str | Path, folder: str) -> Iterator[tuple[str, bytes]]:
    r"""Name and content of every file of a `.deb` package below a folder, in one pass over it.

    Args:
        path: the package.
        folder: as in "usr/share/tuxpaint/stamps"; names are relative to it.

    Raises:
        ValueError: naming the package, if it is none, was cut off or damaged, its files are compressed with something
            else than xz or gzip, or one has more than `MAX_MEMBER` bytes.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     package = Path(folder, "empty.deb")
        ...     _ = package.write_bytes(b"!<arch>\n")
        ...     list(package_files(package, "usr/share"))
        Traceback (most recent call last):
        ValueError: ...empty.deb is no whole Debian package (it has no data.tar)
    """
    path, prefix = Path(path), f"./{folder.strip('/')}/"
    try:
        with path.open("rb") as file, _data(file) as data, tarfile.open(fileobj=data, mode="r|") as archive:
            for member in archive:
                if not member.isreg() or not member.name.startswith(prefix):
                    continue
                if member.size > MAX_MEMBER:
                    raise ValueError(f"{member.name} has {member.size:,} bytes, more than {MAX_MEMBER:,}")
                content = archive.extractfile(member)
                yield member.name.removeprefix(prefix), b"" if content is None else content.read()
            while data.read(1 << 20):  # the check sum stands at the end of the compressed data
                pass
    except GeneratorExit:
        raise
    except Exception as error:  # OSError, EOFError, LZMAError, TarError, zlib.error: what a damaged file leads to
        raise ValueError(f"{path} is no whole Debian package ({error})") from error


def _data(file: IO[bytes]) -> Any:
    """The tar with the files of a package, uncompressed while it is read."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("it does not begin as one")
    while header := file.read(60):
        if len(header) < 60 or header[58:] != b"`\n" or not header[48:58].strip().isdigit():
            raise ValueError("a damaged header")
        name, size = header[:16].decode("latin-1").strip().rstrip("/"), int(header[48:58])
        if name.startswith("data.tar"):
            part = io.BufferedReader(_Part(file, size))
            match name.removeprefix("data.tar"):
                case ".xz":
                    return lzma.open(part)
                case ".gz":
                    return gzip.open(part)
                case "":
                    return part
            raise ValueError(f"{name} is compressed with something else than xz or gzip: `dpkg-deb -x` unpacks it")
        file.seek(size + size % 2, io.SEEK_CUR)
    raise ValueError("it has no data.tar")


class _Part(io.RawIOBase):
    """A part of a file as a file; one that is shorter than announced is an error."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file, self.left = file, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self.file.read(min(len(buffer), self.left))
        if self.left and not content:
            raise EOFError(f"the file was cut off, {self.left:,} bytes are missing")
        self.left -= len(content)
        buffer[: len(content)] = content
        return len(content)
