"""Shards of samples to shards of graphs, with bounded memory, going on where it stopped."""

from __future__ import annotations

import json
import pickle
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmgraph.datasets.shards import in_chunks, read_shard
from mmgraph.graph import GraphBatch

VERSION = 1


def build_shards(
    build: Callable[[Sequence[Mapping[str, Any]]], GraphBatch],
    shards: Sequence[str | Path],
    out: str | Path,
    *,
    chunk_size: int = 64,
    progress: bool = False,
) -> tuple[Path, ...]:
    """Builds the graphs of every shard into a file of its own: `shard-000003.tar` becomes `shard-000003.safetensors`.

    In memory are the raw samples of one chunk and the graphs of one shard. A file is there as a whole or not at all,
    with a small `.json` beside it that says what it was made of and by which builder; the same call goes on where an
    earlier one stopped, and makes anew what was made of another shard (by name, size and time of change) or by another
    builder. Every id of all shards is kept in memory, to see that none comes twice.

    Args:
        build: a fitted `GraphBuilder`.
        shards: `.tar` files, see `read_shard`; their names differ.
        out: folder for the graphs; it is made.
        chunk_size: samples that are built together.
        progress: show a progress bar.

    Returns:
        The files of graphs, in the order of the shards; `GraphBatch.load` reads one.

    Raises:
        ValueError: on no shard, shards of one name, a chunk size below 1; naming shard and sample, what `read_shard`
            and the builder find, and an id that comes twice.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from mmgraph.datasets.shards import write_shards
        >>> from mmgraph.features import Words
        >>> from mmgraph.relations import GraphBuilder
        >>> samples = [{"id": "a", "text": "hi"}, {"id": "b", "text": "ho"}]
        >>> builder = GraphBuilder({"text": Words()}).fit(samples)
        >>> with TemporaryDirectory() as folder:
        ...     shards = write_shards(samples, folder, per_shard=1)
        ...     files = build_shards(builder, shards, f"{folder}/graphs")
        ...     [path.name for path in files], GraphBatch.load(files[1]).ids.tolist()
        (['shard-000000.safetensors', 'shard-000001.safetensors'], ['b'])
    """
    paths, folder = [Path(shard) for shard in shards], Path(out)
    if not paths or chunk_size < 1:
        raise ValueError(f"{len(paths)} shards, {chunk_size=}: at least one of both is wanted")
    twice = sorted({path.stem for path in paths if [other.stem for other in paths].count(path.stem) > 1})
    if twice:
        raise ValueError(f"shards have names of their own, several are called {twice[0]!r}")
    folder.mkdir(parents=True, exist_ok=True)
    builder = fingerprint(build)
    seen: dict[str, str] = {}
    files = []
    for path in _bar(paths, shown=progress):
        target = folder / f"{path.stem}.safetensors"
        made_of = {"version": VERSION, **_state(path), "builder": builder}
        graphs = _finished(target, made_of)
        if graphs is None:
            graphs = _build(build, path, chunk_size)
            target.with_suffix(".json").unlink(missing_ok=True)  # an old one must not vouch for a new file
            graphs.save(target)
            _write(target.with_suffix(".json"), made_of)
        for name in graphs.ids.tolist():
            if name in seen:
                raise ValueError(f"{path}: id {name!r} is in {seen[name]}, too")
            seen[name] = path.name
        files.append(target)
    return tuple(files)


def fingerprint(build: object) -> str:
    """A hash of all that a builder is and has learned, the same in another process.

    Of a function it is the name that counts: what a change of its code would change is not noticed.

    Raises:
        ValueError: on what has no name or state to tell it by, such as a lambda.

    Example:
        >>> fingerprint(("a", 1)) == fingerprint(("a", 1)) != fingerprint(("a", 2))
        True
    """
    import joblib

    try:
        return str(joblib.hash(build, hash_name="sha1"))
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise ValueError(f"{build!r:.80} cannot be told from other builders; give a GraphBuilder") from error


def _build(build: Callable[[Sequence[Mapping[str, Any]]], GraphBatch], path: Path, chunk_size: int) -> GraphBatch:
    try:
        return GraphBatch.concat([build(chunk) for chunk in in_chunks(read_shard(path), chunk_size)])
    except ValueError as error:
        error.add_note(f"in shard {path}")
        raise


def _state(path: Path) -> dict[str, Any]:
    try:
        state = path.stat()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    return {"shard": path.name, "bytes": state.st_size, "changed": state.st_mtime_ns}


def _finished(target: Path, made_of: Mapping[str, Any]) -> GraphBatch | None:
    """The graphs of an earlier call, if they are whole and made of this; else None."""
    try:
        if json.loads(target.with_suffix(".json").read_text("utf-8")) != made_of:
            return None
        return GraphBatch.load(target)
    except (OSError, ValueError):
        return None


def _write(path: Path, content: Mapping[str, Any]) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _bar(paths: list[Path], *, shown: bool) -> Any:
    if not shown:
        return paths
    from tqdm import tqdm

    return tqdm(paths, unit="shard", desc="graphs")
