"""The generator behind dropout: fair, independent, and a function of seed, edge and head only."""

import pytest
import torch

from mmgraph.ops.dropout import keep_weights, mix

LIKE = torch.zeros((), dtype=torch.float64)


@pytest.mark.parametrize("dropout", [0.1, 0.5, 0.9])
def test_the_expectation_is_one(dropout: float) -> None:
    kept = keep_weights(50_000, 4, dropout, seed=11, like=LIKE)
    deviation = (dropout / (1 - dropout) / 50_000) ** 0.5
    assert torch.allclose(kept.mean(0), torch.ones(4, dtype=torch.float64), rtol=0, atol=4.5 * deviation)
    assert kept.unique().tolist() == pytest.approx([0, 1 / (1 - dropout)])


def test_without_dropout_all_weights_are_one() -> None:
    assert torch.equal(keep_weights(100, 2, 0.0, seed=3, like=LIKE), torch.ones(100, 2, dtype=torch.float64))


def test_heads_neighbours_and_seeds_are_independent() -> None:
    kept = keep_weights(100_000, 2, 0.5, seed=5, like=LIKE).bool()
    other = keep_weights(100_000, 2, 0.5, seed=6, like=LIKE).bool()
    pairs = [
        (kept[:, 0], kept[:, 1]),
        (kept[1:, 0], kept[:-1, 0]),
        (kept[:, 0], other[:, 0]),
        (kept[1:, 0], other[:-1, 0]),
    ]
    for a, b in pairs:
        assert float((a == b).double().mean()) == pytest.approx(0.5, abs=4.5 * 0.5 / 100_000**0.5)


def test_it_is_a_function_of_seed_edge_and_head() -> None:
    few, many = (keep_weights(edges, 3, 0.4, seed=2**31 - 2, like=LIKE) for edges in (10, 1000))
    assert torch.equal(few, many[:10])


def test_the_mixing_function_is_lowbias32() -> None:
    """By hand in Python integers, which do not overflow."""

    def lowbias32(x: int) -> int:
        x = (x ^ x >> 16) * 0x7FEB352D & 0xFFFFFFFF
        x = (x ^ x >> 15) * 0x846CA68B & 0xFFFFFFFF
        return x ^ x >> 16

    numbers = [0, 1, 2, 12345, 2**31, 2**32 - 1]
    assert mix(torch.tensor(numbers)).tolist() == [lowbias32(x) for x in numbers]
