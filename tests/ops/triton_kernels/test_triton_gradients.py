"""Gradients of blocks that share columns of a table."""

import torch

from mmgraph.ops.triton_kernels.gradients import gradients_of

TABLES = [torch.zeros(2, 5), torch.zeros(1, 3)]


def test_blocks_that_share_nothing_are_filled_where_they_lie() -> None:
    blocks = torch.tensor([[[0, 0], [0, 2]], [[0, 3], [1, 0]]])
    gradients = gradients_of(TABLES, blocks, [2, 1])
    assert gradients.blocks is blocks and gradients.total() is gradients.parts
    assert [part.shape for part in gradients.parts] == [table.shape for table in TABLES]


def test_shared_columns_get_the_sum() -> None:
    """Columns 1 and 2 of the first table belong to two blocks, column 4 to none."""
    gradients = gradients_of(TABLES, torch.tensor([[[0, 0]], [[0, 1]], [[1, 0]]]), [3])
    for part in gradients.parts:
        part.fill_(1)
    total = gradients.total()
    assert total[0].tolist() == [[1, 2, 2, 1, 0]] * 2 and total[1].tolist() == [[1, 1, 1]]
