"""Edges by source, by counting and by sorting."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph import ops
from mmgraph.ops.source_order import source_order


@st.composite
def edges(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    degrees = draw(st.lists(st.integers(0, 5), min_size=1, max_size=8))
    src = draw(st.lists(st.integers(0, len(degrees) - 1), min_size=sum(degrees), max_size=sum(degrees)))
    relation = [r for degree in degrees for r in sorted(draw(st.integers(0, 2)) for _ in range(degree))]
    return torch.tensor([0, *degrees]).cumsum(0), *torch.tensor([src, relation], dtype=torch.int32).unbind()


@pytest.mark.parametrize("backend", ops.available_backends())
@given(edges=edges())
def test_edges_are_grouped_by_source_and_relation_and_keep_their_order(
    backend: str, edges: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
) -> None:
    rowptr, src, relation = edges
    with ops.backend(backend):
        order = source_order(rowptr, src, relation, 3)
    groups = [order.edge[start:stop].tolist() for start, stop in pairwise(order.ptr.tolist())]
    for node, group in enumerate(groups):
        of_node = [e for e, s in enumerate(src.tolist()) if s == node]
        assert group == sorted(of_node, key=lambda e: (int(relation[e]), e))
    assert order.dst.tolist() == torch.repeat_interleave(rowptr.diff())[order.edge.long()].tolist()
    assert [part.dtype for part in order] == [torch.int64, torch.int32, torch.int32]
