"""Pickles of numpy arrays and plain containers, read by a machine that can call nothing.

Python's own unpickler calls what a file names, so a pickle from elsewhere can run any program. This one walks through
the instructions itself: a name is no function here but a word, of which it knows those that numpy writes for an array,
a dtype or a scalar, and the names of plain containers. Everything else is refused, by name, and nothing was run.
"""

from __future__ import annotations

import pickletools
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

from mmgraph.datasets.unpickle_calls import Name, Unbuilt, build, call, check_key, known

MAX_INSTRUCTIONS = 20_000_000
"""Instructions that a pickle may have: about 20 seconds, and 2 GB for the smallest objects."""
MAX_BYTES = 1 << 34
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_CONSTANTS: Mapping[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_NOTHING = ("PROTO", "FRAME", "STOP")
_GETS, _PUTS = {"GET", "BINGET", "LONG_BINGET"}, {"PUT", "BINPUT", "LONG_BINPUT"}


def read_pickle(path: str | Path, *, max_bytes: int = MAX_BYTES) -> Any:
    """What a pickle holds, if that is numpy arrays, numbers, strings, lists, tuples, dicts and sets.

    Protocols 0 to 5, of Python 2 too (its strings, bytes as well as texts, become str by latin-1). Arrays are of
    numbers, booleans, strings or Python objects of the kinds above; they share the memory that was read and cannot be
    written. OrderedDict and defaultdict become dict.

    Args:
        path: the file.
        max_bytes: largest file.

    Raises:
        ValueError: naming the file: if it names anything else (a function, a class, a tensor, a data frame), is no
            pickle, cut off or damaged, larger than `max_bytes`, has more than `MAX_INSTRUCTIONS` instructions, or an
            array whose size and content disagree.

    Example:
        >>> import pickle
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "data.pkl")
        ...     _ = path.write_bytes(pickle.dumps({"text": ["one", "two"]}))
        ...     read_pickle(path)
        {'text': ['one', 'two']}
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "data.pkl")
        ...     _ = path.write_bytes(pickle.dumps(print))
        ...     read_pickle(path)
        Traceback (most recent call last):
        ValueError: ...data.pkl: the pickle names 'builtins.print'; only numpy arrays and plain containers are read
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise ValueError(f"{size:,} bytes are more than {max_bytes=:,}")
        with path.open("rb") as file:
            return _run(_Bounded(file, size))
    except Exception as error:  # what arbitrary bytes lead to in pickletools, struct and numpy is of any kind
        raise ValueError(f"{path}: {error or 'it is empty or no pickle'}") from error


class _Bounded:
    """A file that refuses to read more than it has, before memory is taken for it."""

    def __init__(self, file: BufferedReader, size: int) -> None:
        self.file, self.left = file, size

    def read(self, count: int) -> bytes:
        if count > self.left:
            raise ValueError(f"the pickle was cut off: {count:,} bytes are announced, {self.left:,} are left")
        self.left -= count
        return self.file.read(count)

    def readline(self) -> bytes:
        line = self.file.readline()
        self.left -= len(line)
        return line

    def tell(self) -> int:
        return self.file.tell()


def _run(file: _Bounded) -> Any:
    machine = _Machine()
    for number, (instruction, argument, _) in enumerate(pickletools.genops(file)):  # type: ignore[arg-type]
        if number >= MAX_INSTRUCTIONS:
            raise ValueError(f"more than {MAX_INSTRUCTIONS:,} instructions: it holds too many small objects")
        machine.step(instruction.name, argument)
    return machine.result()


class _Machine:
    """A stack, marks in it and a memo, as in the description of the format in `pickletools`."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _GETS:
            self.get(int(argument))
        elif name in _PUTS:
            self.put(int(argument))
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            self.stack.append(tuple(self.pop(_TUPLES[name])))
        elif name in _STEPS:
            _STEPS[name](self, argument)
        elif name not in _NOTHING:
            raise ValueError(f"the pickle has the instruction {name}; only numpy arrays and plain containers are read")

    def result(self) -> Any:
        if len(self.stack) != 1 or self.marks:
            raise ValueError(f"a damaged pickle: {len(self.stack)} objects are left at its end")
        return self.stack[0]

    def pop(self, count: int) -> list[Any]:
        bottom = self.marks[-1] if self.marks else 0
        if len(self.stack) - count < bottom:
            raise ValueError("a damaged pickle: an instruction takes more objects than there are")
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken

    def pop_mark(self) -> list[Any]:
        if not self.marks:
            raise ValueError("a damaged pickle: a group ends that never began")
        start = self.marks.pop()
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def top(self, kind: type) -> Any:
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise ValueError(f"a damaged pickle: a {kind.__name__} is wanted")
        return self.stack[-1]

    def get(self, key: int) -> None:
        if key not in self.memo:
            raise ValueError(f"a damaged pickle: object {key} is named before it is there")
        self.stack.append(self.memo[key])

    def put(self, key: int) -> None:
        self.memo[key] = self.top(object)
        if isinstance(self.stack[-1], Unbuilt):
            self.stack[-1].keys.append(key)

    def do_memoize(self, _: object) -> None:
        self.put(len(self.memo))

    def do_mark(self, _: object) -> None:
        self.marks.append(len(self.stack))

    def do_pop(self, _: object) -> None:
        self.pop(1)

    def do_pop_mark(self, _: object) -> None:
        self.pop_mark()

    def do_tuple(self, _: object) -> None:
        self.stack.append(tuple(self.pop_mark()))

    def do_empty_list(self, _: object) -> None:
        self.stack.append([])

    def do_list(self, _: object) -> None:
        self.stack.append(self.pop_mark())

    def do_append(self, _: object) -> None:
        items = self.pop(1)
        self.top(list).extend(items)

    def do_appends(self, _: object) -> None:
        items = self.pop_mark()
        self.top(list).extend(items)

    def do_empty_dict(self, _: object) -> None:
        self.stack.append({})

    def do_dict(self, _: object) -> None:
        self.stack.append(_pairs(self.pop_mark()))

    def do_setitem(self, _: object) -> None:
        items = self.pop(2)
        self.top(dict).update(_pairs(items))

    def do_setitems(self, _: object) -> None:
        items = self.pop_mark()
        self.top(dict).update(_pairs(items))

    def do_empty_set(self, _: object) -> None:
        self.stack.append(set())

    def do_additems(self, _: object) -> None:
        items = self.pop_mark()
        self.top(set).update(map(check_key, items))

    def do_frozenset(self, _: object) -> None:
        self.stack.append(frozenset(map(check_key, self.pop_mark())))

    def do_global(self, argument: str) -> None:
        self.stack.append(known(*argument.split(" ", 1)))

    def do_stack_global(self, _: object) -> None:
        module, name = self.pop(2)
        self.stack.append(known(module, name))

    def do_reduce(self, _: object) -> None:
        name, arguments = self.pop(2)
        if not isinstance(name, Name) or not isinstance(arguments, tuple):
            raise ValueError("a damaged pickle: something is called that is no name")
        self.stack.append(call(name, arguments))

    def do_build(self, _: object) -> None:
        before, state = self.pop(2)
        after = build(before, state)
        if isinstance(before, Unbuilt):
            self.memo.update(dict.fromkeys(before.keys, after))
        self.stack.append(after)


def _pairs(items: list[Any]) -> dict[Any, Any]:
    if len(items) % 2:
        raise ValueError("a damaged pickle: a key without a value")
    return dict(zip(map(check_key, items[::2]), items[1::2], strict=True))


_LITERALS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_STEPS = {name[3:].upper(): step for name, step in vars(_Machine).items() if name.startswith("do_")}
