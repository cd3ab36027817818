"""Which implementation the operators run on: chosen by device, or by `with ops.backend("reference"):`."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import torch

BACKENDS = ("reference", "numba", "torch_scatter")
"""Every back-end that mmgraph knows. `reference` is plain torch, defines the meaning and runs everywhere."""

_HOW_TO_GET = {
    "numba": "pip install numba",
    "torch_scatter": "make scatter, or pip install --no-build-isolation torch-scatter",
}
_AVAILABLE = tuple(name for name in BACKENDS if name == "reference" or find_spec(name) is not None)
_chosen: str | None = None  # not a ContextVar: torch.compile can read a global, and compiles again where it has changed


def available_backends() -> tuple[str, ...]:
    """The back-ends that can run on this machine.

    Example:
        >>> "reference" in available_backends()
        True
    """
    return _AVAILABLE


@contextmanager
def backend(name: str) -> Iterator[None]:
    """Runs the operators inside the block on the named back-end, in the whole process.

    Raises:
        ValueError: if there is no such back-end or it is not installed; the message says how to get it.

    Example:
        >>> with backend("reference"):
        ...     current_backend(torch.device("cpu"))
        'reference'
    """
    if name not in BACKENDS:
        raise ValueError(f"unknown back-end {name!r}; there are {', '.join(BACKENDS)}")
    if name not in _AVAILABLE:
        raise ValueError(f"back-end {name!r} is not installed here: {_HOW_TO_GET[name]}")
    global _chosen
    before, _chosen = _chosen, name
    try:
        yield
    finally:
        _chosen = before


def current_backend(device: torch.device) -> str:
    """The back-end that an operator on `device` runs on now: Numba on the CPU where installed, else the reference.

    Raises:
        ValueError: if the chosen back-end cannot run on `device`.
    """
    if _chosen == "numba" and device.type != "cpu":
        raise ValueError(f"back-end 'numba' runs on the CPU only, the tensors are on {device}")
    if _chosen is not None:
        return _chosen
    return "numba" if device.type == "cpu" and "numba" in _AVAILABLE else "reference"
