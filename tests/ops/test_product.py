"""A product is the same whichever library computes it, and pieces of rows have few different sizes."""

import sys
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from mmgraph import ops
from mmgraph.ops.product import LEAST, is_by_onednn, pieces, products

MODULE = sys.modules["mmgraph.ops.product"]
needs_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")


@pytest.fixture(params=["oneDNN", "MKL"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Either library; the list gathers how many products oneDNN was asked for."""
    if request.param == "oneDNN" and not torch.backends.mkldnn.is_available():
        pytest.skip("torch was built without oneDNN")
    asked: list[int] = []
    true = MODULE._onednn

    def counted(*arguments: object) -> Tensor:
        asked.append(1)
        return true(*arguments)

    monkeypatch.setattr(MODULE, "_is_wide_without_mkl", lambda: request.param == "oneDNN")
    monkeypatch.setattr(MODULE, "_onednn", counted)
    yield asked
    assert bool(asked) == (request.param == "oneDNN")


@given(rows=st.integers(0, 5000), most=st.integers(0, 600))
def test_pieces_are_all_rows(rows: int, most: int) -> None:
    sizes = pieces(rows, most)
    assert sum(sizes) == rows and all(0 < size <= max(1, most) for size in sizes)
    assert all(size % LEAST == 0 for size in sizes if size > LEAST)


def test_pieces_have_few_sizes() -> None:
    sizes = {size for rows in range(6000) for size in pieces(rows, 2048) if size >= LEAST}
    assert sizes == {64, 128, 192, 256, 512, 768, 1024, 1280, 1536, 1792, 2048}


def layouts(rows: int, columns: int) -> dict[str, Tensor]:
    wide = torch.randn(rows, columns + 3)
    return {
        "plain": torch.randn(rows, columns),
        "transposed": torch.randn(columns, rows).T,
        "part of wider rows": wide[:, 1 : 1 + columns],
        "part of wider columns": torch.randn(columns, rows + 1)[:, 1:].T,
        "every second": torch.randn(2 * rows, columns)[::2],
        "the same row": torch.randn(1, columns).expand(rows, columns),
    }


@pytest.mark.parametrize("shape", [(128, 130, 140), (320, 256, 64), (64, 200, 300)])
def test_both_libraries_give_the_product_whatever_the_layout(library: list[int], shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    rows, inner, columns = shape
    start = torch.randn(columns)
    for (first, a), (second, b) in zip(layouts(rows, inner).items(), layouts(inner, columns).items(), strict=True):
        for left, right in ((a, b), (a, layouts(inner, columns)["plain"]), (layouts(rows, inner)["plain"], b)):
            expected = left.double() @ right.double()
            for total in (torch.full((rows, columns), torch.nan), torch.full((columns, rows), torch.nan).T):
                by = products(left)
                by.set(total, left, right, start)
                assert torch.allclose(total, (expected + start).float(), atol=1e-4), (first, second)
                by.set(total, left, right)
                by.add(total, left, right)
                assert torch.allclose(total, 2 * expected.float(), atol=1e-4), (first, second)


@pytest.mark.parametrize("shape", [(0, 200, 200), (200, 0, 200), (200, 200, 0), (1, 1, 1), (5000, 3, 200)])
def test_no_rows_no_terms_and_few_of_them(shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "_is_wide_without_mkl", lambda: True)
    rows, inner, columns = shape
    a, b, total, start = torch.randn(rows, inner), torch.randn(inner, columns), torch.ones(rows, columns), torch.ones(1)
    products(a).set(total, a, b, start.expand(columns))
    products(a).add(total, a, b)
    assert torch.allclose(total, 1 + 2 * (a @ b), atol=1e-4)


def test_vectors_with_gaps(library: list[int]) -> None:
    x, weight = torch.randn(1024, 128), torch.randn(256, 128)
    for bias in (torch.randn(1).expand(256), torch.randn(512)[::2], torch.randn(256, 3)[:, 1]):
        expected = x.double() @ weight.double().T + bias
        for found in (ops.linear(x, weight, bias), ops.linear_sum([x], [weight], bias)):
            assert torch.allclose(found, expected.float(), atol=1e-4)


@pytest.mark.unchecked
def test_one_number_as_bias(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "_is_wide_without_mkl", lambda: True)
    x, weight = torch.randn(1024, 128), torch.randn(256, 128)
    expected = torch.nn.functional.linear(x, weight, torch.ones(1))
    for found in (ops.linear(x, weight, torch.ones(1)), ops.linear_sum([x], [weight], torch.ones(1))):
        assert torch.allclose(found, expected, atol=1e-4)


def test_layers_of_rows_are_the_same_with_either_library(library: list[int]) -> None:
    torch.manual_seed(0)
    x, plus = torch.randn(1500, 130, requires_grad=True), torch.randn(1500, 256, requires_grad=True)
    weights = [torch.randn(size, 130, requires_grad=True) for size in (64, 256)]
    bias = torch.randn(256, requires_grad=True)
    leaves = [x, *weights, bias, plus]
    small, large = ops.linears(x, weights, [None, bias])
    total = ops.linear_sum([large, small], [torch.eye(256), torch.ones(256, 64)], bias, plus)
    found = torch.autograd.grad((total.sin() * torch.linspace(0, 1, 256)).sum(), leaves)
    exact = [leaf.detach().double().requires_grad_() for leaf in leaves]
    small, large = exact[0] @ exact[1].T, exact[0] @ exact[2].T + exact[3]
    true = large + small.sum(1, keepdim=True) + exact[3] + exact[4]
    expected = torch.autograd.grad((true.sin() * torch.linspace(0, 1, 256)).sum(), exact)
    for ours, other in zip([total, *found], [true, *expected], strict=True):
        assert (ours - other).abs().max() <= 2e-4 * other.abs().max()


@needs_onednn
def test_what_torch_alone_knows_is_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "_is_wide_without_mkl", lambda: True)
    x, weight, bias = torch.randn(1024, 128), torch.randn(256, 128), torch.randn(256)
    expected = torch.nn.functional.linear(x, weight, bias)
    assert torch.allclose(ops.linear(x, weight.to_sparse_csr(), bias), expected, atol=1e-4)
    traced = torch.jit.trace(lambda rows: ops.linear(rows, weight, bias), x)
    assert torch.allclose(traced(x[:600]), expected[:600], atol=1e-4)
    with pytest.raises(RuntimeError, match=r"meta|device"):
        ops.linear(x, weight, torch.randn(256, device="meta"))


@needs_onednn
@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # torch's own, of its switch
def test_where_onednn_is_off_or_operations_are_counted_all_know_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "_is_wide_without_mkl", lambda: True)
    a, b, total = torch.randn(256, 128), torch.randn(128, 64), torch.empty(256, 64)
    assert is_by_onednn(a) and not is_by_onednn(a.double())
    with FlopCounterMode(display=False) as counter:
        assert not is_by_onednn(a)
        products(a).set(total, a, b)
        products(a).add(total, a, b)
    assert counter.get_total_flops() == 2 * 2 * 256 * 128 * 64
    with torch.backends.mkldnn.flags(enabled=False):
        assert not is_by_onednn(a)
    assert is_by_onednn(a)
