"""What `mmgraph info` finds."""

from importlib import metadata
from pathlib import Path

import pytest
import torch

from mmgraph import ops
from mmgraph.cli import info
from mmgraph.ops.backend import BACKENDS


def test_versions_are_those_of_the_installed_packages() -> None:
    text = info.describe()
    assert f"torch             {metadata.version('torch')}\n" in text
    assert f"numba             {metadata.version('numba')}\n" in text


def test_a_missing_package_comes_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert "torch-scatter     not installed: make scatter" in info.describe()


def test_every_back_end_is_listed_and_the_default_is_marked() -> None:
    lines = info.describe().partition("back-ends:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in lines] == list(BACKENDS)
    default = ops.current_backend(torch.device("cpu"))
    assert [line.split()[0] for line in lines if "default on cpu" in line] == [default]


def test_recordings_are_counted_where_they_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "7_ada_0.wav").touch()
    monkeypatch.setenv("MMGRAPH_DATA", str(tmp_path))
    assert f"people            1 files in {tmp_path}" in info.describe()


def test_without_recordings_it_says_how_to_have_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MMGRAPH_DATA", raising=False)
    assert "people            none: set MMGRAPH_DATA" in info.describe()
