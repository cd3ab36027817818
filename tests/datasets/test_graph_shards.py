"""Shards of samples to shards of graphs: bounded memory, and going on where it stopped."""

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmgraph.datasets import SpokenGrid, build_files, build_shards, read_shard, write_shards
from mmgraph.datasets.graph_shards import fingerprint
from mmgraph.features import Boxes, LogMel, Utterances, Words
from mmgraph.graph import Field, GraphBatch, merge_files
from mmgraph.graphs.spoken_grid import build, sample
from mmgraph.relations import GraphBuilder, Window

SAMPLES = [{"id": f"s{i}", "text": " ".join(["one", "two", "three"][: 1 + i % 3]), "answer": i} for i in range(10)]


def builder(reach: int = 1) -> GraphBuilder:
    relations = {("text", "near", "text"): Window(reach, reach)}
    return GraphBuilder({"text": Words()}, relations, {"answer": Field("int64")}).fit(SAMPLES)


@dataclass(frozen=True)
class Watched:
    """A builder that counts its calls, and stops at a sample."""

    builder: GraphBuilder
    stop: str = ""
    calls: list[int] = field(default_factory=list)

    def __call__(self, samples: Sequence[Mapping[str, Any]]) -> GraphBatch:
        self.calls.append(len(samples))
        if any(sample["id"] == self.stop for sample in samples):
            raise KeyboardInterrupt
        return self.builder(samples)

    def __reduce__(self) -> tuple[Any, ...]:
        return Watched, (self.builder,)  # so that it counts as the builder that it watches


@pytest.fixture
def paths(tmp_path):
    return write_shards(SAMPLES, tmp_path / "raw", per_shard=4)


def test_all_graphs_are_those_that_are_built_at_once(paths, tmp_path):
    files = build_shards(builder(), paths, tmp_path / "graphs", chunk_size=3)
    assert [path.name for path in files] == [f"shard-{i:06d}.safetensors" for i in range(3)]
    assert GraphBatch.concat([GraphBatch.load(path) for path in files]).equal(builder()(SAMPLES))


def test_only_a_chunk_is_built_at_a_time(paths, tmp_path):
    watched = Watched(builder())
    build_shards(watched, paths, tmp_path / "graphs", chunk_size=3)
    assert watched.calls == [3, 1, 3, 1, 2]


def test_it_goes_on_where_it_stopped_and_leaves_nothing_half_written(paths, tmp_path):
    out = tmp_path / "graphs"
    stopped, goes_on = Watched(builder(), stop="s6"), Watched(builder())
    with pytest.raises(KeyboardInterrupt):
        build_shards(stopped, paths, out)
    assert sorted(path.name for path in out.iterdir()) == ["shard-000000.json", "shard-000000.safetensors"]
    build_shards(goes_on, paths, out)
    assert goes_on.calls == [4, 2]
    again = Watched(builder())
    build_shards(again, paths, out)
    assert again.calls == []


def test_what_was_made_of_another_shard_or_by_another_builder_is_made_anew(paths, tmp_path):
    out = tmp_path / "graphs"
    build_shards(builder(), paths, out)
    other = Watched(builder(reach=2))
    files = build_shards(other, paths, out)
    assert other.calls == [4, 4, 2]
    assert GraphBatch.concat([GraphBatch.load(path) for path in files]).equal(builder(reach=2)(SAMPLES))
    os.utime(paths[1], ns=(time.time_ns(), paths[1].stat().st_mtime_ns + 1))
    changed = Watched(builder(reach=2))
    build_shards(changed, paths, out)
    assert changed.calls == [4]


@pytest.mark.parametrize("damage", ["truncate", "json", "remove"])
def test_a_file_of_graphs_that_was_damaged_is_made_anew(paths, tmp_path, damage):
    files = build_shards(Watched(builder()), paths, tmp_path / "graphs")
    if damage == "truncate":
        files[1].write_bytes(files[1].read_bytes()[:-100])
    elif damage == "json":
        files[1].with_suffix(".json").write_text("{")
    else:
        files[1].unlink()
    watched = Watched(builder())
    build_shards(watched, paths, tmp_path / "graphs")
    assert watched.calls == [4]
    assert json.loads(files[1].with_suffix(".json").read_text())["shard"] == paths[1].name


def test_a_broken_shard_is_named_and_the_ones_before_it_are_kept(paths, tmp_path):
    paths[1].write_bytes(paths[1].read_bytes()[:1500])
    with pytest.raises(ValueError, match=r"shard-000001\.tar is no whole tar") as caught:
        build_shards(builder(), paths, tmp_path / "graphs")
    assert caught.value.__notes__ == [f"in shard {paths[1]}"]
    assert len(GraphBatch.load(tmp_path / "graphs" / "shard-000000.safetensors")) == 4
    assert len(list((tmp_path / "graphs").iterdir())) == 2


def test_an_id_in_two_shards_is_an_error_also_when_one_was_built_before(tmp_path):
    first = write_shards(SAMPLES[:2], tmp_path / "a")[0]
    second = write_shards(SAMPLES[1:3], tmp_path / "b")[0].rename(tmp_path / "b" / "second.tar")
    build_shards(builder(), [first], tmp_path / "graphs")
    with pytest.raises(ValueError, match=r"second\.tar: id 's1' is in shard .*shard-000000\.tar, too"):
        build_shards(builder(), [first, second], tmp_path / "graphs")


def test_arguments_that_do_not_fit_are_refused(paths, tmp_path):
    with pytest.raises(ValueError, match="0 shards, chunk_size=64"):
        build_shards(builder(), [], tmp_path)
    with pytest.raises(ValueError, match="chunk_size=0"):
        build_shards(builder(), paths, tmp_path, chunk_size=0)
    with pytest.raises(ValueError, match="several are called 'shard-000000'"):
        build_shards(builder(), [paths[0], tmp_path / "b" / paths[0].name], tmp_path)
    with pytest.raises(ValueError, match=r"none\.tar cannot be read"):
        build_shards(builder(), [tmp_path / "none.tar"], tmp_path)
    with pytest.raises(ValueError, match="cannot be told from others; give a GraphBuilder"):
        build_shards(lambda samples: builder()(samples), paths, tmp_path)


def test_progress_is_shown_where_it_is_asked_for(paths, tmp_path, capsys):
    build_shards(builder(), paths, tmp_path / "graphs", progress=True)
    assert "3/3" in capsys.readouterr().err


def test_the_fingerprint_is_the_same_in_another_process_and_sees_what_was_learned():
    code = "from mmgraph.graphs.spoken_grid import build, sample\n"
    code += "from mmgraph.datasets.graph_shards import fingerprint\n"
    code += "print(fingerprint(build().fit([sample()])))"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == fingerprint(build().fit([sample()])) != fingerprint(build())
    assert fingerprint(builder()) == fingerprint(builder()) != fingerprint(builder(reach=2))


@pytest.mark.parametrize("front_end", [Words(), Utterances(8, speakers=["Ann"]), LogMel(8000), Boxes(2, classes=["c"])])
def test_the_fingerprint_stays_what_it_was_when_the_builder_is_used(front_end):
    inputs = {
        "Words": "one two",
        "Utterances": ["one", {"text": "two", "speaker": "Ann"}],
        "LogMel": (np.ones(800, dtype=np.float32), 8000),
        "Boxes": {"image": np.zeros((4, 4, 3)), "box": [[0, 0, 1, 1]], "label": ["c"]},
    }
    samples = [{"id": "a", "input": inputs[type(front_end).__name__]}]
    fresh = GraphBuilder({"input": front_end}, {("input", "next", "input"): Window(1, 0)}).fit(samples)
    before = fingerprint(fresh)
    graphs = fresh(samples)
    assert fingerprint(fresh) == before
    copy = pickle.loads(pickle.dumps(fresh))
    assert copy(samples).equal(graphs) and fingerprint(copy) == before
    assert fingerprint(GraphBuilder({"input": front_end}, {("input", "next", "input"): Window(2, 0)})) != before


def test_memory_is_bounded_by_a_chunk_of_samples(tmp_path, monkeypatch):
    """Samples that were read and not yet built are never more than a chunk and the one that is being read."""
    paths = write_shards([{"id": f"s{i}", "text": "word"} for i in range(30)], tmp_path / "raw", per_shard=30)
    alive = {"read": 0, "most": 0}

    def watched(path: Path):
        for one in read_shard(path):
            alive["read"] += 1
            alive["most"] = max(alive["most"], alive["read"])
            yield one

    class Counting(Watched):
        def __call__(self, samples: Sequence[Mapping[str, Any]]) -> GraphBatch:
            alive["read"] -= len(samples)
            return self.builder(samples)

    monkeypatch.setattr("mmgraph.datasets.graph_shards.read_shard", watched)
    text_only = GraphBuilder({"text": Words()}).fit(SAMPLES)
    build_shards(Counting(text_only), paths, tmp_path / "graphs", chunk_size=5)
    assert alive == {"read": 0, "most": 5}


@dataclass(frozen=True)
class Composed(Sequence[dict[str, Any]]):
    """Samples that are made when they are read; says which were."""

    size: int
    word: str = "one"
    read: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < self.size:
            raise IndexError(index)
        self.read.append(index)
        return {"id": f"s{index}", "text": self.word, "answer": index}

    def __reduce__(self) -> tuple[Any, ...]:
        return Composed, (self.size, self.word)


def test_any_data_set_becomes_files_and_one_file(tmp_path):
    watched = Watched(builder())
    files = build_files(watched, SAMPLES, tmp_path, per_file=4, chunk_size=3)
    assert [path.name for path in files] == [f"graphs-{i:06d}.safetensors" for i in range(3)]
    assert watched.calls == [3, 1, 3, 1, 2]
    assert merge_files(files, tmp_path / "all").equal(builder()(SAMPLES))


@pytest.mark.unchecked  # the shape checks read every sample of a sequence
def test_composed_samples_are_read_once_and_only_where_files_are_wanting(tmp_path):
    samples, again, other = Composed(10), Composed(10), Composed(10, "two")
    with pytest.raises(KeyboardInterrupt):
        build_files(Watched(builder(), stop="s5"), samples, tmp_path, per_file=4, chunk_size=2)
    assert samples.read == [0, 1, 2, 3, 4, 5]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graphs-000000.json", "graphs-000000.safetensors"]
    build_files(Watched(builder()), again, tmp_path, per_file=4)
    assert again.read == [4, 5, 6, 7, 8, 9]
    files = build_files(Watched(builder()), other, tmp_path, per_file=4)
    assert other.read == list(range(10))
    assert merge_files(files, tmp_path / "all").equal(builder()(list(Composed(10, "two"))))


def test_a_data_set_of_the_package_goes_on_in_another_process(tmp_path):
    first, second = SpokenGrid("train", 6), SpokenGrid("train", 6)
    assert fingerprint(first) == fingerprint(second) != fingerprint(SpokenGrid("train", 6, seed=1))
    build_files(Watched(build().fit(first)), first, tmp_path, per_file=4)
    goes_on = Watched(build().fit(second))
    build_files(goes_on, second, tmp_path, per_file=4)
    assert goes_on.calls == []


def test_samples_that_cannot_be_built_are_named(tmp_path):
    with pytest.raises(ValueError, match=r".") as caught:
        build_files(builder(), [*SAMPLES, {"id": "x", "text": 7, "answer": 1}], tmp_path, per_file=4)
    assert caught.value.__notes__[-1] == "in samples 8 to 10"
    assert len(list(tmp_path.iterdir())) == 4
    with pytest.raises(ValueError, match="samples 2 to 3: id 's0' is in samples 0 to 1, too"):
        build_files(builder(), [*SAMPLES[:3], SAMPLES[0]], tmp_path, per_file=2)
    with pytest.raises(ValueError, match="0 samples, per_file=1000, chunk_size=64"):
        build_files(builder(), [], tmp_path)
    with pytest.raises(ValueError, match="per_file=0"):
        build_files(builder(), SAMPLES, tmp_path, per_file=0)
    with pytest.raises(ValueError, match="cannot be told from others; give a GraphBuilder, or plain samples"):
        build_files(builder(), [{"id": "a", "text": lambda: 1}], tmp_path)


def test_files_of_a_larger_call_are_not_left_among_the_new_ones(tmp_path):
    before = build_files(builder(), SAMPLES, tmp_path, per_file=2)
    with pytest.raises(ValueError, match=r"graphs-000002\.safetensors is of a call that made more files than these 2"):
        build_files(builder(), SAMPLES[:4], tmp_path, per_file=2)
    assert all(path.exists() for path in before)
