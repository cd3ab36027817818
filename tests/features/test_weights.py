"""Weights from local files."""

from pathlib import Path

import pytest

from mmgraph.features.weights import check_digest, weights_folder


def test_a_folder_is_the_callers_or_the_packages(tmp_path: Path) -> None:
    assert weights_folder(tmp_path, "nothing", "", "") == tmp_path
    assert weights_folder(None, "mmgraph", "features", "").joinpath("weights.py").is_file()


def test_without_folder_and_package_the_way_to_install_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(ImportError, match="install it so"):
        weights_folder(None, "no_such_package_anywhere", "", "install it so")
    with pytest.raises(ValueError, match="no such folder; weights are loaded from local files only"):
        weights_folder(tmp_path / "some" / "model", "mmgraph", "", "")


def test_the_digest_is_that_of_names_and_content(tmp_path: Path) -> None:
    for name, content in (("one", "same"), ("two", "same"), ("three", "else")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text(content)
    one, two, three = (check_digest(tmp_path / name, "") for name in ("one", "two", "three"))
    assert one == two != three
    assert check_digest(tmp_path / "one", one) == one
    (tmp_path / "one" / "weights").write_text("other")
    with pytest.raises(ValueError, match=rf"the files have the digest .*, expected {one}; they have changed"):
        check_digest(tmp_path / "one", one)
