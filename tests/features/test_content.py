"""Digests of inputs and front ends."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import mmgraph.media
from mmgraph.features import LogMel, Patches, Superpixels, Video, Words
from mmgraph.features import content as content_module
from mmgraph.features.content import digest, front_end_digest

DIFFERENT: list[Any] = [
    None,
    0,
    False,
    0.0,
    -0.0,
    1,
    True,
    "",
    "0",
    b"0",
    [],
    [0],
    (0, 0),
    [[0], 0],
    [0, [0]],
    ["a", "b"],
    ["ab"],
    ["a b"],
    {},
    {"a": 1},
    {"a": 2},
    {"b": 1},
    {"a": {"b": 1}},
    {1: "a"},
    {"1": "a"},
    {1, 2},
    np.zeros(2),
    np.zeros((2, 1)),
    np.zeros((1, 2)),
    np.zeros(2, dtype=np.float32),
    np.array([0.0, 1e-300]),
    np.array(["ab", "c"]),
    np.array(["a", "bc"]),
    (np.zeros(2), 8000),
    (np.zeros(2), 8001),
    "\ud800",
    Image.new("L", (2, 1)),
    Image.new("L", (1, 2)),
    Image.new("1", (2, 1)),
    Patches(2),
    Patches(3),
]


def test_different_values_have_different_digests() -> None:
    digests = [digest(value) for value in DIFFERENT]
    assert len(set(digests)) == len(digests)


def test_equal_values_have_equal_digests() -> None:
    assert digest({"a": 1, "b": [2.0]}) == digest({"b": [2.0], "a": 1})
    assert digest({1, 2}) == digest({2, 1})
    array = np.arange(6).reshape(2, 3)
    assert digest(array[:, ::2]) == digest(array[:, ::2].copy()) == digest(torch.from_numpy(array)[:, ::2])


def test_a_path_stands_for_what_is_in_the_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("same")
    assert digest(tmp_path / "a" / "file") == digest(tmp_path / "b" / "file")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    before = digest([tmp_path / "a"])
    (tmp_path / "a" / "file").write_text("else")
    assert digest([tmp_path / "a"]) != before
    (tmp_path / "b" / "file").rename(tmp_path / "b" / "renamed")
    assert digest(tmp_path / "b") != before


@pytest.mark.parametrize("value", [object(), np.array([{}], dtype=object), [lambda: 0], Path("nothing/there")])
def test_what_has_no_known_content_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"is not known|no known content|no such file"):
        digest(value)


def test_a_front_end_is_known_by_its_settings_and_what_it_learned() -> None:
    front_ends = [Patches(2), Patches(4), Words(("a",)), Words(("b",)), LogMel(), LogMel(mels=30)]
    front_ends += [Video(Patches(2)), Video(Patches(4)), Video(Superpixels(), rate=2), Superpixels()]
    assert len({front_end_digest(front_end) for front_end in front_ends}) == len(front_ends)


def test_a_front_end_is_known_by_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
from dataclasses import dataclass
@dataclass(frozen=True)
class Mine:
    def work(self):
        return {}
"""
    digests = []
    for value in (1, 2, 1):
        (tmp_path / "my_front_end.py").write_text(source.format(value))
        digests.append(front_end_digest(_load(tmp_path / "my_front_end.py", monkeypatch)))
    assert digests[0] == digests[2] != digests[1]


def test_code_that_was_typed_at_a_prompt_is_refused() -> None:
    space: dict[str, Any] = {"__name__": "prompt"}
    exec("from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Mine: pass", space)
    with pytest.raises(ValueError, match="Mine has no source file, so that changes of it cannot be seen"):
        front_end_digest(space["Mine"]())


def test_another_version_of_a_package_is_another_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = front_end_digest(Patches(2))
    content_module._surroundings.cache_clear()
    monkeypatch.setattr(content_module, "version", lambda package: "99.0")
    assert front_end_digest(Patches(2)) != before
    monkeypatch.undo()
    content_module._surroundings.cache_clear()
    assert front_end_digest(Patches(2)) == before


def test_other_code_that_reads_images_is_another_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = front_end_digest(Patches(2))
    content_module._surroundings.cache_clear()
    (tmp_path / "decode.py").write_text("changed = True")
    monkeypatch.setattr(mmgraph.media, "__file__", str(tmp_path / "__init__.py"))
    assert front_end_digest(Patches(2)) != before
    content_module._surroundings.cache_clear()


def test_a_package_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    assert content_module._version("no-such-package-anywhere") is None
    assert content_module._version("numpy") == np.__version__


def _load(path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    import importlib.util
    import sys

    spec = importlib.util.spec_from_file_location("my_front_end", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "my_front_end", module)
    spec.loader.exec_module(module)
    return module.Mine()
