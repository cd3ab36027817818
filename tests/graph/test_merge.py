"""Files of graphs joined to one: the bytes of all graphs together, without holding them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmgraph.graph import Field, GraphBatch, GraphSchema, merge_files
from mmgraph.graph.merge import BLOCK
from mmgraph.training import Loader
from tests.strategies import batches

NEXT = ("text", "next", "text")


def graph(number: int) -> GraphBatch:
    x = {"text": torch.full((2, 3), float(number))}
    return GraphBatch.single(x, {NEXT: torch.tensor([[0, 1], [1, 0]])}, id=f"s{number}")


def saved(graphs: list[GraphBatch], folder: Path) -> list[Path]:
    files = [folder / f"{number}.safetensors" for number in range(len(graphs))]
    for value, file in zip(graphs, files, strict=True):
        value.save(file)
    return files


@pytest.mark.unchecked
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches(), st.data())
def test_it_is_byte_by_byte_the_file_of_all_graphs(tmp_path: Path, batch: GraphBatch, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(batch)), max_size=3)))
    pieces = [batch[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(batch)], strict=True)]
    merged = merge_files(saved(pieces, tmp_path), tmp_path / "all")
    batch.save(tmp_path / "expected")
    assert (tmp_path / "all").read_bytes() == (tmp_path / "expected").read_bytes()
    assert merged.equal(batch)
    assert GraphBatch.load(tmp_path / "all", verify=True).equal(batch)


def test_names_that_look_like_offsets_are_names(tmp_path: Path) -> None:
    schema = GraphSchema(
        {"ptr": 1},
        {("ptr", "ptr", "ptr"): ("ptr",)},
        {"ptr": {"ptr": Field("int64"), "text": Field("text")}},
        {"ptr": Field("int64")},
    )
    graphs = [
        GraphBatch.single(
            {"ptr": torch.ones(2, 1)},
            {("ptr", "ptr", "ptr"): torch.tensor([[0], [1]])},
            schema=schema,
            attributes={"ptr": {"ptr": torch.tensor([i, 7]), "text": ["ä", "b" * i]}},
            edge_features={("ptr", "ptr", "ptr"): torch.tensor([[float(i)]])},
            targets={"ptr": torch.tensor(i)},
        )
        for i in range(3)
    ]
    assert merge_files(saved(graphs, tmp_path), tmp_path / "all").equal(GraphBatch.concat(graphs))


def test_more_than_a_block_of_bytes_is_copied_whole(tmp_path: Path) -> None:
    rows = BLOCK // 4 // 3 + 100
    graphs = [GraphBatch.single({"text": torch.rand(rows, 3)}, {}) for _ in range(2)]
    assert merge_files(saved(graphs, tmp_path), tmp_path / "all").equal(GraphBatch.concat(graphs))


def test_random_mini_batches_come_from_the_file(tmp_path: Path) -> None:
    files = saved([GraphBatch.concat([graph(3 * i + j) for j in range(3)]) for i in range(3)], tmp_path)
    merged = merge_files(files, tmp_path / "all")
    loader = Loader(merged, 4, generator=torch.Generator().manual_seed(0))
    seen = [pair for batch in loader for pair in zip(batch.ids, batch.nodes["text"].x[::2, 0].tolist(), strict=True)]
    assert sorted(seen) == [(f"s{i}", float(i)) for i in range(9)]
    assert [name for name, _ in seen] != [f"s{i}" for i in range(9)]


SCRIPT = """
import sys
from mmgraph.graph import merge_files
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
before = peak()
merged = merge_files(sys.argv[2:], sys.argv[1])
print((peak() - before) // 1024, len(merged))
"""


@pytest.mark.unchecked
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak of memory from /proc")
def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    """Eight files of 16 MB each: of 128 MB, never more than some blocks are in memory."""
    files = saved([GraphBatch.single({"text": torch.rand(2**19, 8)}, {}) for _ in range(8)], tmp_path)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "all"), *map(str, files)]
    megabytes, count = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(count) == 8
    assert int(megabytes) < 64


def test_files_that_cannot_be_joined_are_named(tmp_path: Path) -> None:
    files = saved([graph(0), graph(1)], tmp_path)
    other, double = tmp_path / "other", tmp_path / "double"
    GraphBatch.single({"text": torch.ones(1, 2)}, {}).save(other)
    graph(0).double().save(double)
    broken = tmp_path / "broken"
    broken.write_bytes(files[0].read_bytes()[:-4])
    out = tmp_path / "all"
    for wrong, message in (
        ([*files, other], "other has another schema than .*0.safetensors"),
        ([*files, double], "double holds other types of numbers than .*0.safetensors"),
        ([*files, broken], "broken is no whole safetensors file"),
        ([], "nothing to merge: give at least one"),
    ):
        with pytest.raises(ValueError, match=message):
            merge_files(wrong, out)
    with pytest.raises(ValueError, match=r"1.safetensors is one of the files that are merged"):
        merge_files(files, files[1])
    with pytest.raises(FileNotFoundError):
        merge_files([*files, tmp_path / "none"], out)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".", "all"))]


def test_what_is_interrupted_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = saved([graph(0), graph(1)], tmp_path)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        merge_files(files, tmp_path / "all")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.safetensors", "1.safetensors"]


def test_the_header_is_plain_json(tmp_path: Path) -> None:
    merge_files(saved([graph(0)], tmp_path), tmp_path / "all")
    content = (tmp_path / "all").read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert length % 8 == 0
    assert set(json.loads(content[8 : 8 + length])["__metadata__"]) == {"mmgraph"}
