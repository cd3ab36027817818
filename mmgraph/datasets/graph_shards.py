"""Samples, in shards or composed as they are read, to files of graphs: bounded memory, going on where it stopped."""

from __future__ import annotations

import json
import pickle
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from mmgraph.datasets.shards import in_chunks, read_shard
from mmgraph.graph import GraphBatch

VERSION = 1
Build = Callable[[Sequence[Mapping[str, Any]]], GraphBatch]
"""A fitted `GraphBuilder`."""


def build_shards(
    build: Build,
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
        The files of graphs, in the order of the shards; `GraphBatch.load` maps one, `merge_files` makes one of all.

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
    twice = sorted(stem for stem, times in Counter(path.stem for path in paths).items() if times > 1)
    if twice:
        raise ValueError(f"shards have names of their own, several are called {twice[0]!r}")
    builder = fingerprint(build)
    return _build_all(
        build,
        [
            _Part(f"shard {path}", folder / f"{path.stem}.safetensors", {**_state(path), "builder": builder}, path)
            for path in paths
        ],
        chunk_size,
        progress=progress,
    )


def build_files(
    build: Build,
    samples: Sequence[Mapping[str, Any]],
    out: str | Path,
    *,
    per_file: int = 1000,
    chunk_size: int = 64,
    progress: bool = False,
) -> tuple[Path, ...]:
    """Builds the graphs of any data set into files `graphs-000000.safetensors`, ..., without holding them all.

    As `build_shards`, without shards: samples are read, or composed, a chunk at a time. In memory are the raw samples
    of one chunk, the graphs of one file, and every id. The same call goes on where an earlier one stopped. What the
    data set itself says of its samples counts; a change in files that it reads is not noticed: take a new folder.

    Args:
        build: a fitted `GraphBuilder`.
        samples: a data set, such as `SpokenGrid("train", 100_000)`.
        out: folder for the graphs; it is made.
        per_file: graphs in a file.
        chunk_size: samples that are built together.
        progress: show a progress bar.

    Returns:
        The files of graphs, in order; `merge_files` makes one of all, which `fit` takes.

    Raises:
        ValueError: on no sample, sizes below 1, a folder with files of a call that made more of them; naming the
            samples, what the builder finds, and an id that comes twice.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from mmgraph.features import Words
        >>> from mmgraph.graph import merge_files
        >>> from mmgraph.relations import GraphBuilder
        >>> samples = [{"id": name, "text": "hi"} for name in "abc"]
        >>> builder = GraphBuilder({"text": Words()}).fit(samples)
        >>> with TemporaryDirectory() as folder:
        ...     files = build_files(builder, samples, folder, per_file=2)
        ...     merge_files(files, f"{folder}/all.safetensors").ids.tolist()
        ['a', 'b', 'c']
    """
    if not len(samples) or per_file < 1 or chunk_size < 1:
        raise ValueError(f"{len(samples)} samples, {per_file=}, {chunk_size=}: at least one of each is wanted")
    made_of = {"builder": fingerprint(build), "samples": fingerprint(samples)}
    starts = range(0, len(samples), per_file)
    slices = [_Slice(samples, start, min(start + per_file, len(samples))) for start in starts]
    parts = [
        _Part(
            f"samples {part.start} to {part.stop - 1}",
            Path(out) / f"graphs-{number:06d}.safetensors",
            {**made_of, "start": part.start, "stop": part.stop},
            part,
        )
        for number, part in enumerate(slices)
    ]
    stale = sorted({*Path(out).glob(f"graphs-{'[0-9]' * 6}.safetensors")} - {part.target for part in parts})
    if stale:
        raise ValueError(
            f"{stale[0]} is of a call that made more files than these {len(parts)}, and would be read with them: take "
            "a new folder, or delete it"
        )
    return _build_all(build, parts, chunk_size, progress=progress)


@dataclass(frozen=True, eq=False)
class _Slice:
    """Some samples, read one by one."""

    samples: Sequence[Mapping[str, Any]]
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class _Part:
    """What becomes one file of graphs.

    Attributes:
        name: for messages.
        target: the file.
        made_of: what decides its content.
        source: where its samples are.
    """

    name: str
    target: Path
    made_of: Mapping[str, Any]
    source: Path | _Slice

    def read(self) -> Iterable[Mapping[str, Any]]:
        """The samples, one at a time in memory."""
        if isinstance(self.source, Path):
            return read_shard(self.source)
        return (self.source.samples[i] for i in range(self.source.start, self.source.stop))


def _build_all(build: Build, parts: Sequence[_Part], chunk_size: int, *, progress: bool) -> tuple[Path, ...]:
    parts[0].target.parent.mkdir(parents=True, exist_ok=True)
    seen: dict[str, str] = {}
    for part in _bar(parts, shown=progress):
        made_of, target = {"version": VERSION, **part.made_of}, part.target
        graphs = _finished(target, made_of)
        if graphs is None:
            graphs = _build(build, part, chunk_size)
            target.with_suffix(".json").unlink(missing_ok=True)  # an old one must not vouch for a new file
            graphs.save(target)
            _write(target.with_suffix(".json"), made_of)
        for name in graphs.ids.tolist():
            if name in seen:
                raise ValueError(f"{part.name}: id {name!r} is in {seen[name]}, too")
            seen[name] = part.name
    return tuple(part.target for part in parts)


def fingerprint(build: object) -> str:
    """A hash of all that a builder or a data set is and has learned, the same in another process.

    Of a function it is the name that counts: what a change of its code would change is not noticed.

    Raises:
        ValueError: on what has no name or state to tell it by, such as a lambda.

    Example:
        >>> fingerprint(("a", 1)) == fingerprint(("a", 1)) != fingerprint(("a", 2))
        True
    """
    from joblib.hashing import NumpyHasher

    class Hasher(NumpyHasher):
        """Of a dataclass its fields count, and not what it has looked up since, such as a table that it made in use."""

        def save(self, obj: Any) -> None:
            plain = is_dataclass(obj) and not isinstance(obj, type) and type(obj).__reduce__ is object.__reduce__
            super().save((type(obj), {f.name: getattr(obj, f.name) for f in fields(obj)}) if plain else obj)

    try:
        return str(Hasher(hash_name="sha1").hash(build))
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise ValueError(f"{build!r:.80} cannot be told from others; give a GraphBuilder, or plain samples") from error


def _build(build: Build, part: _Part, chunk_size: int) -> GraphBatch:
    try:
        return GraphBatch.concat([build(chunk) for chunk in in_chunks(part.read(), chunk_size)])
    except ValueError as error:
        error.add_note(f"in {part.name}")
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


def _bar(parts: Sequence[_Part], *, shown: bool) -> Any:
    if not shown:
        return parts
    from tqdm import tqdm

    return tqdm(parts, unit="file", desc="graphs")
