"""`Linear` is torch's, whatever the number of dimensions, and takes its weights."""

import copy

import pytest
import torch
from torch import nn

from mmgraph.nn import Linear


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (2, 5), (2, 0), (2, 3, 700), (3000,)])
def test_it_is_torchs_layer(shape: tuple[int, ...], bias: bool) -> None:
    torch.manual_seed(0)
    theirs, ours = nn.Linear(96, 130, bias=bias), Linear(96, 130, bias=bias)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(*shape, 96, requires_grad=True)
    found, expected = copy.deepcopy(ours)(x), theirs(x)
    assert found.shape == expected.shape and torch.allclose(found, expected, atol=1e-5)
    weights = torch.randn(expected.shape)
    gradients = [torch.autograd.grad((layer(x) * weights).sum(), [x, *layer.parameters()]) for layer in (ours, theirs)]
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("size", [(3, 0), (0, 3)])
def test_no_channels(size: tuple[int, int]) -> None:
    with pytest.warns(UserWarning, match="zero-element"):
        layer = Linear(*size)
    assert layer(torch.ones(4, 5, size[0])).shape == (4, 5, size[1])


@pytest.mark.unchecked
def test_it_compiles_whole() -> None:
    layer = Linear(96, 130)
    x = torch.randn(3000, 96)
    assert torch.allclose(torch.compile(layer, fullgraph=True, backend="aot_eager")(x), layer(x), atol=1e-5)


@pytest.mark.unchecked
@pytest.mark.parametrize("shape", [(1024,), (6, 700)])
def test_it_is_exported_with_any_number_of_rows(shape: tuple[int, ...]) -> None:
    layer = Linear(96, 130)
    dynamic = {0: torch.export.Dim("n")}
    program = torch.export.export(layer, (torch.randn(*shape, 96),), dynamic_shapes=(dynamic,), strict=False)
    other = torch.randn(shape[0] // 2, *shape[1:], 96)
    assert torch.allclose(program.module()(other), layer(other), atol=1e-5)
