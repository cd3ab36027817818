"""Pairs of nodes of one graph, found for all graphs at once and in destination-major order: what the rules share."""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.graph.ragged import gather_rows, to_ptr

MAX_PAIRS = 1 << 21
"""Pairs that are looked at together; bounds the memory that a rule needs besides its edges."""


def needed(rule: object, nodes: NodeSet, name: str) -> Tensor:
    """A numeric attribute that `rule` cannot do without. Raises ValueError, naming the rule, if it is not there."""
    try:
        return nodes.attribute(name)
    except ValueError as error:
        raise ValueError(f"{rule} needs the attribute {name!r} of its nodes: {error}") from None


def whole_numbers(rule: object, nodes: NodeSet, name: str) -> Tensor:
    """As `needed`, of an attribute that holds whole numbers: int64. Raises ValueError, naming the rule, for others."""
    value = needed(rule, nodes, name)
    if value.is_floating_point() or value.dtype == torch.bool:
        raise ValueError(f"{rule} needs whole numbers in {name!r}, got {value.dtype}")
    return value.long()


def place(nodes: NodeSet) -> Int[Tensor, " nodes"]:
    """Place of each node within its graph."""
    return gather_rows(torch.zeros_like(nodes.counts), nodes.counts)[0]


def edges_from_ranges(
    dst: NodeSet, first: Int[Tensor, " nodes"], stop: Int[Tensor, " nodes"], *, loops: bool
) -> EdgeList:
    """Edges to each destination node from the places `first` to `stop` (exclusive) of its graph.

    Args:
        dst: the destinations.
        first: place of the first source of each destination.
        stop: place after the last.
        loops: False leaves out the source at the destination's own place, which must then lie in the range.
    """
    own = place(dst)
    degree = stop - first - (0 if loops else 1)
    src, ptr = gather_rows(first, degree)
    end = own.repeat_interleave(degree, output_size=src.numel())
    if not loops:
        src += src >= end  # steps over the destination's own place
    return EdgeList(ptr[dst.ptr], src.to(torch.int32), end.to(torch.int32))


def edges_from_rows(
    src: NodeSet,
    dst: NodeSet,
    src_row: Int[Tensor, " edges"],
    dst_row: Int[Tensor, " edges"],
    features: Float[Tensor, "edges channels"] | None = None,
) -> EdgeList:
    """Edges between rows of `src.x` and `dst.x`; `dst_row` does not decrease."""
    ptr = to_ptr(torch.bincount(dst_row, minlength=dst.num_nodes))
    graph = dst.graph[dst_row]
    return EdgeList(
        ptr[dst.ptr],
        (src_row - src.ptr[graph]).to(torch.int32),
        (dst_row - dst.ptr[graph]).to(torch.int32),
        features,
    )


def meeting_rows(
    src: NodeSet,
    dst: NodeSet,
    src_interval: Num[Tensor, "sources 2"],
    dst_interval: Num[Tensor, "destinations 2"],
    keep: Callable[[Tensor, Tensor], Bool[Tensor, " pairs"]],
) -> tuple[Int[Tensor, " edges"], Int[Tensor, " edges"]]:
    """Rows (source, destination) of all pairs in one graph whose closed intervals meet and that `keep` accepts.

    For each destination a binary search gives the run of sources, ordered by their start, that can meet it; `keep` sees
    these candidates in portions of about `MAX_PAIRS`. Memory grows with the pairs that it keeps, not with the square of
    the nodes.

    Args:
        src: source nodes.
        dst: destination nodes.
        src_interval: low and high end of each source.
        dst_interval: low and high end of each destination.
        keep: from source rows and destination rows of candidate pairs to which of them stay.

    Returns:
        Source rows and destination rows, sorted by destination, then source.
    """
    order = order_in_graphs(src, src_interval[:, 0])
    low, high = src_interval[order].unbind(1)
    first = bisect(_running_max(src, high), src, dst, dst_interval[:, 0], right=False)
    stop = bisect(low, src, dst, dst_interval[:, 1], right=True)
    counts = (stop - first).clamp(min=0)
    found_src, found_dst = [order[:0]], [order[:0]]
    for begin, end in portions(counts, MAX_PAIRS):
        rows, _ = gather_rows(first[begin:end], counts[begin:end])
        dst_row = torch.arange(begin, end).repeat_interleave(counts[begin:end], output_size=rows.numel())
        src_row = order[rows]
        kept = keep(src_row, dst_row)
        found_src.append(src_row[kept])
        found_dst.append(dst_row[kept])
    src_row, dst_row = torch.cat(found_src), torch.cat(found_dst)
    if bool((order[1:] < order[:-1]).any()):  # the sources were not in the order of their starts
        return rows_of_keys(src, pair_keys(src, src_row, dst_row).sort().values)
    return src_row, dst_row


def all_pairs(src: NodeSet, dst: NodeSet, width: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows (source, destination) of all pairs in one graph, in order, in portions of about `MAX_PAIRS / width`."""
    counts = src.counts[dst.graph]
    starts = src.ptr[dst.graph]
    for begin, end in portions(counts, max(MAX_PAIRS // max(width, 1), 1)):
        src_row, _ = gather_rows(starts[begin:end], counts[begin:end])
        yield src_row, torch.arange(begin, end).repeat_interleave(counts[begin:end], output_size=src_row.numel())


def pair_keys(src: NodeSet, src_row: Int[Tensor, " edges"], dst_row: Int[Tensor, " edges"]) -> Int[Tensor, " edges"]:
    """One number per pair, in the order of (destination, source)."""
    return dst_row * src.num_nodes + src_row


def rows_of_keys(src: NodeSet, keys: Int[Tensor, " edges"]) -> tuple[Int[Tensor, " edges"], Int[Tensor, " edges"]]:
    """Source rows and destination rows of the pairs that `pair_keys` numbered."""
    num_src = max(src.num_nodes, 1)  # without sources there are no keys
    dst_row = keys // num_src
    return keys - dst_row * num_src, dst_row


def portions(counts: Int[Tensor, " rows"], limit: int) -> list[tuple[int, int]]:
    """Ranges of rows that hold less than `limit` counts each, besides their first row.

    Example:
        >>> portions(torch.tensor([3, 3, 3, 9, 1]), 6)
        [(0, 1), (1, 3), (3, 5)]
    """
    if counts.numel() == 0:
        return []
    _, lengths = torch.unique_consecutive(counts.cumsum(0) // limit, return_counts=True)
    ends = lengths.cumsum(0).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))


def order_in_graphs(nodes: NodeSet, key: Num[Tensor, " nodes"]) -> Int[Tensor, " nodes"]:
    """Rows in the order of (graph, key); equal ones stay as they are."""
    order = torch.argsort(key, stable=True)
    return order[torch.argsort(nodes.graph[order], stable=True)]


def bisect(
    sorted_values: Num[Tensor, " sources"],
    src: NodeSet,
    dst: NodeSet,
    wanted: Num[Tensor, " destinations"],
    *,
    right: bool,
) -> Int[Tensor, " destinations"]:
    """Row where `wanted` belongs among the sorted values of its graph: before equal ones, or after (`right`)."""
    low, high = src.ptr[dst.graph], src.ptr[dst.graph + 1]
    last = max(sorted_values.numel() - 1, 0)
    for _ in range(int(src.counts.max()).bit_length() if sorted_values.numel() else 0):
        middle = (low + high) // 2
        value = sorted_values[middle.clamp(max=last)]
        above = ((value <= wanted) if right else (value < wanted)) & (low < high)
        low, high = torch.where(above, middle + 1, low), torch.where(above, high, middle)
    return low


def _running_max(nodes: NodeSet, value: Tensor) -> Tensor:
    """Largest value so far within each graph."""
    rank = torch.empty_like(nodes.graph)
    rank[torch.argsort(value)] = torch.arange(value.numel())
    # Every rank of a later graph is above all of an earlier one, so that the running maximum starts anew there.
    return value[torch.cummax(nodes.graph * value.numel() + rank, 0).indices] if value.numel() else value
