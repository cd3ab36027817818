"""Pieces and runs cover every edge once; rows lie where tables say; the interpreter is not given the GPU's memory."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import triton
import triton.language as tl
from torch import Tensor

from mmgraph.ops.triton_kernels import common
from mmgraph.ops.triton_kernels.common import by_destination, by_source, on_device_of, piece_of, rows_of, run_end, tile

pytestmark = pytest.mark.unchecked


@triton.jit
def ranges(ptr, owner, relation, nodes, out, PIECE: tl.constexpr, PER_RELATION: tl.constexpr):  # type: ignore[no-untyped-def]
    """Owner, first and last edge and slot of every program, and where its first run ends."""
    node, start, stop, slot = piece_of(tl.program_id(0), ptr, owner, nodes, PIECE)
    to = out + tl.program_id(0) * 5
    end = stop
    if start < stop:
        end = run_end(relation, start, stop, PER_RELATION)
    tl.store(to, node)
    tl.store(to + 1, start)
    tl.store(to + 2, stop)
    tl.store(to + 3, slot)
    tl.store(to + 4, end)


@pytest.fixture(params=[[0, 3, 0, 9, 1, 0], [8, 4, 4], [1], [17], [0, 5], [4, 0, 4]], ids=str)
def edges(request: pytest.FixtureRequest, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Pointer, sources and relations of nodes with so many edges."""
    degrees = torch.tensor(request.param)
    dst = torch.repeat_interleave(degrees)
    relation = torch.cat([torch.randint(2, (d,)).sort().values for d in request.param])
    rowptr = torch.nn.functional.pad(degrees.cumsum(0), (1, 0))
    src = torch.randint(len(degrees), (len(dst),))
    return rowptr.to(device), src.int().to(device), relation.int().to(device)


@pytest.mark.parametrize("per_relation", [True, False])
@pytest.mark.parametrize("owned_by", [by_destination, by_source])
def test_pieces_cover_every_edge_once_and_are_short(
    edges: Any, owned_by: Any, per_relation: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "PIECE", 4)
    order = owned_by(*edges, 2)
    found = torch.empty(order.pieces, 5, dtype=torch.int64, device=order.ptr.device)
    arguments = (order.ptr, order.owner, order.relation, len(order.ptr) - 1, found)
    ranges[(order.pieces,)](*arguments, PIECE=4, PER_RELATION=per_relation)
    covered, owner, relation = [], order.owner.tolist(), order.relation.tolist()
    for node, start, stop, slot, end in found.tolist():
        assert 0 <= stop - start <= 4 and all(owner[e] == node for e in range(start, stop))
        assert slot == 0 or slot * 4 == start
        same = [e for e in range(start, stop) if not per_relation or relation[e] == relation[start]]
        assert end == start + len(same)
        covered += range(start, stop)
    assert sorted(covered) == list(range(len(owner)))
    key = [(i, r if per_relation else 0) for i, r in zip(owner, relation, strict=True)]
    assert order.begin(per_relation).tolist() == [key.index(key[e]) for e in range(0, len(owner), 4)]


def test_edges_by_source_keep_their_numbers(edges: Any) -> None:
    rowptr, src, relation = edges
    order = by_source(rowptr, src, relation, 2)
    assert order.edge is not None
    number = order.edge.long()
    assert number.sort().values.tolist() == list(range(len(src)))
    assert torch.equal(order.owner, src[number]) and torch.equal(order.relation, relation[number])
    assert torch.equal(order.other, by_destination(rowptr, src, relation, 2).owner[number])


def test_rows_are_found_from_the_first_table_on() -> None:
    """Node 2 of the batch is node 0 of the second modality."""
    tables = [torch.arange(8.0).view(2, 4), torch.arange(100.0, 106.0).view(1, 6)]
    (rows,) = rows_of([(tables, torch.tensor([[0, 1], [1, 4]]))])
    assert rows.at[0].tolist() == [1, 4]
    start, stride = rows.at[1].tolist()
    assert rows.base.data_ptr() + 4 * (start + 2 * stride) == tables[1][0, 4:].data_ptr() and not rows.aligned
    assert rows_of([(tables[:1], torch.tensor([[0, 0]]))])[0].aligned


@pytest.mark.parametrize(("heads", "channels"), [(1, 1), (3, 20), (8, 64), (40, 1), (2, 5000)])
def test_tiles_hold_all_heads_and_channels_in_powers_of_two(heads: int, channels: int) -> None:
    cut = tile(heads, channels)
    sizes = [cut.options[name] for name in ("HEADS_AT_ONCE", "WIDTH", "ROWS")]
    assert cut.blocks * sizes[0] >= heads and sizes[1] >= channels
    assert all(size & (size - 1) == 0 for size in sizes)
    assert sizes[2] == 1 or sizes[0] * sizes[1] * sizes[2] <= common.TILE


def test_the_interpreter_takes_no_tensor_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    on_gpu: Any = SimpleNamespace(is_cuda=True)
    with pytest.raises(ValueError, match="start without TRITON_INTERPRET=1 to use the GPU"):
        on_device_of(on_gpu)
