"""Memory of large tables is lent again, but never while anything that shares it lives."""

import copy
import gc
import pickle
import random
import sys
import threading
from typing import Any

import pytest
import torch
from torch import Tensor

from mmgraph.ops.memory import empty_table

memory = sys.modules["mmgraph.ops.memory"]
LIKE = torch.empty(0)


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_free", {})
    monkeypatch.setattr(memory, "LEAST", 4000)


def test_a_dead_tables_memory_is_lent_again() -> None:
    first = empty_table(LIKE, (100, 20))
    address = first.data_ptr()
    del first
    again = empty_table(LIKE, (99, 20))
    assert again.data_ptr() == address and again.shape == (99, 20) and again.is_contiguous()
    del again
    other = empty_table(LIKE.double(), (50, 20))
    assert other.data_ptr() == address and other.dtype == torch.float64


def test_memory_that_is_much_too_large_is_left_alone() -> None:
    address = empty_table(LIKE, (1000, 20)).data_ptr()
    assert empty_table(LIKE, (100, 20)).data_ptr() != address


@pytest.mark.parametrize("share", ["view", "numpy", "detached", "saved for a gradient"])
def test_nothing_that_shares_a_table_loses_its_numbers(share: str) -> None:
    table = empty_table(LIKE, (100, 20)).fill_(7.0)
    weight = torch.ones(20, requires_grad=True)
    kept = {
        "view": lambda: table[3:, 2:],
        "numpy": table.numpy,
        "detached": table.detach,
        "saved for a gradient": lambda: (table * weight).sum(),
    }[share]()
    del table
    gc.collect()
    empty_table(LIKE, (100, 20)).fill_(1.0)
    if share == "saved for a gradient":
        kept.backward()
        assert torch.equal(weight.grad, torch.full((20,), 700.0))
    else:
        assert (kept == 7.0).all()


def test_copies_are_independent() -> None:
    table = empty_table(LIKE, (100, 20)).fill_(7.0)
    copies = copy.deepcopy(table), pickle.loads(pickle.dumps(table)), table.clone()
    table.fill_(1.0)
    del table
    empty_table(LIKE, (100, 20)).fill_(2.0)
    assert all((part == 7.0).all() for part in copies)


def test_small_tables_and_those_of_other_numbers_are_torchs() -> None:
    del_small, del_ids = empty_table(LIKE, (10, 10)), empty_table(torch.empty(0, dtype=torch.int64), (1000, 10))
    assert del_small.shape == (10, 10) and del_ids.dtype == torch.int64
    del del_small, del_ids
    assert memory._free == {}


def test_no_more_is_kept_than_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "KEPT", 30_000)
    tables = [empty_table(LIKE, (size, 20)) for size in (100, 110, 120, 500)]
    del tables
    assert 0 < sum(part.numel() for part in memory._free.values()) <= 30_000


def test_the_default_device_of_torch_does_not_matter() -> None:
    with torch.device("meta"):
        assert empty_table(LIKE, (100, 20)).device.type == "cpu"


@pytest.mark.parametrize("objects", range(14))
def test_tables_that_are_collected_as_garbage_may_come_back_at_any_moment(objects: int) -> None:
    """Python 3.11 collects where anything is made, a pair too if none of those thrown away before is left."""
    before = gc.get_threshold()
    tables = [empty_table(LIKE, (size, 20)) for size in (100, 150, 200, 300)]
    del tables[:2]
    gc.collect()
    gc.disable()
    try:
        garbage: list[Any] = [*tables]
        garbage.append(garbage)  # dies when it is collected
        del tables, garbage
        _pairs = [(n, n) for n in range(2500)]
        gc.set_threshold(gc.get_count()[0] + objects)
        gc.enable()
        assert empty_table(LIKE, (1000, 20)).shape == (1000, 20)
    finally:
        gc.set_threshold(*before)
        gc.enable()


def overlap(seed: int, wrong: list[str]) -> None:
    """Draws and drops tables, each full of a number of its own."""
    draw, held = random.Random(seed), []
    for step in range(300):
        number = float(seed * 1000 + step)
        held.append((empty_table(LIKE, (draw.randint(50, 120), 20)).fill_(number), number))
        if len(held) > draw.randint(0, 5):
            held.pop(draw.randrange(len(held)))
        wrong += [f"{value} is gone" for table, value in held if not (table == value).all()]


def test_tables_of_several_threads_never_overlap() -> None:
    wrong: list[str] = []
    threads = [threading.Thread(target=overlap, args=(seed, wrong)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_gradient_of_a_table_in_use_is_right_after_others_have_come_and_gone() -> None:
    def run(rows: int) -> Tensor:
        weight = torch.ones(20, requires_grad=True)
        tables = [empty_table(LIKE, (rows, 20)).fill_(float(n)) for n in range(3)]
        sum((table * weight).sum() for table in tables).backward()
        return weight.grad

    for rows in (100, 101, 99, 100, 250, 100):
        assert torch.equal(run(rows), torch.full((20,), 3.0 * rows))
