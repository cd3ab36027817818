"""Checkpoints: a folder with `state.json` and the safetensors file that it names. Nothing is pickled."""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from mmgraph.training.tree import copy_to_cpu, flatten, unflatten

FORMAT = 1
_TENSORS = re.compile(r"tensors-[0-9a-f]{16}\.safetensors")


def save_checkpoint(tree: Any, folder: Path) -> None:
    """Writes a tree of numbers, texts, lists, dicts and tensors, replacing what the folder held in one step.

    The tensors go to a file named after their content; `state.json` names that file and is renamed into place last. So
    whenever the process dies, the folder holds the old checkpoint or the new one, whole.

    Raises:
        ValueError: naming the place and type of a value that cannot be kept.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     save_checkpoint({"epoch": 3}, Path(folder) / "last")
        ...     load_checkpoint(Path(folder) / "last")
        {'epoch': 3}
    """
    from safetensors.torch import save

    structure, tensors = flatten(tree)
    data = save(copy_to_cpu(tensors))  # copies: safetensors refuses tensors that share memory, as tied weights do
    name = f"tensors-{_digest(data)}.safetensors"
    state = json.dumps({"format": FORMAT, "tensors": name, "state": structure}, indent=1, allow_nan=False)
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / name, data)
    replace_file(folder / "state.json", state.encode())
    for other in folder.glob("tensors-*.safetensors"):
        if other.name != name:
            other.unlink(missing_ok=True)


def load_checkpoint(folder: Path) -> Any:
    """The tree that `save_checkpoint` wrote, its tensors on the CPU.

    Raises:
        ValueError: naming the file that is missing, cut short, changed, or of another kind (such as a pickle).
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = folder / "state.json"
    if not path.is_file():
        raise ValueError(f"{folder} is no checkpoint: a checkpoint is a folder with a state.json")
    state = _read_state(path)
    tensors_path = folder / state["tensors"]
    if not tensors_path.is_file():
        raise ValueError(f"{path} names {tensors_path.name}, which is missing: copy the whole folder")
    data = tensors_path.read_bytes()
    if _digest(data) not in tensors_path.name:
        raise ValueError(f"{tensors_path} is damaged or cut short: its content does not match its name")
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise ValueError(f"{tensors_path} is not a safetensors file: {error}") from error
    try:
        return unflatten(state["state"], tensors)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file that is there whole or not at all: under another name first, then renamed.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     replace_file(Path(folder) / "log.csv", b"epoch")
        ...     [path.name for path in Path(folder).iterdir()]
        ['log.csv']
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _read_state(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_text("utf-8"))
    except ValueError as error:  # broken JSON or, for a pickle, broken UTF-8
        raise ValueError(f"{path} cannot be read as JSON: it is damaged, cut short or another kind of file") from error
    if not isinstance(state, dict) or {"format", "tensors", "state"} - set(state):
        raise ValueError(f"{path} is not the state of a checkpoint: it has no format, tensors and state")
    if state["format"] != FORMAT:
        raise ValueError(f"{path} has format {state['format']!r}, this version of mmgraph reads {FORMAT}")
    if not _TENSORS.fullmatch(str(state["tensors"])):  # nothing outside the folder
        raise ValueError(f"{path} names {state['tensors']!r}, which is no tensors-....safetensors in its folder")
    return state


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
