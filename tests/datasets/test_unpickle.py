"""Pickles: arrays and plain containers are read, everything else is refused by name, and nothing of it is run."""

import builtins
import collections
import fractions
import io
import os
import pickle
import pickletools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mmgraph.datasets import read_pickle, unpickle


def write(folder: Path, content: object, protocol: int = 4) -> Path:
    path = folder / "data.pkl"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol=protocol))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pickles")


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
keys = st.integers() | st.text() | st.binary() | st.tuples(st.integers(), st.text())
plain = st.recursive(
    scalars | st.builds(bytearray, st.binary()) | st.frozensets(st.text()) | st.sets(st.integers()),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(keys, inner),
    max_leaves=6,
)
numeric = arrays.arrays(
    arrays.boolean_dtypes()
    | arrays.integer_dtypes(endianness="?")
    | arrays.floating_dtypes(endianness="?")
    | arrays.complex_number_dtypes()
    | arrays.unicode_string_dtypes(max_len=3)
    | arrays.byte_string_dtypes(max_len=3),
    arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)


@given(plain, st.integers(0, 5))
def test_plain_containers_come_back(folder, content, protocol):
    (read,) = read_pickle(write(folder, [content], protocol))
    assert read == content and type(read) is type(content)


@given(numeric, st.sampled_from("CF"), st.integers(0, 5))
def test_arrays_come_back(folder, array, order, protocol):
    array = np.asarray(array, order=order)
    read = read_pickle(write(folder, {"x": array}, protocol))["x"]
    assert read.dtype == array.dtype and read.shape == array.shape
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("protocol", range(6))
def test_numpy_scalars_object_arrays_and_kinds_of_dict_come_back(folder, protocol):
    words = np.empty((2, 1), dtype=object)
    words[:, 0] = ["one", [1, None]]
    content = {
        "words": words,
        "scalar": np.float32(0.5),
        "name": np.str_("x"),
        "ordered": collections.OrderedDict(b=1, a=2),
        "default": collections.defaultdict(list, {"x": [1]}),
    }
    read = read_pickle(write(folder, content, protocol))
    assert read["words"].tolist() == [["one"], [[1, None]]] and read["scalar"] == np.float32(0.5)
    assert read["name"] == "x" and read["ordered"] == {"b": 1, "a": 2} and read["default"] == {"x": [1]}
    assert list(read["ordered"]) == ["b", "a"]


def test_an_array_that_is_there_twice_is_one_array(folder):
    array = np.arange(3.0)
    read = read_pickle(write(folder, [array, {"again": array}]))
    assert read[0] is read[1]["again"]


def test_pickles_of_python_2_and_of_older_numpy_are_read(folder):
    # {'a': array([1, 2], dtype=int16)} of Python 2 and numpy 1: byte strings in place of bytes, numpy.core
    content = (
        b"\x80\x02}q\x01U\x01aq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85q\x05"
        b"U\x01bq\x06\x87q\x07Rq\x08(K\x01K\x02\x85q\x09cnumpy\ndtype\nq\nU\x02i2q\x0bK\x00K\x01\x87q\x0cRq\r(K\x03U\x01<"
        b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0ebI00\nU\x04\x01\x00\x02\x00q\x0ftbs."
    )
    assert read_pickle(write(folder, content))["a"].tolist() == [1, 2]


# --- what is refused ---


class Evil:
    """Unpickling it would call `callee` with `arguments`."""

    def __init__(self, callee: object, *arguments: object) -> None:
        self.callee, self.arguments = callee, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.callee, self.arguments


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("callee", "arguments", "name"),
    [
        (os.system, ("touch {path}",), f"{os.name}.system"),
        (builtins.eval, ("open('{path}', 'w')",), "eval"),
        (builtins.open, ("{path}", "w"), "open"),
        (builtins.getattr, (os, "system"), "getattr"),
        (np.load, ("{path}",), "numpy.*load"),
        (io.BytesIO, (), "_io.BytesIO"),
        (fractions.Fraction, (1, 2), "fractions.Fraction"),
        (np.testing.assert_equal, (1, 1), "numpy"),
    ],
)
def test_a_malicious_pickle_is_refused_by_name_and_nothing_runs(tmp_path, callee, arguments, name, protocol):
    marker = tmp_path / "was-run"
    texts = tuple(a.format(path=marker) if isinstance(a, str) else "os" for a in arguments)
    path = write(tmp_path, {"audio": np.ones(2), "text": [Evil(callee, *texts)]}, protocol)
    with pytest.raises(ValueError, match=rf"data\.pkl: the pickle names '.*{name}.*'; only numpy arrays and plain"):
        read_pickle(path)
    assert not marker.exists()


def test_functions_classes_tensors_and_data_frames_are_refused_by_name(folder):
    import pandas as pd
    import torch

    for content, name in [
        (len, "builtins.len"),
        (Path, "pathlib.Path"),
        (torch.zeros(2), "torch._utils._rebuild_tensor_v2"),
        (pd.DataFrame({"a": [1]}), "pandas"),
        (np.random.default_rng(0), "numpy.random"),
        (np.zeros(1, dtype=[("a", "f4")]), "dtype 'V4'"),
        (np.zeros(1, dtype="M8[s]"), "dtype 'M8'"),
    ]:
        with pytest.raises(ValueError, match=f"{name}"):
            read_pickle(write(folder, content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cut off: 1 bytes are announced, 0 are left"),
        (b"no pickle", "data.pkl: "),
        (b"cos\nsystem\n.", "names 'os.system'"),
        (b"ios\nsystem\n(S'x'\no.", "names 'os.system'|instruction"),
        (b"(S'x'\nios\nsystem\n.", "instruction INST"),
        (b"\x80\x02\x82\x01.", "instruction EXT1"),
        (b"P0\n.", "instruction PERSID"),
        (b"N2.", "instruction DUP"),
        (b"\x80\x05\x97.", "instruction NEXT_BUFFER"),
        (b"\x80\x02]\x81.", "instruction NEWOBJ|takes more"),
        (b"h\x05.", "object 5 is named before it is there"),
        (b"NN.", "2 objects are left"),
        (b"(N.", "1 objects are left"),
        (b"N0.", "0 objects are left"),
        (b"0.", "takes more objects than there are"),
        (b"t.", "a group ends that never began"),
        (b"Na.", "a list is wanted"),
        (b"}(Nu.", "a key without a value"),
        (b"}]Ns.", "a list is the key"),
        (b"\x80\x04\x8f(]\x90.", "a list is the key of a dict or in a set"),
        (b"NNR.", "something is called that is no name"),
        (b"cnumpy\nndarray\n)R.", "ndarray is given 0 arguments"),
        (b"cbuiltins\nstr\n(S'x'\ntR.", "str is given 1 arguments"),
        (b"N}b.", "a state that numpy does not write"),
        (b"\x80\x04\x8c\x02osK\x01\x93.", "names 'os.1'"),
    ],
)
def test_a_damaged_or_odd_pickle_is_named(folder, content, message):
    with pytest.raises(ValueError, match=message):
        read_pickle(write(folder, content))


def test_nested_tuples_are_no_keys_since_to_hash_them_takes_for_ever(folder):
    doubled = b"\x85" + b"".join(bytes([0x71, i, 0x68, i, 0x86]) for i in range(60))  # t = (t, t), sixty times
    with pytest.raises(ValueError, match="a tuple is the key of a dict"):
        read_pickle(write(folder, b"\x80\x02}N" + doubled + b"Ns."))


@pytest.mark.parametrize("protocol", [2, 4])
def test_an_announced_length_takes_no_memory(folder, protocol):
    content = b"\x80\x04\x8e" + (2**40).to_bytes(8, "little") + b"abc."
    with pytest.raises(ValueError, match=r"cut off: 1,099,511,627,776 bytes are announced, 4 are left"):
        read_pickle(write(folder, content))
    array = pickle.dumps(np.zeros(3, dtype=np.uint8), protocol=protocol)
    size = array.index(b"K\x03\x85")
    huge = array[:size] + b"J\xff\xff\xff\x7f\x85" + array[size + 3 :]
    huge = huge.replace(huge[2:11], b"", 1) if protocol == 4 else huge  # without the frame, whose length is wrong now
    with pytest.raises(ValueError, match=r"has 3 bytes, not 2,147,483,647"):
        read_pickle(write(folder, huge))


def test_limits_of_size_and_of_instructions(folder, monkeypatch):
    path = write(folder, list(range(100)))
    with pytest.raises(ValueError, match=r"bytes are more than max_bytes=100"):
        read_pickle(path, max_bytes=100)
    monkeypatch.setattr(unpickle, "MAX_INSTRUCTIONS", 50)
    with pytest.raises(ValueError, match="more than 50 instructions"):
        read_pickle(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.pkl: .*No such file"):
        read_pickle(tmp_path / "none.pkl")


def test_every_instruction_is_read_refused_or_nothing():
    handled = {*unpickle._LITERALS, *unpickle._CONSTANTS, *unpickle._TUPLES, *unpickle._GETS, *unpickle._PUTS}
    handled |= {*unpickle._STEPS, *unpickle._NOTHING}
    names = {instruction.name for instruction in pickletools.opcodes}
    assert handled <= names
    assert names - handled == {
        *("INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "DUP"),
        *("NEXT_BUFFER", "READONLY_BUFFER"),
    }
