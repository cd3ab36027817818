"""`mmgraph info`: what this machine and this installation have."""

import platform
import sys
from collections.abc import Iterator
from importlib import metadata

import torch

from mmgraph import __version__, ops
from mmgraph.datasets import find_recordings
from mmgraph.ops.backend import BACKENDS

PACKAGES = {
    "torch": "pip install torch",
    "torch-geometric": "pip install torch-geometric",
    "torch-scatter": "make scatter, or pip install --no-build-isolation torch-scatter",
    "numba": "pip install numba",
    "triton": "comes with CUDA builds of torch on Linux",
    "lightning-fabric": "pip install lightning-fabric",
    "joblib": "pip install joblib",
    "numpy": "pip install numpy",
    "scikit-learn": "pip install scikit-learn",
    "soundfile": "pip install soundfile",
}
"""What mmgraph works with, and how to get it."""


def describe() -> str:
    """Versions, back-ends, devices and recordings, a line each.

    Example:
        >>> describe().splitlines()[0].startswith("mmgraph")
        True
    """
    sections = {
        "": _versions(),
        "back-ends": _backends(),
        "devices": _devices(),
        "recordings of speech": _recordings(),
    }
    lines = []
    for title, rows in sections.items():
        lines += ["", f"{title}:"] if title else []
        lines += [f"{'  ' if title else ''}{name:<18}{value}" for name, value in rows]
    return "\n".join(lines)


def _versions() -> Iterator[tuple[str, str]]:
    yield "mmgraph", __version__
    yield "python", f"{platform.python_version()} ({sys.executable})"
    yield "system", platform.platform()
    for package, how in PACKAGES.items():
        try:
            yield package, metadata.version(package)
        except metadata.PackageNotFoundError:
            yield package, f"not installed: {how}"


def _backends() -> Iterator[tuple[str, str]]:
    used = {ops.current_backend(torch.device(kind)): kind for kind in _kinds()}
    for name in BACKENDS:
        try:
            with ops.backend(name):
                yield name, f"available, default on {used[name]}" if name in used else "available"
        except ValueError as error:
            yield name, str(error)


def _kinds() -> list[str]:
    return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


def _devices() -> Iterator[tuple[str, str]]:
    yield "cpu", f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"
    for index in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(index)
        yield (
            f"cuda:{index}",
            f"{facts.name}, {facts.total_memory / 2**30:.0f} GiB, capability {facts.major}.{facts.minor}",
        )
    if not torch.cuda.is_available():
        yield "cuda", "none that torch can use"


def _recordings() -> Iterator[tuple[str, str]]:
    found = find_recordings()
    yield "synthetic", "92 voices, shipped with the package"
    if found is not None:
        yield "people", f"{sum(1 for _ in found.glob('*.wav')):,} files in {found}"
    else:
        yield "people", "none: set MMGRAPH_DATA to a folder of {digit}_{speaker}_{take}.wav (Free Spoken Digit Dataset)"
