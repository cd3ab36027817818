"""Which implementation the operators run on: chosen by device, or by `with ops.backend("reference"):`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import torch

BACKENDS = ("reference", "torch", "numba", "triton", "torch_scatter")
"""Every back-end that mmgraph knows. `reference` defines the meaning and runs everywhere; so does `torch`, which is
plain torch too, faster and not differentiable twice. `numba` runs on CPUs, `triton` on GPUs, or anywhere in its
interpreter (with the environment variable TRITON_INTERPRET=1)."""

FUSED = ("numba", "triton")
"""Those whose kernels make no array of [edges, heads, channels]."""

_HOW_TO_GET = {
    "numba": "pip install numba",
    "triton": "it comes with CUDA builds of torch; else pip install triton",
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
    """The back-end that an operator on `device` runs on now: Numba on a CPU, Triton on a GPU, else plain torch.

    Raises:
        ValueError: if the chosen back-end cannot run on `device`.
    """
    if _chosen is None:
        fused = {"cpu": "numba", "cuda": "triton"}.get(device.type)
        return fused if fused in _AVAILABLE else "torch"
    if _chosen == "numba" and device.type != "cpu":
        raise ValueError(f"back-end 'numba' runs on the CPU only, the tensors are on {device}")
    if _chosen == "triton" and device.type == "cpu" and not interpreted():
        raise ValueError("back-end 'triton' runs on a CPU only in its interpreter: start with TRITON_INTERPRET=1")
    return _chosen


def interpreted() -> bool:
    """Whether Triton was told to run its kernels in its interpreter."""
    return os.environ.get("TRITON_INTERPRET") == "1"
