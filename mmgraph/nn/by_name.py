"""`ByName`: modules by names of the data, whatever these are."""

from collections.abc import ItemsView, Iterator, KeysView

from torch import nn


class ByName(nn.ModuleDict):
    """An `nn.ModuleDict` that takes every name that a schema may have.

    `nn.ModuleDict` refuses names with a dot and those of its own methods and attributes, "type" and "values" among
    them. Such a name stands in angle brackets in the state dict and in `named_modules`; any other as it is.

    Args:
        modules: by name.

    Example:
        >>> parts = ByName({"text": nn.Linear(2, 2), "type": nn.Linear(3, 2)})
        >>> list(parts), parts["type"].in_features, [name for name, _ in parts.named_children()]
        (['text', 'type'], 3, ['text', '<type>'])
    """

    def __getitem__(self, key: str) -> nn.Module:
        return super().__getitem__(_place(key))

    def __setitem__(self, key: str, module: nn.Module) -> None:
        super().__setitem__(_place(key), module)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(_place(key))

    def __contains__(self, key: str) -> bool:
        return super().__contains__(_place(key))

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def keys(self) -> KeysView[str]:
        """The names as they were given."""
        return dict(self.items()).keys()

    def items(self) -> ItemsView[str, nn.Module]:
        """The names as they were given, and the modules."""
        return {_name(place): module for place, module in self._modules.items() if module is not None}.items()


_TAKEN = frozenset(dir(nn.ModuleDict()))


def _place(name: str) -> str:
    """A name that `nn.ModuleDict` takes, a different one for each name."""
    if name in _TAKEN or "." in name or name.startswith("<"):
        return f"<{name.replace('%', '%25').replace('.', '%2E')}>"
    return name


def _name(place: str) -> str:
    """The name behind a place."""
    return place[1:-1].replace("%2E", ".").replace("%25", "%") if place.startswith("<") else place
