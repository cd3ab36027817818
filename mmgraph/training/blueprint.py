"""`Blueprint`: how to build an object again, as a name and plain arguments."""

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import FunctionType, MappingProxyType
from typing import Any

from mmgraph.training.tree import Name, flatten, map_leaves

_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z]\w*")
_NAMED = (type, FunctionType)


@dataclass(frozen=True)
class Blueprint:
    """A function (or class) by name and the arguments to call it with: what a file keeps instead of a pickled object.

    A name from a file is only followed into `mmgraph` and the modules that the caller allows, and only to what was
    defined there: what such a module imports itself, `os` for instance, cannot be reached through it.

    Args:
        function: `"module:name"`, importable in another process (not `__main__`).
        arguments: keyword arguments: numbers, texts, lists, tuples, dicts, `GraphSchema`, and functions or classes as
            `Name("module:name")`.

    Raises:
        ValueError: if the function has another form, or an argument cannot be kept in JSON.

    Example:
        >>> Blueprint("mmgraph.training:FitSettings", {"epochs": 3}).build().epochs
        3
    """

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.arguments, Mapping):
            raise ValueError(f"{self.function}: arguments are a dict, got {self.arguments!r}")
        for name in self._names():
            if not _FUNCTION.fullmatch(name):
                raise ValueError(f"{name!r} is not 'module:name', such as 'mmgraph.models:GraphFusion'")
            if name.startswith("__main__:"):
                raise ValueError(f"{name}: names of a script cannot be found again; move it to a module")
        _, tensors = flatten(self.arguments)
        if tensors:
            raise ValueError(f"{self.function}: argument {next(iter(tensors))!r} is a tensor; weights are kept apart")
        object.__setattr__(self, "arguments", MappingProxyType(dict(self.arguments)))

    @classmethod
    def of(cls, function: Callable[..., Any], /, **arguments: Any) -> "Blueprint":
        """The blueprint of a call, from the objects themselves; raises ValueError as the constructor does.

        Example:
            >>> from mmgraph.training import FitSettings
            >>> Blueprint.of(FitSettings, epochs=3).function
            'mmgraph.training:FitSettings'
        """
        named = map_leaves(arguments, lambda leaf: Name(_name_of(leaf)) if isinstance(leaf, _NAMED) else leaf)
        return cls(_name_of(function), named)

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that the function and the named arguments are imported from."""
        return tuple(dict.fromkeys(name.partition(":")[0] for name in self._names()))

    def named(self, allow: Iterable[str] = ()) -> dict[str, Any]:
        """All that it names, by name: what is called first, then the arguments among them.

        Raises ValueError if a name is not allowed or not there; `allow` as for `build`.

        Example:
            >>> list(Blueprint("mmgraph.training:FitSettings").named())
            ['mmgraph.training:FitSettings']
        """
        allowed = ("mmgraph", *allow)
        return {name: _find(name, allowed) for name in self._names()}

    def build(self, allow: Iterable[str] = ()) -> Any:
        """Calls the function.

        Args:
            allow: modules or packages besides `mmgraph` that you trust.

        Raises:
            ValueError: if a name is not allowed or not there, or the function takes other arguments.
        """
        named = self.named(allow)
        function = named[self.function]
        arguments = map_leaves(dict(self.arguments), lambda leaf: named[leaf.name] if isinstance(leaf, Name) else leaf)
        try:
            inspect.signature(function).bind(**arguments)
        except TypeError as error:
            raise ValueError(f"{self.function} takes other arguments: {error}") from error
        return function(**arguments)

    def to_tree(self) -> dict[str, Any]:
        """Plain content for a checkpoint or record."""
        return {"function": self.function, "arguments": dict(self.arguments)}

    def _names(self) -> list[str]:
        names = [str(self.function)]
        map_leaves(dict(self.arguments), lambda leaf: names.append(leaf.name) if isinstance(leaf, Name) else None)
        return names


def _name_of(function: Any) -> str:
    """`module:name`, with the shortest package that offers the same object: files inside a package may move."""
    module, name = function.__module__, function.__qualname__
    parts = module.split(".")
    for length in range(1, len(parts)):
        package = ".".join(parts[:length])
        if getattr(sys.modules.get(package), name, None) is function:
            return f"{package}:{name}"
    return f"{module}:{name}"


def _find(function: str, allowed: tuple[str, ...]) -> Any:
    module, _, name = function.partition(":")
    if not within(module, allowed):
        raise ValueError(f"{function} is outside of {', '.join(allowed)}; if you trust it, pass allow=[{module!r}]")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{function} cannot be imported: {error}") from error
    if not callable(found) or not within(str(getattr(found, "__module__", "")), allowed):
        raise ValueError(f"{function} is not a function or class that was defined in {', '.join(allowed)}")
    return found


def within(module: str, allowed: tuple[str, ...]) -> bool:
    """Whether a module is one of some modules or packages, or in one.

    Example:
        >>> within("mmgraph.nn", ("mmgraph",)), within("mmgraphx", ("mmgraph",))
        (True, False)
    """
    return any(module == name or module.startswith(name + ".") for name in allowed)
