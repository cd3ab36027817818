"""What the words of a pickle mean that `read_pickle` knows: an array, a dtype, a scalar, a container."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

_DTYPE = re.compile(r"[<>|=]?(?:\?|b1?|[iu][1248]|f[248]|c(?:8|16)|[SU]\d{1,9}|O[48]?)")


class Name(NamedTuple):
    """A name in a pickle; nothing more than the word.

    Example:
        >>> known("numpy.core.multiarray", "scalar").means
        'scalar'
    """

    means: str


class Unbuilt:
    """An array whose content comes with a later instruction; `keys` are its places in the memo.

    Example:
        >>> Unbuilt().keys
        []
    """

    def __init__(self) -> None:
        self.keys: list[int] = []


_KNOWN: Mapping[tuple[str, str], str] = {
    **{
        (f"numpy.{core}.{module}", name): meaning
        for core in ("core", "_core")
        for module, name, meaning in (
            ("multiarray", "_reconstruct", "array"),
            ("multiarray", "scalar", "scalar"),
            ("numeric", "_frombuffer", "buffer"),
        )
    },
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
    ("collections", "OrderedDict"): "dict",
    ("collections", "defaultdict"): "defaultdict",
    **{
        (module, name): name
        for module in ("builtins", "__builtin__")
        for name in ("list", "dict", "set", "frozenset", "int", "float", "str", "bytes", "bytearray")
    },
}


_SETS: Mapping[str, type[set[Any]] | type[frozenset[Any]]] = {"set": set, "frozenset": frozenset}
_EMPTY: Mapping[str, type] = {"list": list, "bytes": bytes, "bytearray": bytearray, **_SETS}


def known(module: object, name: object) -> Name:
    """The word of a name in a pickle.

    Raises:
        ValueError: naming it, for every name but those that numpy writes and those of plain containers.

    Example:
        >>> known("os", "system")
        Traceback (most recent call last):
        ValueError: the pickle names 'os.system'; only numpy arrays and plain containers are read
    """
    meaning = _KNOWN.get((module, name)) if isinstance(module, str) and isinstance(name, str) else None
    if meaning is None:
        raise ValueError(f"the pickle names '{module}.{name}'; only numpy arrays and plain containers are read")
    return Name(meaning)


def call(name: Name, arguments: tuple[Any, ...]) -> Any:
    r"""What a known name gives for its arguments, as numpy and Python write them; nothing of these is called.

    Raises:
        ValueError: on arguments that neither numpy nor Python writes.

    Example:
        >>> call(Name("encode"), ("\u00e9", "latin1"))
        b'\xe9'
    """
    match name.means, arguments:
        case "array", (Name("ndarray"), (0,), b"b" | "b"):
            return Unbuilt()
        case "buffer", (bytes() | bytearray() as content, np.dtype() as dtype, tuple() as shape, "C" | "F" as order):
            return _array(content, dtype, shape, order)
        case "dtype", (str() | bytes() as spec, *_):
            return _dtype(spec if isinstance(spec, str) else spec.decode("latin-1"))
        case "scalar", (np.dtype() as dtype, bytes() | str() as content) if dtype.kind != "O":
            return _array(_bytes(content), dtype, (1,), "C")[0]
        case "encode", (str() as text, "latin1" | "latin-1"):
            return text.encode("latin-1")
        case "dict", ():
            return {}
        case "dict", (list() as pairs,) if all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
            return {check_key(key): value for key, value in pairs}
        case "defaultdict", () | (Name(),):
            return {}
        case ("list" | "set" | "frozenset" | "bytes" | "bytearray") as kind, ():
            return _EMPTY[kind]()
        case "bytearray", (bytes() as content,):
            return bytearray(content)
        case "bytearray", (str() as text, "latin-1" | "latin1"):
            return bytearray(text, "latin-1")
        case ("set" | "frozenset") as kind, (list() as items,):
            return _SETS[kind](map(check_key, items))
    raise ValueError(f"a damaged pickle: {name.means} is given {len(arguments)} arguments that nobody writes for it")


def build(before: object, state: object) -> Any:
    r"""The object with the state that the pickle gives it: the content of an array, the byte order of a dtype.

    Raises:
        ValueError: on a state that numpy does not write, or an array whose shape and content disagree.

    Example:
        >>> build(Unbuilt(), (1, (2,), np.dtype("u1"), False, b"\x01\x02")).tolist()
        [1, 2]
    """
    match before, state:
        case Unbuilt(), (int(), tuple() as shape, np.dtype() as dtype, bool() | 0 | 1 as fortran, content):
            return _array(content, dtype, shape, "F" if fortran else "C")
        case np.dtype() as dtype, (int(), "<" | ">" | "|" | "=" as order, None, None, None, *_):
            return dtype.newbyteorder(order) if order in "<>" else dtype
    raise ValueError("a damaged pickle: a state that numpy does not write, or a class of somebody's own")


def check_key(value: Any) -> Any:
    """The value, if it may be the key of a dict: a plain one, since to hash tuples of tuples can take for ever.

    Example:
        >>> check_key(("vid", 3))
        ('vid', 3)
    """
    plain = (str, bytes, int, float, complex, type(None), np.generic)
    if isinstance(value, plain) or (isinstance(value, tuple) and all(isinstance(part, plain) for part in value)):
        return value
    raise ValueError(
        f"a {type(value).__name__} is the key of a dict or in a set; strings, numbers and their tuples are"
    )


def _dtype(spec: str) -> np.dtype[Any]:
    if _DTYPE.fullmatch(spec) is None:
        raise ValueError(f"an array of dtype {spec!r}: numbers, booleans, strings and Python objects are read")
    return np.dtype("O" if spec.strip("<>|=").startswith("O") else spec)


def _bytes(content: object) -> bytes:
    """Raw bytes, which are a string in the pickles of Python 2."""
    if isinstance(content, str):
        return content.encode("latin-1")
    if isinstance(content, bytes | bytearray):
        return bytes(content)
    raise ValueError(f"a damaged pickle: the content of an array is a {type(content).__name__}")


def _array(content: object, dtype: np.dtype[Any], shape: tuple[Any, ...], order: str) -> np.ndarray:
    if not all(type(size) is int and size >= 0 for size in shape) or len(shape) > 32:
        raise ValueError(f"a damaged pickle: an array of shape {shape!r:.80}")
    count = math.prod(shape)
    if dtype.kind == "O":
        if not isinstance(content, list) or len(content) != count:
            raise ValueError(f"an array of shape {shape} needs a list of {count} objects")
        objects = np.empty(count, dtype=object)
        objects[:] = content if count != 1 else [content[0]]
        return objects.reshape(shape, order="F" if order == "F" else "C")
    raw = _bytes(content)
    size = count * dtype.itemsize
    if len(raw) != size or (count and not size):
        raise ValueError(f"an array of shape {shape} and {dtype} has {len(raw):,} bytes, not {size:,}")
    flat = np.frombuffer(raw, dtype) if raw else np.zeros(0, dtype)
    if dtype.kind == "U" and len(raw) and flat.view(f"{dtype.byteorder}u4").max() > 0x10FFFF:
        raise ValueError("a damaged pickle: an array of strings holds what is no character")
    return flat.reshape(shape, order="F" if order == "F" else "C")
