"""`Custom`; what every rule promises is asked in test_rules.py."""

from typing import Any

import pytest
import torch
from torch import Tensor

from mmgraph.graph import NodeSet
from mmgraph.relations import Custom, Measured, PairEnd
from tests.relations.tiny import graph, pairs


def above(src: PairEnd, dst: PairEnd) -> Tensor:
    return src.attribute("box")[:, 3] <= dst.attribute("box")[:, 1]


def equal_and_even(src: PairEnd, dst: PairEnd) -> Tensor:
    return (src.x == dst.x).all(1) & (src.place % 2 == 0)


def test_a_function_says_which_pairs_are_connected() -> None:
    regions = graph(3, box=[[0, 0, 1, 0.2], [0, 0.5, 1, 0.6], [0, 0.1, 1, 0.4]])
    assert pairs(Custom(above)(regions, regions)) == [(0, 1), (2, 1)]
    assert pairs(Measured(Custom(above), ("offset",))(regions, regions)) == [(0, 1), (2, 1)]


def test_it_sees_features_and_places() -> None:
    nodes = NodeSet.of([torch.zeros(1, 1), torch.tensor([[7.0], [8.0], [7.0]])])
    assert pairs(Custom(equal_and_even, loops=True)(nodes, nodes)) == [(0, 0), (0, 0), (2, 0), (0, 2), (2, 2)]
    assert pairs(Custom(equal_and_even)(nodes, nodes)) == [(2, 0), (0, 2)]


def test_a_missing_attribute_is_an_error_that_names_the_function() -> None:
    with pytest.raises(ValueError, match=r"(?s)needs the attribute 'box'.*in Custom\(above, loops=False\)"):
        Custom(above)(graph(1), graph(1))


@pytest.mark.parametrize(("given", "got"), [(torch.ones(7).bool(), r"torch.bool \[7\]"), (True, "True")])
def test_a_function_that_gives_something_else_is_refused(given: Any, got: str) -> None:
    with pytest.raises(ValueError, match=rf"Custom\(.*lambda.*gives bool \[0\], one per pair, got {got}"):
        Custom(lambda src, dst: given)(graph(1), graph(1))
