"""`Cached`: a front end that keeps what it has computed."""

import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from mmgraph.features.content import digest, front_end_digest
from mmgraph.features.raw import FrontEnd, check_each
from mmgraph.graph import Field, NodeSet, Texts


@dataclass(frozen=True)
class Cached:
    """A front end whose nodes are kept in a folder, a file per input, and read from there the next time.

    A file is found by the content of the input (all numbers and texts; a `Path` stands for the file's content), and by
    the settings, the learned statistics and the code of the front end, with the versions of the packages it may use. A
    change of any of these computes anew; nothing stale is ever read. Files are written whole or not at all, so several
    processes may share a folder. Old ones stay until you delete the folder.

    Worth it where a front end works longer than a file takes to read (about a millisecond): `Superpixels`,
    `TextVectors`, `Objects`, `ParsedWords`, sounds at another rate.

    Args:
        front_end: what computes the nodes.
        folder: where files are kept; made if it is not there.

    Raises:
        ValueError: when called, as the front end does; for an input whose content is not known, such as an object that
            is neither array nor text; for a file in the folder that is damaged.

    Example:
        >>> import numpy as np
        >>> import tempfile
        >>> from mmgraph.features import Patches
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     kept = Cached(Patches(2), folder)
        ...     first, second = kept([np.ones((2, 4))]), kept([np.ones((2, 4)), None])
        ...     len(list(Path(folder).rglob("*.safetensors"))), second.counts.tolist()
        (1, [2, 0])
    """

    front_end: FrontEnd
    folder: Path | str

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", str(self.folder))

    @property
    def channels(self) -> int:
        """As the front end's."""
        return self.front_end.channels

    @property
    def colours(self) -> int:
        """As the front end's, by which `Video` reads image files; 3 for one without."""
        return getattr(self.front_end, "colours", 3)

    @property
    def attributes(self) -> Mapping[str, Field]:
        """As the front end's."""
        return self.front_end.attributes

    def fit(self, raws: Iterable[Any]) -> Self:
        """The same with a front end that has learned from these inputs; what it computes then has files of its own."""
        return replace(self, front_end=self.front_end.fit(raws))

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The nodes of each input, none where it is None."""
        files = dict(check_each(raws, self._file))
        missing = {index for index, file in files.items() if not file.exists()}
        found = {index: _read(file) for index, file in files.items() if index not in missing}
        # With None for the others an input keeps its position, which messages name.
        nodes = self.front_end([raw if index in missing else None for index, raw in enumerate(raws)])
        for index in range(len(raws)):
            if index not in found:
                found[index] = nodes.select(torch.tensor([index]))[0]
            if index in missing:
                _write(files[index], found[index])
        return NodeSet.concat([found[index] for index in range(len(raws))]) if found else nodes

    @cached_property
    def _place(self) -> Path:
        return Path(self.folder) / front_end_digest(self.front_end)[:32]

    def _file(self, raw: object) -> Path:
        name = digest(raw)
        return self._place / name[:2] / f"{name}.safetensors"


def _write(file: Path, nodes: NodeSet) -> None:
    from safetensors.torch import save_file

    tensors = {"x": nodes.x}
    for name, value in nodes.attributes.items():
        if isinstance(value, Texts):
            tensors |= {f"text data {name}": value.data, f"text ptr {name}": value.ptr}
        else:
            tensors[f"attribute {name}"] = value
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        half.touch()
        mode = half.stat().st_mode
        save_file({name: value.clone().contiguous() for name, value in tensors.items()}, half)
        if half.stat().st_mode != mode:  # safetensors puts a file of its own there, which only its owner may read
            half.chmod(mode)
        os.replace(half, file)
    finally:
        half.unlink(missing_ok=True)


def _read(file: Path) -> NodeSet:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Tensor] = load_file(file)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{file} is damaged ({error}); delete it") from error
    attributes: dict[str, Tensor | Texts] = {}
    for key, value in tensors.items():
        if key.startswith("attribute "):
            attributes[key.removeprefix("attribute ")] = value
        if key.startswith("text data "):
            name = key.removeprefix("text data ")
            attributes[name] = Texts(value, tensors[f"text ptr {name}"])
    return NodeSet(tensors["x"], torch.tensor([0, len(tensors["x"])]), attributes)
