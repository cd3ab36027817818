"""What the Triton kernels share: pieces of work, runs of edges, addresses of blocks of columns, sizes of tiles.

**Pieces.** Edges are grouped by their owner: their destination, or in a backward pass their source. One program works
on the edges of one owner, from the first to the next multiple of `PIECE`; one more program begins at every multiple of
`PIECE` that lies inside an owner's edges. So no program has more than `PIECE` edges, however large a graph or a degree
is. All of this follows from the numbers of edges: no list of work is made, and nothing is read back from the GPU.

**Runs** are edges of one owner and, where that matters, of one relation. The program that has a run's first edge writes
what the run adds up to; programs that have later edges of it write to a row of their own ("slot"), numbered by the
multiple of `PIECE` that they begin at, and a second kernel adds the slots in order. There are no atomics: results do
not change from call to call.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from mmgraph.ops.backend import interpreted
from mmgraph.ops.once import once_per_graph
from mmgraph.ops.source_order import source_order
from mmgraph.ops.table import place

PIECE = 256
"""Edges that one program works on at most, a power of two."""

TILE = 1024
"""Numbers that a program holds of one array of rows."""

WIDE = 512
"""Numbers of one row above which heads are shared out among programs."""

NUMBERS_PER_WARP = 512
"""Numbers of a tile that one warp of 32 threads works on."""

LOOK = tl.constexpr(64)
"""Edges that are looked at together to see where a run ends."""


@dataclass(frozen=True)
class Order:
    """Edges grouped by owner, and within an owner by relation.

    Attributes:
        ptr: edges of node i are entries `ptr[i]` to `ptr[i + 1]`, int64.
        owner: the node that each entry belongs to, int32.
        other: the node at its other end, int32.
        relation: its relation, int32.
        edge: its edge number, int32, or None where that is its place.
        num_relations: how many relations there are.
    """

    ptr: Tensor
    owner: Tensor
    other: Tensor
    relation: Tensor
    edge: Tensor | None
    num_relations: int

    @property
    def extra(self) -> int:
        """How many multiples of `PIECE` lie behind the first edge."""
        return max(0, len(self.owner) - 1) // PIECE

    @property
    def pieces(self) -> int:
        """Programs that work on all edges."""
        return len(self.ptr) - 1 + self.extra

    def slots(self, tile: "Tile", like: Tensor) -> Tensor:
        """Room for what programs add up that begin inside a run."""
        return like.new_empty(self.extra + 1, tile.options["HEADS"] * tile.options["CHANNELS"])

    def begin(self, per_relation: bool) -> Tensor:
        """For every multiple of `PIECE`, the first edge of the run that it lies in, int64."""
        return self.run_begin if per_relation else self.ptr[self.owner[::PIECE]]

    @cached_property
    def run_begin(self) -> Tensor:
        """`begin` where a run has one relation."""
        key = self.owner.long() * self.num_relations + self.relation
        return torch.searchsorted(key, key[::PIECE].contiguous())


@once_per_graph
def by_destination(rowptr: Tensor, src: Tensor, relation: Tensor, num_relations: int) -> Order:
    """Edges as they are, owned by their destinations."""
    nodes = torch.arange(len(rowptr) - 1, dtype=torch.int32, device=src.device)
    owner = torch.repeat_interleave(nodes, rowptr.diff(), output_size=len(src))
    return Order(rowptr.contiguous(), owner, src.contiguous(), relation.contiguous(), None, num_relations)


@once_per_graph
def by_source(rowptr: Tensor, src: Tensor, relation: Tensor, num_relations: int) -> Order:
    """Edges owned by their sources."""
    ptr, edge, dst = source_order(rowptr, src, relation, num_relations)
    return Order(ptr, src[edge], dst, relation[edge], edge, num_relations)


class Rows(NamedTuple):
    """Where a block of columns lies for every node: row i of relation r is at `base + at[r, 0] + i * at[r, 1]`.

    Attributes:
        base: the tensor whose address offsets count from; others may lie anywhere behind or before it.
        at: first number and stride, in numbers, int64 [relations, 2].
        aligned: whether all rows begin at a multiple of 16 bytes.
    """

    base: Tensor
    at: Tensor
    aligned: bool


def rows_of(sides: Sequence[tuple[Sequence[Tensor], Tensor]]) -> list[Rows]:
    """Rows of several blocks: for each, tables (contiguous, one dtype) and [relations, 2] modality and first column."""
    places, aligned = [], []
    for tables, block in sides:
        size, base = tables[0].element_size(), tables[0].data_ptr()
        starts = [(table.data_ptr() - base) // size for table in tables]
        nodes, widths = [table.shape[0] for table in tables], [table.shape[1] for table in tables]
        places.append(torch.from_numpy(place(block.numpy()[:, None], nodes, widths, starts)[:, 0]))
        aligned.append(base % 16 == 0 and not (places[-1] * size % 16).any())
    device = sides[0][0][0].device
    found = torch.stack(places).to(device, non_blocking=True)  # one small copy for all of them
    return [Rows(tables[0], at, a) for (tables, _), at, a in zip(sides, found, aligned, strict=True)]


def whole(matrix: Tensor, num_relations: int) -> tuple[list[Tensor], Tensor]:
    """A matrix with a row per node of the batch as one table that every relation reads from its first column on."""
    return [matrix], torch.zeros(num_relations, 2, dtype=torch.int64)


def alignment(*rows: Rows) -> int:
    """Numbers that the first number of every row is a multiple of: what 16 bytes hold, or 1."""
    return 16 // rows[0].base.element_size() if all(part.aligned for part in rows) else 1


class Backward(NamedTuple):
    """What every kind of attention reads in its backward pass, and where it writes: one entry per kind of block."""

    by_destination: Order
    by_source: Order
    upstream: Rows
    weights: Tensor
    rows: list[Rows]
    to_rows: list[Rows]


class Tile(NamedTuple):
    """How a program cuts rows of heads x channels: `options` go to the kernel; `blocks` of heads, one program each."""

    blocks: int
    options: dict[str, Any]

    @property
    def edges(self) -> int:
        """Rows that a program holds."""
        return int(self.options["ROWS"])


def tile(heads: int, channels: int) -> Tile:
    """Tiles of rows x heads x channels, each a power of two: Triton knows no other sizes; masks hide the rest.

    Example:
        >>> tile(3, 20).options["HEADS_AT_ONCE"], tile(3, 20).options["WIDTH"], tile(3, 20).edges
        (4, 32, 8)
    """
    width = triton.next_power_of_2(channels)
    at_once = min(triton.next_power_of_2(heads), max(1, WIDE // width))
    rows = min(32, max(1, TILE // (at_once * width)))
    warps = min(8, max(1, rows * at_once * width // NUMBERS_PER_WARP))
    sizes = {"HEADS": heads, "CHANNELS": channels, "HEADS_AT_ONCE": at_once, "WIDTH": width, "ROWS": rows}
    return Tile(triton.cdiv(heads, at_once), {**sizes, "num_warps": warps})


def on_device_of(tensor: Tensor) -> AbstractContextManager[Any]:
    """Makes the GPU of `tensor` the one that kernels start on.

    Raises:
        ValueError: if kernels run in the interpreter, which copies a tensor from the GPU, but not what lies around it.
    """
    if tensor.is_cuda and interpreted():
        raise ValueError(
            "Triton's interpreter takes tensors on the CPU; start without TRITON_INTERPRET=1 to use the GPU"
        )
    return torch.cuda.device(tensor.device) if tensor.is_cuda else nullcontext()


@triton.jit
@no_type_check
def piece_of(pid, ptr, owner, nodes, PIECE: tl.constexpr):
    """Owner, first and last edge (exclusive) of a program, and the slot it has if it begins inside a run, else 0."""
    if pid < nodes:
        node = pid.to(tl.int64)
        slot = node * 0
        start = tl.load(ptr + node)
        stop = tl.minimum(tl.load(ptr + node + 1), (start // PIECE + 1) * PIECE)
    else:
        slot = (pid - nodes + 1).to(tl.int64)
        start = slot * PIECE
        node = tl.load(owner + start).to(tl.int64)
        stop = tl.minimum(tl.load(ptr + node + 1), start + PIECE)
        if tl.load(ptr + node) == start:
            stop = start  # the owner's own program begins here
    return node, start, stop, slot


@triton.jit
@no_type_check
def run_end(relation, start, stop, PER_RELATION: tl.constexpr):
    """Where the run that begins at edge `start` ends, at `stop` at the latest."""
    end = stop
    if PER_RELATION:
        first = tl.load(relation + start)
        end = start
        searching = True
        while searching:
            e = end + tl.arange(0, LOOK)
            same = tl.sum((tl.load(relation + e, mask=e < stop, other=-1) == first).to(tl.int32), 0)
            end += same
            searching = same == LOOK
    return end


@triton.jit
@no_type_check
def lanes_of(block, HEADS: tl.constexpr, CHANNELS: tl.constexpr, HEADS_AT_ONCE: tl.constexpr, WIDTH: tl.constexpr):
    """Positions in a row of a block of heads, [heads, channels], and which of them there are."""
    h = block * HEADS_AT_ONCE + tl.arange(0, HEADS_AT_ONCE)[:, None]
    c = tl.arange(0, WIDTH)[None, :]
    return h * CHANNELS + c, (h < HEADS) & (c < CHANNELS)


@triton.jit
@no_type_check
def row_of(at, relation, node, ALIGN: tl.constexpr):
    """Offset of the rows of `node`, see `Rows`."""
    offset = tl.load(at + 2 * relation) + node.to(tl.int64) * tl.load(at + 2 * relation + 1)
    return tl.multiple_of(offset, ALIGN)
