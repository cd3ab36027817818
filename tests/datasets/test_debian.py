"""Debian packages: read without installing, and what is wrong with a broken one."""

import pytest

from mmgraph.datasets import debian
from mmgraph.datasets.debian import package_files

FILES = {"animals/owl.txt": b"An owl.", "food/pie.txt": b"A pie." * 500, "empty.txt": b""}
FOLDER = "usr/share/tuxpaint/stamps"


@pytest.mark.parametrize("compression", ["xz", "gz", ""])
def test_files_of_a_package_come_with_their_content(tmp_path, as_package, compression):
    path = tmp_path / "stamps.deb"
    path.write_bytes(as_package(FILES, compression))
    assert dict(package_files(path, FOLDER)) == FILES
    assert dict(package_files(path, f"/{FOLDER}/animals")) == {"owl.txt": b"An owl."}
    assert next(package_files(path, FOLDER))[0] == "animals/owl.txt"  # and stopping there closes the file


@pytest.mark.parametrize("kept", [0, 5, 30, 68, 150, 0.6, 0.9, 0.99, -1])
@pytest.mark.parametrize("compression", ["xz", "gz"])
def test_a_package_that_was_cut_off_is_named(tmp_path, as_package, compression, kept):
    package = as_package(FILES, compression)
    path = tmp_path / "stamps.deb"
    path.write_bytes(package[: int(kept * len(package)) if 0 < kept < 1 else kept])
    try:
        files = dict(package_files(path, FOLDER))
    except ValueError as error:
        assert "stamps.deb is no whole Debian package" in str(error)
    else:
        assert kept == -1 and files == FILES  # only the byte that fills up to an even length is gone


def test_what_is_no_package_is_named(tmp_path, as_package):
    path = tmp_path / "stamps.deb"
    for content, message in [
        (b"PK\x03\x04", "it does not begin as one"),
        (b"!<arch>\n", r"it has no data\.tar"),
        (b"!<arch>\n" + b"x" * 60, "a damaged header"),
        (as_package(FILES).replace(b"data.tar.xz", b"data.tar.zz"), "something else than xz or gzip: `dpkg-deb -x`"),
    ]:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            dict(package_files(path, FOLDER))
    with pytest.raises(ValueError, match="No such file"):
        dict(package_files(tmp_path / "none.deb", FOLDER))


def test_a_damaged_byte_is_found_by_the_check_sum(tmp_path, as_package):
    package = bytearray(as_package(FILES))
    package[-40] ^= 1
    (tmp_path / "stamps.deb").write_bytes(package)
    with pytest.raises(ValueError, match="no whole Debian package"):
        dict(package_files(tmp_path / "stamps.deb", FOLDER))


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path, as_package, monkeypatch):
    monkeypatch.setattr(debian, "MAX_MEMBER", 2999)
    (tmp_path / "stamps.deb").write_bytes(as_package(FILES))
    with pytest.raises(ValueError, match=r"pie\.txt has 3,000 bytes, more than 2,999"):
        dict(package_files(tmp_path / "stamps.deb", FOLDER))
