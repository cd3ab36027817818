"""What the CPU kernels share: compiler options, pieces of work, runs of edges, factors of edges."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, no_type_check

import numba
import numpy as np
import torch
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[Any]

FAST = {"contract", "reassoc", "nsz", "arcp"}
"""Floating-point freedoms that let the compiler use vectors, and keep NaN and infinity visible."""

PIECES = 64
"""Pieces that the nodes are cut into, whatever the number of threads, so that results do not depend on it."""


_FILES = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function for several threads at its first call, and keeps the code as long as this folder is the same.

    Numba itself looks at the function's own file only, and would go on with what other files have made of it.
    """
    compiled = njit(parallel=True, fastmath=FAST, cache=True)(function)
    compiled._cache._cache_file._source_stamp = _FILES  # type: ignore[attr-defined]
    return compiled


@contextmanager
def keep_torch_threads() -> Iterator[int]:
    """Leaves torch's number of threads as it was, and says what it is.

    Numba's OpenMP layer shares the OpenMP runtime with torch and sets its number of threads when it starts.
    """
    threads = torch.get_num_threads()
    try:
        yield threads
    finally:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


with keep_torch_threads():
    LIMIT = numba.get_num_threads()
    """Threads that Numba was started with."""


@contextmanager
def torch_threads() -> Iterator[None]:
    """Runs Numba with as many threads as torch may use."""
    with keep_torch_threads() as threads:
        numba.set_num_threads(max(1, min(threads, LIMIT)))
        yield


@njit(cache=True)
@no_type_check
def cut(ptr: Array, pieces: int) -> Array:
    """Node boundaries of pieces that hold about equally many nodes and edges, also inside one large graph."""
    nodes = ptr.size - 1
    bounds = np.zeros(pieces + 1, np.int64)
    total = ptr[nodes] + nodes
    piece = 1
    for i in range(nodes):
        while piece < pieces and (ptr[i] + i) * pieces >= total * piece:
            bounds[piece] = i
            piece += 1
    bounds[piece:] = nodes
    return bounds


@njit(cache=True)
@no_type_check
def run_ends(ptr: Array, relation: Array) -> Array:
    """For every edge, where the run of edges of its relation into (or out of) its node ends, int32.

    Kernels look it up: a loop that searched the end would be mispredicted once per run, and again in every pass.
    """
    ends = np.empty(relation.size, np.int32)
    for i in range(ptr.size - 1):
        start, end = ptr[i], ptr[i + 1]
        for e in range(end - 1, start - 1, -1):
            ends[e] = end
            end = e if relation[e - 1] != relation[e] else end  # the value at `start` is never used
    return ends


@njit(inline="always")
@no_type_check
def is_kept(counter: int, seed: int, threshold: int) -> bool:
    """Whether an (edge, head) stays; the same function as `mmgraph.ops.dropout.keep_weights`."""
    x = np.uint64(counter) & np.uint64(0xFFFFFFFF)
    for turn in range(2):
        if turn == 1:
            x ^= np.uint64(seed) & np.uint64(0xFFFFFFFF)
        x ^= x >> np.uint64(16)
        x = (x * np.uint64(0x7FEB352D)) & np.uint64(0xFFFFFFFF)
        x ^= x >> np.uint64(15)
        x = (x * np.uint64(0x846CA68B)) & np.uint64(0xFFFFFFFF)
        x ^= x >> np.uint64(16)
    return x >= np.uint64(threshold)


@njit(parallel=True, cache=True)
@no_type_check
def factors(edge_weight: Array, threshold: int, scale: float, seed: int, out: Array) -> None:
    """What multiplies alpha, [edges, heads]: the edge's weight if there are weights, times 0 or `scale` by dropout."""
    edges, heads = out.shape
    for e in prange(edges):
        for h in range(heads):
            weight = edge_weight[e, h if edge_weight.shape[1] > 1 else 0] if edge_weight.size > 0 else out.dtype.type(1)
            if threshold > 0:
                kept = is_kept(e * heads + h, seed, threshold)
                weight = weight * out.dtype.type(scale) if kept else out.dtype.type(0)
            out[e, h] = weight
