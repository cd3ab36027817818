"""Pieces of work, dropout and compiler options of the CPU kernels."""

import importlib.util
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numba.core.dispatcher import Dispatcher

from mmgraph.ops.dropout import keep_weights
from mmgraph.ops.numba_kernels import common, dot, gat, gatv2, lanes, relation_sum

ALLOWED = {"contract", "reassoc", "nsz", "arcp"}
KERNELS = [
    pytest.param(value, id=f"{module.__name__.rpartition('.')[2]}.{name}")
    for module in (common, dot, gat, gatv2, relation_sum)
    for name, value in vars(module).items()
    if isinstance(value, Dispatcher)
]


@given(degrees=st.lists(st.integers(0, 20), min_size=1, max_size=200), pieces=st.integers(1, 10))
def test_pieces_cover_all_nodes_once_and_hold_about_equal_work(degrees: list[int], pieces: int) -> None:
    ptr = np.cumsum([0, *degrees])
    bounds = common.cut(ptr, pieces)
    assert len(bounds) == pieces + 1 and bounds[0] == 0 and bounds[-1] == len(degrees)
    assert (np.diff(bounds) >= 0).all()
    work = [ptr[stop] - ptr[start] + stop - start for start, stop in pairwise(bounds)]
    assert max(work) <= (ptr[-1] + len(degrees)) / pieces + max(degrees) + 1


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 2])
def test_dropout_is_that_of_the_reference_bit_by_bit(seed: int) -> None:
    out = np.empty((1000, 3), np.float32)
    common.factors(np.empty((0, 1), np.float32), int(0.3 * 2**32), 1 / 0.7, seed, out)
    assert np.array_equal(out, keep_weights(1000, 3, 0.3, seed, torch.zeros(())).numpy())


SOURCE = """
from numba import prange
from mmgraph.ops.numba_kernels.common import kernel

@kernel
def ones(out):
    for i in prange(out.size):
        out[i] = 1
"""


def test_compiled_code_is_kept_until_a_file_of_the_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "compiled_once.py").write_text(SOURCE, encoding="utf-8")

    def hits() -> int:
        spec = importlib.util.spec_from_file_location("compiled_once", tmp_path / "compiled_once.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.ones(np.zeros(3))
        return sum(module.ones.stats.cache_hits.values())

    assert (hits(), hits()) == (0, 1)
    monkeypatch.setattr(common, "_FILES", "changed")
    assert (hits(), hits()) == (0, 1)


@pytest.mark.parametrize("kernel", KERNELS)
def test_fast_maths_does_not_forget_nan_and_infinity(kernel: Dispatcher) -> None:
    assert set(kernel.targetoptions.get("fastmath") or ()) <= ALLOWED
    assert ALLOWED == common.FAST and set(lanes.FLAGS) <= ALLOWED


def test_numba_takes_as_many_threads_as_torch_but_not_more_than_it_has() -> None:
    import numba

    for threads in (1, 2, 1000):
        torch.set_num_threads(threads)
        with common.torch_threads():
            assert numba.get_num_threads() == min(threads, common.LIMIT)
        assert torch.get_num_threads() == threads


@given(degrees=st.lists(st.integers(0, 6), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_runs_end_where_node_or_relation_change(degrees: list[int], seed: int) -> None:
    ptr = np.cumsum([0, *degrees])
    draw = np.random.default_rng(seed)
    relation = np.concatenate([np.sort(draw.integers(0, 3, degree)) for degree in degrees]).astype(np.int32)
    ends = common.run_ends(ptr, relation)
    node, start, found = np.repeat(np.arange(len(degrees)), degrees), 0, []
    while start < len(relation):
        found.append((node[start], relation[start]))
        end = int(ends[start])
        assert {(n, r) for n, r in zip(node[start:end], relation[start:end], strict=True)} == {found[-1]}
        start = end
    assert start == len(relation) and len(set(found)) == len(found)
