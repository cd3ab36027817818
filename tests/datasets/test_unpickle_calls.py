"""What the words in a pickle mean, and which arguments and states are refused."""

import numpy as np
import pytest

from mmgraph.datasets.unpickle_calls import Name, Unbuilt, build, call, check_key, known

U1 = np.dtype("u1")


def test_names_of_old_and_new_numpy_mean_the_same():
    assert known("numpy.core.multiarray", "_reconstruct") == known("numpy._core.multiarray", "_reconstruct")


@pytest.mark.parametrize(("module", "name"), [("numpy", "load"), ("builtins", "eval"), (3, None), ("os", "system")])
def test_other_names_are_refused(module, name):
    with pytest.raises(ValueError, match=f"the pickle names '{module}.{name}'"):
        known(module, name)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("array", (Name("ndarray"), (10**9,), b"b")),
        ("array", (Name("dtype"), (0,), b"b")),
        ("scalar", (np.dtype("O"), b"12345678")),
        ("encode", ("x", "rot13")),
        ("dict", ([1],)),
        ("bytearray", (10**12,)),
        ("list", ([1],)),
        ("int", ("9" * 100,)),
        ("buffer", (b"", U1, [0], "C")),
    ],
)
def test_arguments_that_nobody_writes_are_refused(name, arguments):
    with pytest.raises(ValueError, match=f"{name} is given {len(arguments)} arguments"):
        call(Name(name), arguments)


@pytest.mark.parametrize("spec", ["V8", "M8[s]", "m8", "f4,f4", "(2,)f4", "f3", "O9", "S9999999999", ""])
def test_dtypes_that_are_not_read_are_named(spec):
    with pytest.raises(ValueError, match="an array of dtype"):
        call(Name("dtype"), (spec, False, True))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ((1, (3,), U1, False, b"ab"), r"shape \(3,\) and uint8 has 2 bytes, not 3"),
        ((1, (-1,), U1, False, b""), r"an array of shape \(-1,\)"),
        ((1, (True,), U1, False, b"a"), r"an array of shape \(True,\)"),
        ((1, (1,) * 40, U1, False, b"a"), "an array of shape"),
        ((1, (10**12,), np.dtype("S0"), False, b""), "has 0 bytes"),
        ((1, (2,), np.dtype("O"), False, [1]), "needs a list of 2 objects"),
        ((1, (2,), np.dtype("O"), False, b"12345678"), "needs a list of 2 objects"),
        ((1, (1,), U1, False, 7), "the content of an array is a int"),
        ((1, (1,), np.dtype("<U1"), False, b"\xff\xff\xff\xff"), "holds what is no character"),
        ({"x": 1}, "a state that numpy does not write"),
    ],
)
def test_an_array_whose_parts_disagree_is_refused(state, message):
    with pytest.raises(ValueError, match=message):
        build(Unbuilt(), state)


def test_a_dtype_takes_its_byte_order_and_nothing_else():
    assert build(np.dtype("i2"), (3, ">", None, None, None, -1, -1, 0)) == np.dtype(">i2")
    with pytest.raises(ValueError, match="a state that numpy does not write"):
        build(np.dtype("i2"), (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 8, 0))


@pytest.mark.parametrize("value", [((1,),), [1], {}, frozenset(), (1, [2])])
def test_containers_are_no_keys(value):
    with pytest.raises(ValueError, match=f"a {type(value).__name__} is the key"):
        check_key(value)
