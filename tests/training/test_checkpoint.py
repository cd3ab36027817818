"""Checkpoints are whole or not there, and hold no pickle."""

import json
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from mmgraph.training import checkpoint, load_checkpoint, save_checkpoint


@contextmanager
def interrupted(file: str, at: int) -> Iterator[list[int]]:
    """Raises KeyboardInterrupt at the given line, counted as they run in `file`, as Ctrl-C does."""
    count, before = [0], sys.gettrace()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename != file:
            return None
        if event == "line":
            count[0] += 1
            if count[0] == at:
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        yield count
    finally:
        sys.settrace(before)


def tree(value: float) -> dict[str, Any]:
    return {"epoch": int(value), "weight": torch.full((3,), value), "state": {0: {"step": torch.tensor(value)}}}


def test_a_tree_comes_back_with_every_bit(tmp_path: Path) -> None:
    values = {
        "float": torch.tensor([0.1, -0.0, float("inf"), float("nan")]),
        "double": torch.tensor(1 / 3, dtype=torch.float64),
        "half": torch.tensor([1.5], dtype=torch.bfloat16),
        "generator": torch.Generator().manual_seed(1).get_state(),
        "mask": torch.tensor([True, False]),
        "nothing": torch.zeros(0, 3),
    }
    save_checkpoint(values, tmp_path)
    back = load_checkpoint(tmp_path)
    for name, value in values.items():
        assert back[name].dtype == value.dtype
        assert back[name].shape == value.shape
        assert torch.equal(back[name].view(-1).view(torch.uint8), value.view(-1).view(torch.uint8))


def test_tensors_that_share_memory_or_are_strided_are_kept(tmp_path: Path) -> None:
    weight = torch.arange(6.0).view(2, 3)
    save_checkpoint({"weight": weight, "tied": weight, "transposed": weight.T}, tmp_path)
    back = load_checkpoint(tmp_path)
    assert torch.equal(back["tied"], weight)
    assert torch.equal(back["transposed"], weight.T)


def test_saving_again_replaces_everything(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        save_checkpoint(tree(value), tmp_path)
    assert load_checkpoint(tmp_path)["epoch"] == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_an_interrupt_at_any_line_leaves_the_old_or_the_new_checkpoint_whole(tmp_path: Path) -> None:
    seen, at, finished = set(), 0, False
    while not finished:
        at += 1
        folder = tmp_path / str(at)
        save_checkpoint(tree(1), folder)
        try:
            with interrupted(str(checkpoint.__file__), at) as count:
                save_checkpoint(tree(2), folder)
            finished = count[0] < at
        except KeyboardInterrupt:
            pass
        found = load_checkpoint(folder)
        assert torch.equal(found["weight"], tree(found["epoch"])["weight"])
        seen.add(found["epoch"])
        save_checkpoint(tree(3), folder)
        assert len(list(folder.iterdir())) == 2  # nothing is left lying about
    assert seen == {1, 2}
    assert at > 10


def test_a_folder_without_a_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nothing is no checkpoint: .* a folder with a state.json"):
        load_checkpoint(tmp_path / "nothing")


def test_a_cut_tensor_file_is_named(tmp_path: Path) -> None:
    save_checkpoint(tree(1), tmp_path)
    path = next(tmp_path.glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=rf"{path.name} is damaged or cut short"):
        load_checkpoint(tmp_path)


def test_a_missing_tensor_file_is_named(tmp_path: Path) -> None:
    save_checkpoint(tree(1), tmp_path)
    path = next(tmp_path.glob("*.safetensors"))
    path.unlink()
    with pytest.raises(ValueError, match=rf"names {path.name}, which is missing"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("content", [b'{"format": 1, "tens', b"", pickle.dumps({"epoch": 1}, protocol=4)])
def test_a_cut_or_pickled_state_is_named(tmp_path: Path, content: bytes) -> None:
    save_checkpoint(tree(1), tmp_path)
    (tmp_path / "state.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"state.json cannot be read as JSON"):
        load_checkpoint(tmp_path)


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("a pickle was loaded",)


def test_a_pickle_in_the_place_of_tensors_is_never_loaded(tmp_path: Path) -> None:
    save_checkpoint(tree(1), tmp_path)
    data = pickle.dumps(_Bomb())
    name = f"tensors-{checkpoint._digest(data)}.safetensors"
    (tmp_path / name).write_bytes(data)
    change(tmp_path, tensors=name)
    with pytest.raises(ValueError, match="is not a safetensors file"):
        load_checkpoint(tmp_path)


def change(folder: Path, **values: object) -> None:
    path = folder / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_files_outside_of_the_folder_are_not_read(tmp_path: Path) -> None:
    save_file({"weight": torch.ones(1)}, tmp_path / "tensors-0123456789abcdef.safetensors")
    save_checkpoint(tree(1), tmp_path / "last")
    change(tmp_path / "last", tensors="../tensors-0123456789abcdef.safetensors")
    with pytest.raises(ValueError, match="which is no tensors"):
        load_checkpoint(tmp_path / "last")


def test_another_format_is_named(tmp_path: Path) -> None:
    save_checkpoint(tree(1), tmp_path)
    change(tmp_path, format=99)
    with pytest.raises(ValueError, match="has format 99, this version of mmgraph reads 1"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("content", ["[]", '{"format": 1}'])
def test_json_of_another_kind_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(ValueError, match="is not the state of a checkpoint"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("state", [{"$tensor": "other"}, {"$tuple": 3}, {"$pickle": ""}])
def test_a_changed_state_is_named(tmp_path: Path, state: dict[str, Any]) -> None:
    save_checkpoint(tree(1), tmp_path)
    change(tmp_path, state=state)
    with pytest.raises(ValueError, match=r"state.json is damaged"):
        load_checkpoint(tmp_path)


def test_what_cannot_be_kept_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    save_checkpoint(tree(1), tmp_path)
    with pytest.raises(ValueError, match="task is a object"):
        save_checkpoint({"task": object()}, tmp_path)
    assert load_checkpoint(tmp_path)["epoch"] == 1
