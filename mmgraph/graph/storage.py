"""Files of graphs: one safetensors file each, with the schema as JSON in its header. Never a pickle."""

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from mmgraph.graph import parts
from mmgraph.graph.batch import GraphBatch
from mmgraph.graph.schema import GraphSchema

FORMAT = "mmgraph.GraphBatch"
VERSION = 1
KEY = "mmgraph"  # one entry of the header's metadata, since safetensors writes several in any order


def save(batch: GraphBatch, path: str | Path) -> None:
    """Writes all graphs to one file, which is there as a whole or not at all (an old one stays until then).

    The same graphs give the same bytes. Any name will do; `.safetensors` tells other tools what it is.

    Args:
        batch: the graphs, on any device.
        path: the file; its folder exists.

    Raises:
        OSError: if the file cannot be written.

    Example:
        >>> import tempfile, torch
        >>> graph = GraphBatch.single({"text": torch.rand(2, 3)}, {("text", "next", "text"): torch.tensor([[0], [1]])})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(graph, f"{folder}/graphs.safetensors")
        ...     load(f"{folder}/graphs.safetensors").equal(graph)
        True
    """
    from safetensors.numpy import save_file

    path = Path(path)
    tensors = {name_of(where): value.detach().cpu().contiguous() for where, value in parts.take_apart(batch).items()}
    header = {"format": FORMAT, "version": VERSION, "schema": batch.schema.to_json()}
    header["sha256"] = _digest(batch.schema, tensors)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("wb"):  # for an OSError that names the file
            mode = temporary.stat().st_mode
        arrays = {name: value.numpy() for name, value in tensors.items()}
        save_file(arrays, temporary, metadata={KEY: json.dumps(header)})
        if temporary.stat().st_mode != mode:  # safetensors puts a file of its own there, which only its owner may read
            temporary.chmod(mode)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load(path: str | Path, *, verify: bool = False) -> GraphBatch:
    """The graphs that `save` wrote, memory-mapped: what is not used is not read. Changing them changes no file.

    A file that was cut short is always recognised. One whose values were altered is with `verify`, which reads it all.

    Args:
        path: the file.
        verify: compare the content with the hash that was stored with it.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it cannot be read, was cut short or altered, is a pickle or another file, or was
            written by a version of mmgraph with another format.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    _refuse_pickle(path)
    try:
        with safe_open(path, framework="pt") as file:
            header = _header(path, file.metadata())
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{path} is no whole safetensors file ({error}); was it cut short?") from error
    try:
        schema = GraphSchema.from_json(header["schema"])
        batch = parts.put_together(schema, {tuple(json.loads(name)): value for name, value in tensors.items()})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} lacks a part of its graphs or has an unknown one: {error!r}") from error
    if verify and _digest(schema, tensors) != header.get("sha256"):
        raise ValueError(f"{path} was altered since it was saved: its content does not match its hash")
    return batch


def content_hash(batch: GraphBatch) -> str:
    """A SHA-256 of schema and content, the same for equal batches on every machine; also what a file stores.

    Example:
        >>> import torch
        >>> graph = GraphBatch.single({"text": torch.zeros(2, 3)}, {})
        >>> content_hash(graph[[0, 0]]) == content_hash(GraphBatch.concat([graph, graph]))
        True
    """
    tensors = {name_of(where): value.detach().cpu().contiguous() for where, value in parts.take_apart(batch).items()}
    return _digest(batch.schema, tensors)


def name_of(where: parts.Path) -> str:
    """What a tensor is called in a file.

    Example:
        >>> name_of(("nodes", "text", "x"))
        '["nodes", "text", "x"]'
    """
    return json.dumps(where)  # a name may hold any sign, so that joining them with one would be ambiguous


def _digest(schema: GraphSchema, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps([FORMAT, VERSION, schema.to_json()]).encode())
    for name in sorted(tensors):
        value = tensors[name].contiguous()
        digest.update(json.dumps([name, str(value.dtype), list(value.shape)]).encode())
        digest.update(value.numpy().reshape(-1).view("uint8").data)
    return digest.hexdigest()


def _refuse_pickle(path: Path) -> None:
    """Says so where a pickle, or an archive as `torch.save` writes it, stands in place of a safetensors file."""
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    safetensors = start[8:9] == b"{"  # after the header's length, whose bytes may be any
    if not safetensors and (start[:4] == b"PK\x03\x04" or (start[:1] == b"\x80" and start[1:2] in b"\0\1\2\3\4\5")):
        raise ValueError(f"{path} is a pickle, which can run any code when it is opened; pickles are refused")


def _header(path: Path, metadata: Mapping[str, str] | None) -> dict[str, Any]:
    try:
        header = json.loads((metadata or {})[KEY])
        found = header["format"], header["version"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is a safetensors file, but holds no graphs of mmgraph") from error
    if found != (FORMAT, VERSION):
        raise ValueError(f"{path} has format {found}, this version of mmgraph reads {(FORMAT, VERSION)}: save it again")
    return header
