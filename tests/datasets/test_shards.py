"""Shards of samples in tar files: what is written is read again, and what is broken is named."""

import io
import tarfile

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mmgraph.datasets import read_shard, shards, write_shards
from mmgraph.datasets.shards import in_chunks

kinds = arrays.integer_dtypes(endianness="=") | arrays.floating_dtypes(sizes=(32, 64), endianness="=")
values = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text(st.characters(exclude_categories=["Cs", "Cc"])).map(str.strip).filter(bool),
        "image": arrays.arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 4), st.just(3))),
        "features": arrays.arrays(kinds, st.tuples(st.integers(1, 3), st.integers(1, 3))),
        "audio": st.tuples(
            arrays.arrays(np.float32, st.integers(1, 5), elements=st.floats(-1, 1, width=32)), st.just(8000)
        ),
        "answer": st.integers(-5, 5) | st.floats(-1, 1) | st.booleans() | st.none(),
    },
)


def archive(path, files):
    with tarfile.open(path, "w") as tar:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


@given(st.lists(values, min_size=1, max_size=5), st.integers(1, 3))
@example([{"answer": None}, {}], 2)
def test_what_is_written_is_read_again(tmp_path_factory, contents, per_shard):
    samples = [{"id": f"folder/{number}"} | content for number, content in enumerate(contents)]
    paths = write_shards(samples, tmp_path_factory.mktemp("shards"), per_shard=per_shard)
    assert len(paths) == -(-len(samples) // per_shard)
    read = [sample for path in paths for sample in read_shard(path)]
    for one, other in zip(samples, read, strict=True):
        assert {key for key, value in one.items() if value is not None} == set(other)
        for key, value in other.items():
            np.testing.assert_array_equal(
                value[0] if key == "audio" else value, one[key][0] if key == "audio" else one[key]
            )
            assert key != "features" or value.dtype == one[key].dtype


@pytest.mark.parametrize("key", ["Image", "wordVectors", "a.b", "a b", "größe", ".x", "x.", "json"])
@pytest.mark.parametrize(
    "value",
    [
        *(np.ones((2, 3)), np.zeros((1, 2, 3), dtype=np.uint8), "hello", 3, 0.5, True),
        *(np.True_, np.int32(7), np.float32(0.5)),
    ],
)
def test_names_of_inputs_and_numbers_of_any_kind_come_back(tmp_path, key, value):
    (path,) = write_shards([{"id": "a", key: value, key.upper() + "2": value}], tmp_path)
    (read,) = read_shard(path)
    assert set(read) == {"id", key, key.upper() + "2"}
    np.testing.assert_array_equal(read[key], value)


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8", "f2"])
@pytest.mark.parametrize("rate", [8000, 8000.0, np.int64(8000)])
def test_sounds_of_any_float_come_back(tmp_path, dtype, rate):
    samples = np.linspace(-1, 1, 9).astype(dtype)
    (path,) = write_shards([{"id": "a", "audio": (samples[::-1], rate)}], tmp_path)
    (read,) = read_shard(path)
    assert read["audio"][1] == 8000
    np.testing.assert_array_equal(read["audio"][0], samples[::-1].astype(np.float32))


def test_files_of_webdataset_are_read_by_their_endings(tmp_path, as_png, as_sound):
    pixels = np.zeros((2, 3, 3))
    array = io.BytesIO()
    np.save(array, np.ones((2, 2)))
    files = [
        ("a/0.png", as_png(pixels)),
        ("a/0.left.PNG", as_png(pixels)),
        ("a/0.wav", as_sound(np.zeros(10))),
        ("a/0.txt", b"hello"),
        ("a/0.cls", b"7"),
        ("a/0.npy", array.getvalue()),
        ("a/0.json", b'{"mood": 0.5}'),
        ("b.x/0.meta.json", b'{"mood": 0.5}'),
    ]
    first, second = read_shard(archive(tmp_path / "s.tar", files))
    assert first["id"] == "a/0" and first["image"].shape == first["left"].shape == (2, 3, 3)
    assert first["audio"][1] == 8000 and (first["text"], first["label"], first["mood"]) == ("hello", 7, 0.5)
    assert first["features"].tolist() == [[1, 1], [1, 1]] and second == {"id": "b.x/0", "meta": {"mood": 0.5}}


def test_one_sample_is_in_memory_at_a_time(tmp_path):
    reader = read_shard(archive(tmp_path / "s.tar", [(f"{i}.txt", b"x") for i in range(5)]))
    assert next(reader)["id"] == "0"
    assert [len(chunk) for chunk in in_chunks(reader, 3)] == [3, 1]


@pytest.mark.parametrize("kept", [0, 100, 511, 512, 600, 1024, 1536, -10_000, -1])
def test_a_shard_that_was_cut_off_is_an_error_wherever_it_was_cut(tmp_path, kept):
    path = archive(tmp_path / "s.tar", [(f"{i}.txt", b"x" * 300) for i in range(8)])
    content = path.read_bytes()
    path.write_bytes(content[:kept])
    try:
        samples = list(read_shard(path))
    except ValueError as error:
        assert "s.tar is no whole tar" in str(error)
    else:
        assert kept == -1 and len(samples) == 8  # of the zeros at the end there are more than needed


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "holds no sample"),
        ([("a.png", b"no image")], r"s\.tar, a\.png: no image that can be read"),
        ([("a.wav", b"")], r"a\.wav: the file is empty"),
        ([("a.txt", b"\xff")], r"a\.txt: no UTF-8 text"),
        ([("a.cls", b"cat")], r"a\.cls: invalid literal"),
        ([("a.npy", b"\x93NUMPY\x01\x00")], r"a\.npy: no array of numbers"),
        ([("a.json", b"[1]")], r"a\.json: an object is wanted, got list"),
        ([("a.json", b"{")], r"a\.json: Expecting"),
        ([("a.json", b"[" * 100_000)], r"s\.tar, a\.json: maximum recursion depth"),
        ([("a.pyd", b"")], r"a\.pyd: files that end in \.pyd are not read"),
        ([("a.pickle", b"cos\nsystem\n.")], r"files that end in \.pickle are not read"),
        ([("a.txt", b"x"), ("a.text.txt", b"y")], r"a\.text\.txt: 'text' is given twice"),
        ([("a.txt", b"x"), ("a.json", b'{"id": "b"}')], r"a\.json: 'id' is given twice"),
        ([("a.txt", b"x"), ("b.txt", b"y"), ("a.cls", b"1")], r"a\.cls: sample 'a' came before"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, files, message):
    with pytest.raises(ValueError, match=message):
        list(read_shard(archive(tmp_path / "s.tar", files)))


def test_arrays_of_objects_or_with_a_false_header_are_refused(tmp_path):
    for array, change in [(np.array([None]), None), (np.ones(3), (b"(3,)", b"(9,)"))]:
        file = io.BytesIO()
        np.save(file, array, allow_pickle=True)
        content = file.getvalue().replace(*change) if change else file.getvalue()
        with pytest.raises(ValueError, match=r"a\.npy: no array of numbers that can be read"):
            list(read_shard(archive(tmp_path / "s.tar", [("a.npy", content)])))


def test_links_and_files_that_are_too_large_are_refused(tmp_path, monkeypatch):
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        link = tarfile.TarInfo("a.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    with pytest.raises(ValueError, match=r"a\.txt is no file of up to"):
        list(read_shard(tmp_path / "s.tar"))
    monkeypatch.setattr(shards, "MAX_MEMBER", 3)
    with pytest.raises(ValueError, match=r"a\.txt is no file of up to 3 bytes"):
        list(read_shard(archive(tmp_path / "s.tar", [("a.txt", b"1234")])))


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([], "0 samples, per_shard=2"),
        ([{"text": "x"}], "id None is no file name"),
        ([{"id": "a.b"}], r"id 'a\.b' is no file name without a dot"),
        ([{"id": "../a"}], "is no file name"),
        ([{"id": "a"}, {"id": "b"}, {"id": "a"}], "id 'a' is no file name without a dot, or comes twice"),
        ([{"id": "a", "x": object()}], "a object cannot be written"),
        ([{"id": "a", "x": np.array([None])}], "a ndarray cannot be written"),
        ([{"id": "a", "text": " x"}], "white space at its ends"),
        ([{"id": "a", "x/y": np.ones(2)}], "key 'x/y' of sample 'a' is no part of a file name"),
        ([{"id": "a", "": np.ones(2)}], "key '' of sample 'a' is no part of a file name"),
        ([{"id": "a", 3: 4}], "key 3 of sample 'a' is no part of a file name"),
        ([{"id": "a", "x": np.complex64(1)}], "a complex64 cannot be written"),
        ([{"id": "a", "audio": (np.ones(2, dtype=np.int16), 8000)}], "got int16 and rate=8000"),
        ([{"id": "a", "audio": (np.ones(2), 8000.5)}], "got float64 and rate=8000.5"),
        ([{"id": "a", "audio": (np.ones(2), "8000")}], "got float64 and rate='8000'"),
        ([{"id": "a", "audio": (np.full(2, np.nan), 8000)}], "sample 0 of the sound is .*not finite"),
        ([{"id": "a", "audio": (np.zeros(0), 8000)}], "a sound without samples"),
        ([{"id": "a", "audio": (np.ones((2, 2, 2)), 8000)}], r"a sound of shape \(2, 2, 2\) at 8000 Hz cannot be"),
        ([{"id": "a", "audio": (np.ones((2, 2000)), 8000)}], r"a sound of shape \(2, 2000\) at 8000 Hz cannot be"),
        ([{"id": "a", "audio": (np.ones(2), 0)}], r"a sound of shape \(2,\) at 0 Hz cannot be"),
    ],
)
def test_samples_that_cannot_be_written_are_named_and_no_half_shard_is_left(tmp_path, samples, message):
    with pytest.raises(ValueError, match=message):
        write_shards(samples, tmp_path / "out", per_shard=2)
    left = list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else []
    assert [path.name for path in left] in ([], ["shard-000000.tar"])
    for path in left:
        assert len(list(read_shard(path))) == 2


def test_shards_are_not_written_over(tmp_path):
    write_shards([{"id": "a", "text": "x"}], tmp_path)
    with pytest.raises(ValueError, match="has shards already"):
        write_shards([{"id": "a", "text": "x"}], tmp_path)
