"""`merge_files`: the graphs of several files in one, without holding them in memory."""

import hashlib
import json
import os
import secrets
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from mmgraph.graph import parts, storage
from mmgraph.graph.batch import GraphBatch
from mmgraph.graph.ragged import row_ptr, running_ptr, to_ptr

BLOCK = 1 << 22
"""Bytes that are copied at a time."""
_ORDER = ("BOOL", "U8", "I8", "I16", "F16", "BF16", "I32", "F32", "F64", "I64")
"""In a file, tensors stand in the reverse of this order, and by name: as the safetensors library writes them."""


def merge_files(files: Sequence[str | Path], out: str | Path) -> GraphBatch:
    """Joins files of graphs, as `GraphBatch.save` wrote them, to one: byte for byte that of all graphs together.

    In memory are the offsets of all graphs and a few megabytes; nothing else is ever there as a whole. What is given
    back is the memory-mapped file: a `GraphBatch` like any other, from which a `Loader`, `fit` or
    `graphs[torch.randperm(len(graphs))[:128]]` reads random mini-batches, and what is not used is not read.

    Args:
        files: one or more, of one schema; their graphs come in this order.
        out: the new file, which is there as a whole or not at all; its folder exists, and it is none of `files`.

    Returns:
        `GraphBatch.load(out)`.

    Raises:
        FileNotFoundError: if one of the files is not there.
        ValueError: naming the file, if it is none of graphs, or has another schema or other types of numbers than the
            first; if there is none, or `out` is among them.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> graphs = [GraphBatch.single({"text": torch.full((2, 1), i)}, {}, id=f"s{i}") for i in (1.0, 2.0)]
        >>> with TemporaryDirectory() as folder:
        ...     for graph in graphs:
        ...         graph.save(f"{folder}/{graph.ids[0]}.safetensors")
        ...     merged = merge_files([f"{folder}/s1.0.safetensors", f"{folder}/s2.0.safetensors"], f"{folder}/all")
        ...     merged.equal(GraphBatch.concat(graphs))
        True
    """
    paths, out = [Path(file) for file in files], Path(out)
    if not paths:
        raise ValueError("nothing to merge: give at least one file of graphs")
    if out.resolve() in [path.resolve() for path in paths]:
        raise ValueError(f"{out} is one of the files that are merged: give another name")
    tensors = _tensors([_source(path) for path in paths])
    schema = storage.load(paths[0]).schema
    header: dict[str, Any] = {"format": storage.FORMAT, "version": storage.VERSION, "schema": schema.to_json()}
    digest = hashlib.sha256(json.dumps([storage.FORMAT, storage.VERSION, schema.to_json()]).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(json.dumps([name, tensor.dtype, list(tensor.shape)]).encode())
        for block in tensor.blocks():
            digest.update(block)
    header["sha256"] = digest.hexdigest()
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("wb") as file:
            _write(file, tensors, {storage.KEY: json.dumps(header)})
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    return storage.load(out)


@dataclass(frozen=True, eq=False)
class _Tensor:
    """A tensor of the new file, in pieces: values that were computed, or bytes of a file."""

    code: str  # as safetensors names the type
    dtype: str  # as torch names it
    shape: tuple[int, ...]
    pieces: Sequence[bytes | tuple[Path, int, int]]

    @property
    def size(self) -> int:
        return sum(len(piece) if isinstance(piece, bytes) else piece[2] - piece[1] for piece in self.pieces)

    def blocks(self) -> Iterator[bytes]:
        """The bytes in order, a few megabytes at a time."""
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield piece
                continue
            path, start, stop = piece
            with path.open("rb") as file:
                file.seek(start)
                for place in range(start, stop, BLOCK):
                    yield file.read(min(BLOCK, stop - place))


@dataclass(frozen=True, eq=False)
class _Source:
    """A file of graphs: its tensors, mapped, and where their bytes are."""

    path: Path
    batch: GraphBatch
    tensors: Mapping[parts.Path, Tensor]
    codes: Mapping[parts.Path, str]
    starts: Mapping[parts.Path, int]

    def rows(self, where: parts.Path, start: int = 0, stop: int | None = None) -> tuple[Path, int, int]:
        """The bytes of some rows of a tensor, of all if not said."""
        tensor = self.tensors[where]
        row = tensor.element_size() * tensor[:1].numel()  # 0 without rows
        first = self.starts[where]
        return self.path, first + start * row, first + (tensor.shape[0] if stop is None else stop) * row


def _source(path: Path) -> _Source:
    batch = storage.load(path)  # says what is wrong with another file
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        entries = json.loads(file.read(length))
    entries.pop("__metadata__")
    names = {tuple(json.loads(name)): entry for name, entry in entries.items()}
    starts = {where: 8 + length + entry["data_offsets"][0] for where, entry in names.items()}
    return _Source(path, batch, parts.take_apart(batch), {w: entry["dtype"] for w, entry in names.items()}, starts)


def _tensors(sources: Sequence[_Source]) -> dict[str, _Tensor]:
    """All tensors of the new file by their names there."""
    first = sources[0]
    for source in sources:
        if source.batch.schema != first.batch.schema:
            raise ValueError(f"{source.path} has another schema than {first.path}")
        if source.codes != first.codes:
            raise ValueError(f"{source.path} holds other types of numbers than {first.path}")
    tensors = {}
    for where, tensor in first.tensors.items():
        alike = [source.tensors[where] for source in sources]
        if _is_ptr(where):
            offsets = _joined_ptr(where, alike)
            pieces: list[Any] = [offsets.numpy().tobytes()]
            shape = tuple(offsets.shape)
        else:
            pieces = _by_modality(sources, where) if where[0] == "edges" and len(where) == 2 else []
            pieces = pieces or [source.rows(where) for source in sources]
            shape = (sum(len(part) for part in alike), *tensor.shape[1:])
        tensors[storage.name_of(where)] = _Tensor(first.codes[where], str(tensor.dtype), shape, pieces)
    return tensors


def _is_ptr(where: parts.Path) -> bool:
    """Whether a tensor holds offsets, which start at 0 in every file."""
    last = {("ids", 2): 1, ("nodes", 3): 2, ("nodes", 5): 4, ("edges", 2): 1}.get((where[0], len(where)))
    return last is not None and where[last] in ("ptr", "relation_ptr")


def _joined_ptr(where: parts.Path, ptrs: Sequence[Tensor]) -> Tensor:
    """The offsets of all graphs from those of the files."""
    counts = torch.cat([ptr.diff() for ptr in ptrs], -1)
    if where == ("edges", "ptr"):
        return running_ptr(counts)
    return row_ptr(counts) if where == ("edges", "relation_ptr") else to_ptr(counts)


def _by_modality(sources: Sequence[_Source], where: parts.Path) -> list[tuple[Path, int, int]]:
    """The rows of an edge or degree column: those into the first modality of all files, then those into the next."""
    pieces = []
    nodes = [[0] * (len(first.batch.nodes) + 1) for first in sources]
    for counts, source in zip(nodes, sources, strict=True):
        for m, value in enumerate(source.batch.nodes.values()):
            counts[m + 1] = counts[m] + value.num_nodes
    edges = [[0, *source.batch.edges.ptr[:, -1].tolist()] for source in sources]
    ends = nodes if where[1] == "degree" else edges
    for m in range(len(sources[0].batch.nodes)):
        pieces += [source.rows(where, *list(pairwise(end))[m]) for source, end in zip(sources, ends, strict=True)]
    return pieces


def _write(file: BinaryIO, tensors: Mapping[str, _Tensor], metadata: Mapping[str, str]) -> None:
    """A safetensors file, as its library writes it."""
    order = sorted(tensors, key=lambda name: (-_ORDER.index(tensors[name].code), name.encode()))
    entries: dict[str, Any] = {"__metadata__": metadata}
    place = 0
    for name in order:
        tensor = tensors[name]
        offsets = [place, place := place + tensor.size]
        entries[name] = {"dtype": tensor.code, "shape": tensor.shape, "data_offsets": offsets}
    header = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    file.write(struct.pack("<Q", len(header)) + header)
    for name in order:
        for block in tensors[name].blocks():
            file.write(block)
    file.flush()
    os.fsync(file.fileno())
