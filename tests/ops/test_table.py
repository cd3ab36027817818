"""Where blocks of columns lie, and gathering them."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.ops.table import gather, place

sizes = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), min_size=1, max_size=4)


@given(sizes=sizes)
def test_a_place_leads_to_the_row_and_column(sizes: list[tuple[int, int]]) -> None:
    """Over tables back to back, whose numbers are numbered through."""
    numbers = torch.arange(sum(rows * width for rows, width in sizes))
    tables = [part.view(size) for part, size in zip(numbers.split([r * w for r, w in sizes]), sizes, strict=True)]
    starts = [sum(rows * width for rows, width in sizes[:m]) for m in range(len(sizes))]
    blocks = np.array([[[m, width - 1]] for m, (_, width) in enumerate(sizes)])
    places = place(blocks, [rows for rows, _ in sizes], [width for _, width in sizes], starts)
    node = 0
    for m, table in enumerate(tables):
        for row in table:
            assert int(places[m, 0] @ np.array([1, node])) == int(row[-1])
            node += 1


def test_places_can_be_counted_in_bytes() -> None:
    blocks = np.array([[[0, 1]], [[1, 0]]])
    places = place(blocks, num_nodes=(2, 1), widths=(3, 2), starts=(1000, 2000), unit=8)
    assert places[:, 0].tolist() == [[1000 + 8, 24], [2000 - 2 * 16, 16]]


def test_gather_takes_the_columns_of_each_relation() -> None:
    """Relation 0 reads columns 1, 2 of table 0; relation 1 columns 0, 1 of table 2. Table 1 is empty."""
    tables = [torch.tensor([[0.0, 1, 2], [3, 4, 5]]), torch.zeros(0, 7), torch.tensor([[6.0, 7]])]
    block, relation = torch.tensor([[0, 1], [2, 0]]), torch.tensor([0, 1, 0], dtype=torch.int32)
    node = torch.tensor([1, 2, 0], dtype=torch.int32)
    assert gather(tables, block, node, relation, 2).tolist() == [[4, 5], [6, 7], [1, 2]]
