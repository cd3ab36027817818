"""What a layer's time cannot fall below on the machine at hand: a measured roofline.

Two rates are measured on the device, with the threads that are set: of matrix products (floating-point operations a
second, in a product of the layers' usual shape, by torch's way or ours, whichever is faster), and of reading rows that
lie in a cache (bytes a second). A step of a layer then takes at least the operations of its matrix products at the
first rate, plus its edges' rows at the second: a forward pass reads one row of channels per edge, the two sweeps of a
backward pass one each.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from timing import synchronize
from torch.utils.flop_counter import FlopCounterMode

from mmgraph.ops.product import products

SWEEPS = 3
"""Reads of a row per edge in a step."""


class Rates(NamedTuple):
    """What the machine reaches.

    Attributes:
        products: floating-point operations a second.
        rows: bytes a second.
    """

    products: float
    rows: float


def measure(device: str, channels: int) -> Rates:
    """The rates, the best of several runs."""
    a, b = torch.randn(4096, channels, device=device), torch.randn(channels, 8 * channels, device=device)
    out = torch.empty(4096, 8 * channels, device=device)
    fastest = min(_fastest(lambda: torch.mm(a, b, out=out)), _fastest(lambda: products(a).set(out, a, b)))
    operations = 2 * a.numel() * b.shape[1] / fastest
    rows, index = torch.randn(256, channels, device=device), torch.randint(256, (4096,), device=device)
    bags, found = torch.arange(0, 4096, 8, device=device), torch.empty(0)

    def gather() -> None:
        nonlocal found
        found = torch.nn.functional.embedding_bag(index, rows, bags, mode="sum")

    return Rates(operations, index.numel() * channels * rows.element_size() / _fastest(gather))


def _fastest(run: Callable[[], object], repeats: int = 30) -> float:
    """Seconds."""
    best = float("inf")
    for _ in range(repeats):
        synchronize()
        started = time.perf_counter()
        run()
        synchronize()
        best = min(best, time.perf_counter() - started)
    return best


def milliseconds(run: Callable[[], object], rates: Rates, edges: int, row_bytes: int) -> float:
    """The roofline of a step: its matrix products, counted by torch while it runs once, and its edges' rows."""
    with FlopCounterMode(display=False) as counter:
        run()
    return 1000 * (counter.get_total_flops() / rates.products + SWEEPS * edges * row_bytes / rates.rows)
