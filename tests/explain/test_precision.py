from itertools import pairwise, permutations

import pytest
import torch

from mmgraph.explain import Truth, region_precision
from mmgraph.graph import GraphBatch

LEFT = [0.0, 0.0, 0.5, 1.0]


def slow(scores: list[float], right: list[int]) -> float:
    """The mean over all orders that the scores allow."""
    found = []
    for order in permutations(range(len(scores))):
        if all(scores[a] >= scores[b] for a, b in pairwise(order)):
            found.append(sum(node in right for node in order[: len(right)]) / len(right))
    return sum(found) / len(found)


@pytest.mark.parametrize(
    "scores", [[4.0, 3, 2, 1], [1.0, 2, 3, 4], [1.0, 1, 1, 1], [2.0, 1, 2, 1], [0.0, 3, 3, 3], [5.0, 1, 1, 0]]
)
def test_ties_count_what_they_give_on_average(scores: list[float], graph):
    batch = GraphBatch.concat([graph(2, 1, 0), graph(4, 2, 1, seed=1)])  # regions 0 and 1 of the second lie left
    values = torch.zeros(batch.num_nodes)
    values[2:6] = torch.tensor(scores)
    found = region_precision(values, batch, "image", [None, LEFT])
    assert found[0].isnan() and found[1].item() == pytest.approx(slow(scores, [0, 1]))


def test_graphs_without_regions_or_with_nothing_to_choose_do_not_count(batch: GraphBatch):
    values = torch.rand(batch.num_nodes)
    found = region_precision(values, batch, "image", [[0, 0, 1, 1], LEFT, LEFT])
    assert found.isnan().tolist() == [True, True, False]
    alone = region_precision(torch.rand(5), batch[1], "image", [LEFT])
    assert alone.isnan().all()


def test_sizes_are_what_grounds(batch: GraphBatch):
    values = torch.zeros(batch.num_nodes)
    values[:2] = torch.tensor([-3.0, 2.0])
    found = Truth("image", [LEFT, None, None]).grounding(values, batch)
    assert found["grounding AUC"].mean == found["precision"].mean == 1.0
    assert found["precision"].num_graphs == 1


def test_what_does_not_fit_is_refused(batch: GraphBatch):
    with pytest.raises(ValueError, match=r"scores hold a number per node, \[20\], got \(3,\)"):
        region_precision(torch.ones(3), batch, "image", [None] * 3)
    with pytest.raises(ValueError, match="1 true boxes for 3 graphs"):
        region_precision(torch.ones(20), batch, "image", [None])
    with pytest.raises(ValueError, match="carry no 'box'"):
        region_precision(torch.ones(20), batch, "text", [LEFT] * 3)
