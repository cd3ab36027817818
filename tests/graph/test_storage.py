import json
import pickle
from pathlib import Path

import pytest
import safetensors.numpy
import torch
from hypothesis import HealthCheck, given, settings

from mmgraph.graph import GraphBatch, GraphSchema, NodeSet
from mmgraph.graph.compare import difference
from mmgraph.graph.storage import content_hash, load, save
from tests.strategies import batches

NEXT = ("text", "next", "text")
GRAPH = GraphBatch.single(
    {"text": torch.tensor([[0.0, 1.0], [2.0, 3.0]])},
    {NEXT: torch.tensor([[0, 1], [1, 0]])},
    targets={"y": torch.tensor(1)},
)
function_scoped = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "graphs.safetensors"


@pytest.mark.unchecked
@function_scoped
@given(batches())
def test_a_batch_comes_back_exactly(path: Path, batch: GraphBatch) -> None:
    save(batch, path)
    assert difference(load(path, verify=True), batch) is None
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_methods_of_a_batch_do_the_same(path: Path) -> None:
    GRAPH.save(str(path))
    assert GraphBatch.load(str(path), verify=True).equal(GRAPH)


@pytest.mark.parametrize(
    "batch", [GRAPH[0:0], GraphBatch.concat([GRAPH] * 3)[[2, 0]], GraphBatch.concat([GRAPH] * 3)[1:]]
)
def test_pieces_and_nothing_at_all_are_saved_too(path: Path, batch: GraphBatch) -> None:
    save(batch, path)
    assert difference(load(path, verify=True), batch) is None
    load(path).save(path)  # over the file that it is mapped from
    assert difference(load(path, verify=True), batch) is None


def test_tensors_that_share_memory_are_saved(path: Path) -> None:
    ptr = torch.tensor([0, 1])
    x = torch.ones(1, 1)
    batch = GraphBatch.build(
        GraphSchema({"text": 1, "image": 1}), {"text": NodeSet(x, ptr), "image": NodeSet(x, ptr)}, {}
    )
    save(batch, path)
    assert load(path).equal(batch)


def test_the_same_graphs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        save(GraphBatch.concat([GRAPH, GRAPH])[[0]], tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_the_hash_is_that_of_the_content(path: Path) -> None:
    pair = GraphBatch.concat([GRAPH, GRAPH])
    save(pair, path)
    assert content_hash(load(path)) == content_hash(pair) == content_hash(pair[[1, 0]])
    assert len({content_hash(batch) for batch in (GRAPH, pair, GRAPH.double(), GRAPH.map(torch.zeros_like))}) == 4
    header = safetensors.safe_open(path, "pt").metadata()["mmgraph"]
    assert json.loads(header)["sha256"] == content_hash(pair)


def test_a_loaded_batch_is_mapped_and_changing_it_changes_no_file(path: Path) -> None:
    save(GRAPH, path)
    first = load(path)
    first.nodes["text"].x.fill_(7)
    assert load(path, verify=True).equal(GRAPH)
    maps = Path("/proc/self/maps")
    if maps.exists():  # Linux says what is mapped
        assert str(path) in maps.read_text()


def test_a_failed_save_leaves_the_old_file_and_nothing_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(GRAPH, path)

    def fail(tensors: object, filename: Path, metadata: object) -> None:
        filename.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(safetensors.numpy, "save_file", fail)
    with pytest.raises(OSError, match="no space left"):
        save(GRAPH[0:0], path)
    assert load(path, verify=True).equal(GRAPH)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_file_may_be_read_by_whom_other_files_may_be_read(path: Path) -> None:
    GRAPH.save(path)
    path.with_name("plain").touch()
    assert path.stat().st_mode == path.with_name("plain").stat().st_mode


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        save(GRAPH, tmp_path / "nowhere" / "graphs")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load(tmp_path / "nowhere")


def test_a_file_that_was_cut_short_is_recognised_wherever_it_was_cut(path: Path) -> None:
    save(GRAPH, path)
    whole = path.read_bytes()
    for length in [*range(0, 24), len(whole) // 2, len(whole) - 100, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"graphs.safetensors is no whole safetensors file .*; was it cut short\?"):
            load(path)


@pytest.mark.unchecked
def test_any_altered_byte_is_recognised_when_asked(path: Path) -> None:
    save(GRAPH, path)
    whole = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(whole[:8], "little")
    for position in range(start, len(whole)):
        path.write_bytes(bytes(whole[:position]) + bytes([whole[position] ^ 1]) + bytes(whole[position + 1 :]))
        with pytest.raises(ValueError, match=r"graphs.safetensors was altered since it was saved"):
            load(path, verify=True)
    path.write_bytes(whole.replace(b"next", b"text"))  # a relation of another name, in the header
    with pytest.raises(ValueError, match=r"graphs.safetensors was altered since it was saved"):
        load(path, verify=True)


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_pickle_is_refused_without_being_opened(path: Path, protocol: int) -> None:
    path.write_bytes(pickle.dumps(GRAPH, protocol=protocol))
    with pytest.raises(ValueError, match=r"graphs.safetensors is a pickle, .*; pickles are refused"):
        load(path)


def test_a_file_of_torch_save_is_refused(path: Path) -> None:
    torch.save({"x": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match=r"graphs.safetensors is a pickle"):
        load(path)


@pytest.mark.unchecked
def test_a_header_whose_length_looks_like_a_pickle_is_read(path: Path) -> None:
    """The first bytes of a safetensors file are a length: one of 0x280 begins as a pickle does."""
    for words in range(1, 400):
        save(GraphBatch.single({"w" * words: torch.zeros(1, 1)}, {}), path)
        if path.read_bytes()[0] == 0x80:
            break
    assert path.read_bytes()[0] == 0x80
    assert list(load(path).nodes) == ["w" * words]


def metadata_of(path: Path) -> dict[str, object]:
    save(GRAPH, path)
    return json.loads(safetensors.safe_open(path, "np").metadata()["mmgraph"])


@pytest.mark.parametrize("change", [{"version": 2}, {"version": 0}, {"format": "mmgraph.Checkpoint"}])
def test_a_file_of_another_format_version_is_refused(path: Path, change: dict[str, object]) -> None:
    header = metadata_of(path) | change
    safetensors.numpy.save_file(safetensors.numpy.load_file(path), path, metadata={"mmgraph": json.dumps(header)})
    with pytest.raises(
        ValueError, match=r"graphs.safetensors has format \('mmgraph.*', \d\), .* reads .*: save it again"
    ):
        load(path)


@pytest.mark.parametrize(
    "metadata", [None, {}, {"format": "pt"}, {"mmgraph": "no JSON"}, {"mmgraph": "[]"}, {"mmgraph": "{}"}]
)
def test_another_safetensors_file_is_refused(path: Path, metadata: dict[str, str] | None) -> None:
    save(GRAPH, path)
    safetensors.numpy.save_file(safetensors.numpy.load_file(path), path, metadata=metadata)
    with pytest.raises(ValueError, match=r"graphs.safetensors is a safetensors file, but holds no graphs of mmgraph"):
        load(path)


def test_a_file_that_lacks_a_part_or_has_a_strange_one_is_refused(path: Path) -> None:
    header = metadata_of(path)
    tensors = safetensors.numpy.load_file(path)
    lacking = {name: value for name, value in tensors.items() if "degree" not in name}
    for parts, schema in (
        (lacking, header["schema"]),
        (tensors | {"x": tensors['["ids", "ptr"]']}, header["schema"]),
        (tensors, {}),
    ):
        metadata = {"mmgraph": json.dumps(header | {"schema": schema})}
        safetensors.numpy.save_file(parts, path, metadata=metadata)
        with pytest.raises(ValueError, match=r"graphs.safetensors lacks a part of its graphs or has an unknown one"):
            load(path)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{tmp_path.name} cannot be read: "):
        load(tmp_path)
