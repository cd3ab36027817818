"""Chance that follows from sample and seed."""

import pytest
import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import Random
from mmgraph.relations.chance import drawn, sample_numbers
from tests.relations.references import drawn as slowly_drawn


def test_numbers_of_ids_differ_and_are_the_same_in_every_process() -> None:
    numbers = sample_numbers([f"sample {index}" for index in range(1000)])
    assert numbers.unique().numel() == 1000
    # BLAKE2b of "abc" with 8 bytes, as `b2sum -l 64` prints it.
    assert sample_numbers(["abc"]).numpy().tobytes().hex() == "d8bb14d833d59559"


def test_draws_are_those_of_splitmix64() -> None:
    samples = sample_numbers(["a", "b", "ö\ud800"])
    nodes = NodeSet(torch.zeros(3, 0), torch.tensor([0, 1, 2, 3]), {"sample": samples})
    rows = torch.tensor([2, 0, 1, 0])
    found = drawn("rule", nodes, rows, 7, torch.arange(4))
    assert found.tolist() == [slowly_drawn(int(samples[row]), 7, place) for place, row in enumerate(rows.tolist())]


def test_draws_are_even() -> None:
    nodes = NodeSet(torch.zeros(20_000, 0), torch.tensor([0, 20_000]), {"sample": torch.zeros(20_000).long()})
    found = drawn("rule", nodes, torch.arange(20_000), 0, torch.arange(20_000))
    counts = torch.bincount(found // 2**58, minlength=16)  # 1250 each, standard deviation 34
    assert counts.numel() == 16 and int((counts - 1250).abs().max()) < 140


def test_nodes_without_a_sample_are_an_error_that_names_the_rule() -> None:
    nodes = NodeSet.of([torch.zeros(1, 1)])
    with pytest.raises(ValueError, match=r"Random\(degree=1.*needs the attribute 'sample'"):
        Random(1)(nodes, nodes)
