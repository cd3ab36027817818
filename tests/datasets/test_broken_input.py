"""Broken input of every kind, for every reader: a clear error that names the file, or what was really in it.

96 cases in an ordinary run, more with `make fuzz`, see tests/fuzz.py.
"""

import contextlib
import io
import json
import pickle
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mmgraph.datasets import CSD, MMSA, Dialogues, Folder, MultiBench, build_shards, read_pickle, read_shard
from mmgraph.datasets.debian import package_files
from mmgraph.datasets.recordings import recorded_digits
from mmgraph.features import Words
from mmgraph.graph import GraphBatch
from mmgraph.relations import GraphBuilder
from tests.fuzz import cases

SECONDS = 20
"""Longest that one case may take, on a busy machine; each takes some milliseconds."""


@dataclass(frozen=True)
class Reader:
    """A reader, the file that is damaged for it, and how much of a damaged file has to be noticed.

    Attributes:
        name: of the file that is damaged.
        content: of the file as it should be.
        read: everything that the reader gives for a folder.
        others: further files of the folder.
        sees_cuts: whether a file that was cut off is always an error; of a CSV or a line of JSON the last rows may be
            gone at a line's end.
    """

    name: str
    content: bytes
    read: Callable[[Path], Any]
    others: Mapping[str, bytes]
    sees_cuts: bool = True


def image(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 12, 3)).astype(np.uint8)).save(file, kind)
    return file.getvalue()


def sound(kind: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.sin(np.arange(2000) * 0.1) * 0.5, 8000, format=kind)
    return file.getvalue()


def tar(prefix: str = "") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in [("a.png", image("PNG")), ("a.wav", sound("WAV")), ("b.txt", b"hello"), ("b.cls", b"3")]:
            member = tarfile.TarInfo(prefix + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def package() -> bytes:
    import lzma

    data = lzma.compress(tar("./usr/"))
    header = f"{'data.tar.xz':<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode()
    return b"!<arch>\n" + header + data + b"\n" * (len(data) % 2)


def sequence() -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        for video in ("v1", "v2"):
            h5[f"x/data/{video}/features"] = np.ones((4, 3))
            h5[f"x/data/{video}/intervals"] = np.array([[0, 1], [1, 2], [2, 3], [3, 4.0]])
    return file.getvalue()


def graphs() -> bytes:
    batch = GraphBatch.concat([GraphBatch.single({"text": torch.ones(2, 3)}, {}, id=name) for name in "ab"])
    with TemporaryDirectory() as folder:
        batch.save(Path(folder) / "g")
        return (Path(folder) / "g").read_bytes()


def samples(data: Any) -> list[Any]:
    return [data[i] for i in range(len(data))]


TABLE = b"id,image,audio,text,label,split,speaker\na,a.png,a.wav,one,1,train,x\nb,,,two,2,val,y\nc,a.png,,,,test,z\n"
LINES = b'{"id": "a", "image": "a.png", "label": 1}\n{"id": "b", "text": "two", "label": null}\n'
MMSA_PART = {
    "id": ["v$_$1", "w$_$2"],
    "raw_text": ["one", "two"],
    "audio": np.ones((2, 3, 4)),
    "audio_lengths": [2, 3],
    "regression_labels": np.array([1.0, -1.0]),
}
BENCH_PART = {"id": ["a", "b"], "text": np.ones((2, 3, 4)), "vision": np.ones((2, 3, 2)), "labels": np.ones((2, 1, 1))}
TALK = (
    {"d": [0, 1], "e": [2]},
    {"d": [np.ones(3), np.zeros(3)], "e": [np.ones(3)]},
    {"d": ["Hi.", "Ho."], "e": ["Hm."]},
    ["e"],
    ["d"],
)
MEDIA = {"a.png": image("PNG"), "a.wav": sound("WAV")}


def in_folder(name: str, content: bytes) -> Reader:
    """A folder whose one row has this file."""
    column = {"png": "image", "jpg": "image", "gif": "image"}.get(name.rpartition(".")[2], "audio")
    return Reader(name, content, lambda root: samples(Folder(root)), {"manifest.csv": f"{column}\n{name}\n".encode()})


def clip_names() -> dict[str, bytes]:
    return {f"{digit}_{who}_{take}.wav": sound("WAV") for digit in (1, 2) for who in ("ann", "bob") for take in (0, 1)}


def splits_of(path: Path, data_set: Any) -> list[Any]:
    return samples(data_set(path, "train")) + samples(data_set(path, "test"))


READERS = {
    "folder, csv": Reader("manifest.csv", TABLE, lambda root: samples(Folder(root)), MEDIA, sees_cuts=False),
    "folder, jsonl": Reader("manifest.jsonl", LINES, lambda root: samples(Folder(root)), MEDIA, sees_cuts=False),
    "folder, png": in_folder("x.png", image("PNG")),
    "folder, jpg": in_folder("x.jpg", image("JPEG")),
    "folder, gif": in_folder("x.gif", image("GIF")),
    "folder, wav": in_folder("x.wav", sound("WAV")),
    "folder, flac": in_folder("x.flac", sound("FLAC")),
    "folder, ogg": in_folder("x.ogg", sound("OGG")),
    "shard": Reader("s.tar", tar(), lambda root: list(read_shard(root / "s.tar")), {}),
    "package": Reader("p.deb", package(), lambda root: list(package_files(root / "p.deb", "usr")), {}),
    "pickle": Reader("d.pkl", pickle.dumps([{"x": np.ones(3)}, ("a", 2.0)]), lambda r: read_pickle(r / "d.pkl"), {}),
    "MMSA": Reader(
        "m.pkl",
        pickle.dumps({"train": MMSA_PART, "test": {**MMSA_PART, "id": ["x$_$1", "x$_$2"]}}),
        lambda root: splits_of(root / "m.pkl", MMSA),
        {},
    ),
    "MultiBench": Reader(
        "b.pkl",
        pickle.dumps({"train": BENCH_PART, "test": BENCH_PART}),
        lambda root: splits_of(root / "b.pkl", MultiBench),
        {},
    ),
    "dialogues": Reader(
        "t.pkl",
        pickle.dumps(TALK),
        lambda root: samples(Dialogues(root / "t.pkl", "test", parts=("labels", "text", "sentences", "train", "test"))),
        {},
    ),
    "CSD": Reader("x.csd", sequence(), lambda root: samples(CSD({"audio": root / "x.csd"})), {}),
    "graphs": Reader(
        "g.safetensors", graphs(), lambda r: GraphBatch.load(r / "g.safetensors", verify=True).ids.tolist(), {}
    ),
    "recordings": Reader("1_ann_0.wav", sound("WAV"), lambda root: samples(recorded_digits(root)), clip_names()),
}


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> tuple[str, bytes]:
    """The content cut off, emptied, with other bytes in it, a part left out or doubled, or something else."""
    kind = draw(st.sampled_from(["cut", "cut", "empty", "bytes", "bytes", "left out", "doubled", "noise", "longer"]))
    start = draw(st.integers(0, len(content) - 1))
    length = draw(st.integers(1, 64))
    if kind == "cut":
        return kind, content[:start]
    if kind == "bytes":
        changed = bytearray(content)
        for position in draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
            changed[position] = draw(st.integers(0, 255))
        return kind, bytes(changed)
    if kind == "left out":
        return kind, content[:start] + content[start + length :]
    if kind == "doubled":
        return kind, content[: start + length] + content[start:]
    return kind, {
        "empty": b"",
        "noise": draw(st.binary(max_size=300)),
        "longer": content + draw(st.binary(min_size=1)),
    }[kind]


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.shape == other.shape and np.array_equal(one, other, equal_nan=True)
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def check_sample(sample: Mapping[str, Any]) -> None:
    """What a reader gives is a raw sample: front ends can rely on it."""
    assert isinstance(sample["id"], str)
    for key, value in sample.items():
        if key == "image" and value is not None:
            assert value.dtype == np.uint8 and value.ndim == 3 and value.shape[2] == 3 and value.size
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], np.ndarray):
            assert len(value[0]) and np.isfinite(value[0]).all() and value[1] > 0
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            assert len(value) and np.isfinite(value).all()
        if key == "text" and isinstance(value, str | None):
            assert value is None or value.strip() == value


def write(root: Path, reader: Reader, content: bytes) -> None:
    for name, other in reader.others.items():
        (root / name).write_bytes(other)
    (root / reader.name).write_bytes(content)


@cases(88)
@given(data=st.data(), which=st.sampled_from(sorted(READERS)))
def test_a_damaged_file_is_named_or_what_is_read_is_sound(tmp_path_factory, data, which):
    reader = READERS[which]
    kind, content = data.draw(damaged(reader.content))
    root = tmp_path_factory.mktemp("damaged")
    write(root, reader, content)
    start = time.perf_counter()
    try:
        read = reader.read(root)
    except ValueError as error:
        message = "\n".join([str(error), *getattr(error, "__notes__", [])])
        assert reader.name in message or (which == "recordings" and str(root) in message), message
        assert len(message) < 5000
    else:
        whole = root / "whole"
        whole.mkdir()
        write(whole, reader, reader.content)
        if kind == "empty" or (kind == "cut" and reader.sees_cuts):
            assert kind == "cut" and equal(read, reader.read(whole))  # what was cut off says nothing
        for sample in read if isinstance(read, list) else []:
            if isinstance(sample, dict) and "id" in sample:
                check_sample(sample)
    assert time.perf_counter() - start < SECONDS


@pytest.mark.parametrize("which", sorted(READERS))
def test_the_whole_file_is_read_and_an_empty_one_is_named(tmp_path, which):
    reader = READERS[which]
    write(tmp_path, reader, reader.content)
    assert reader.read(tmp_path)
    write(tmp_path, reader, b"")
    with pytest.raises(ValueError, match=r".") as caught:
        reader.read(tmp_path)
    assert reader.name in "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


@cases(8)
@given(data=st.data())
def test_a_damaged_shard_never_leaves_a_half_written_file_of_graphs(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("graphs")
    members = [("a.txt", b"hello"), ("b.txt", b"so long"), ("c.json", json.dumps({"text": "bye"}).encode())]
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    _, content = data.draw(damaged(file.getvalue()))
    (root / "s.tar").write_bytes(content)
    builder = GraphBuilder({"text": Words()}).fit([{"id": "x", "text": "hello so long bye"}])
    with contextlib.suppress(ValueError):
        build_shards(builder, [root / "s.tar"], root / "out", chunk_size=1)
    left = sorted(path.name for path in (root / "out").iterdir()) if (root / "out").exists() else []
    assert left in ([], ["s.json", "s.safetensors"])
    if left:
        graphs = GraphBatch.load(root / "out" / "s.safetensors", verify=True)
        assert graphs.ids.tolist() == [sample["id"] for sample in read_shard(root / "s.tar")]
