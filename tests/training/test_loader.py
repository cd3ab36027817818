"""Mini-batches: every graph once per pass, in an order that a generator decides."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.graph import GraphBatch
from mmgraph.training import Loader

SIX = GraphBatch.concat([GraphBatch.single({"text": torch.full((1, 1), float(i))}, {}, id=str(i)) for i in range(6)])


def order(loader: Loader) -> list[str]:
    return [name for batch in loader for name in batch.ids]


@given(st.integers(1, 8), st.booleans())
def test_every_graph_comes_once_per_pass(batch_size: int, shuffled: bool) -> None:
    generator = torch.Generator().manual_seed(0) if shuffled else None
    loader = Loader(SIX, batch_size, generator=generator)
    sizes = [batch.num_graphs for batch in loader]
    assert len(sizes) == len(loader)
    assert sizes[:-1] == [batch_size] * (len(loader) - 1)
    assert sorted(order(loader)) == list(SIX.ids)


def test_without_a_generator_the_order_stays() -> None:
    assert order(Loader(SIX, 4)) == list(SIX.ids)


def test_the_generator_decides_the_order_and_moves_on_with_every_pass() -> None:
    first, second = (Loader(SIX, 2, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    passes = [order(first), order(first)]
    assert passes == [order(second), order(second)]
    assert passes[0] != passes[1]


def test_the_global_random_state_is_not_used() -> None:
    before = torch.get_rng_state()
    list(Loader(SIX, 2, generator=torch.Generator()))
    assert torch.equal(before, torch.get_rng_state())


def test_batches_hold_the_graphs_content(data: Callable[..., GraphBatch]) -> None:
    graphs = data(5)
    again = GraphBatch.concat(list(Loader(graphs, 2)))
    assert torch.equal(again.nodes["text"].x, graphs.nodes["text"].x)
    assert torch.equal(again.flat.src, graphs.flat.src)
    assert torch.equal(again.targets["label"].values, graphs.targets["label"].values)


def test_batches_go_to_the_device() -> None:
    assert [batch.device.type for batch in Loader(SIX, 6, device="meta")] == ["meta"]


def test_weights_decide_how_often_a_graph_comes() -> None:
    weights = torch.tensor([1.0, 0.0, 0.0, 2.0, 0.0, 0.0])
    loader = Loader(SIX, 4, generator=torch.Generator().manual_seed(0), weights=weights)
    assert [sorted(order(loader)) for _ in range(2)] == [["0", "0", "3", "3", "3", "3"]] * 2


def test_weights_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match=r"weights \[5\] for 6 graphs: give one each"):
        Loader(SIX, 2, generator=torch.Generator(), weights=torch.ones(5))
    with pytest.raises(ValueError, match="weights need a generator"):
        Loader(SIX, 2, weights=torch.ones(6))


def test_an_empty_data_set_is_refused() -> None:
    with pytest.raises(ValueError, match="empty data set"):
        Loader(SIX[:0], 2)


def test_a_batch_size_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size=0 must be at least 1"):
        Loader(SIX, 0)
