"""Where the stamps are found, and what is read of them."""

import pytest

from mmgraph.datasets import find_stamps
from mmgraph.datasets import stamp_files as module
from mmgraph.datasets.stamp_files import open_stamps

FILES = {
    "animals/owl.png": b"1",
    "animals/owl.txt": b"An owl.",
    "animals/owl_desc_es.ogg": b"2",
    "animals/owl_desc_nl.ogg": b"3",
    "animals/owl.ogg": b"4",
    "animals/owl.dat": b"5",
}
NEEDED = ("animals/owl.png", "animals/owl.txt", "animals/owl_desc_es.ogg")


def test_a_folder_and_a_package_give_the_same(tmp_path, as_package):
    package, folder = tmp_path / "stamps.deb", tmp_path / "stamps"
    package.write_bytes(as_package(FILES))
    (folder / "animals").mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    for root in (package, folder):
        files = open_stamps(root)
        assert files.names == NEEDED
        assert [files.read(name) for name in NEEDED] == [b"1", b"An owl.", b"2"]


def test_a_package_is_read_once_unless_it_changes(tmp_path, as_package):
    package = tmp_path / "stamps.deb"
    package.write_bytes(as_package(FILES))
    assert open_stamps(package) is open_stamps(package)
    package.write_bytes(as_package({"animals/owl.txt": b"A bird."}))
    assert open_stamps(package).names == ("animals/owl.txt",)


def test_stamps_are_found_through_the_environment_or_the_system(tmp_path, monkeypatch):
    monkeypatch.setenv("MMGRAPH_STAMPS", str(tmp_path))
    assert find_stamps() == tmp_path
    monkeypatch.setenv("MMGRAPH_STAMPS", str(tmp_path / "none"))
    assert find_stamps() is None
    monkeypatch.delenv("MMGRAPH_STAMPS")
    monkeypatch.setattr(module, "SYSTEM", tmp_path)
    assert find_stamps() == tmp_path
    monkeypatch.setattr(module, "SYSTEM", tmp_path / "none")
    assert find_stamps() is None
    with pytest.raises(
        ValueError, match=r"are not on this machine: install it \(apt-get install tuxpaint-stamps-default"
    ):
        open_stamps()


def test_what_holds_no_stamp_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds no stamp: install it"):
        open_stamps(tmp_path)
    with pytest.raises(ValueError, match="none' is no folder of stamps and no package"):
        open_stamps(tmp_path / "none")
    (tmp_path / "odd.deb").write_bytes(b"odd")
    with pytest.raises(ValueError, match=r"odd\.deb is no whole Debian package"):
        open_stamps(tmp_path / "odd.deb")


def test_a_file_that_went_away_is_named(tmp_path):
    (tmp_path / "owl.txt").write_text("An owl.")
    files = open_stamps(tmp_path)
    (tmp_path / "owl.txt").unlink()
    with pytest.raises(ValueError, match=r"owl\.txt cannot be read"):
        files.read("owl.txt")
