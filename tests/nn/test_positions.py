"""Sinusoids of box, span and position, with values from paper."""

import math
from typing import Any

import pytest
import torch

from mmgraph.graph import STANDARD_ATTRIBUTES, NodeSet
from mmgraph.nn import PositionalEncoding
from mmgraph.nn.positions import BOX_OCTAVES, POSITION_PERIODS, SPAN_PERIODS


def features_of(name: str, value: torch.Tensor, dtype: torch.dtype = torch.float64) -> Any:
    """What the encoding hands to its matrix."""
    encode = PositionalEncoding({name: STANDARD_ATTRIBUTES[name]}, 3).to(dtype)
    seen: list[torch.Tensor] = []
    assert encode.linear is not None
    encode.linear.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    out = encode(NodeSet.of([torch.zeros(len(value), 0, dtype=dtype)], **{name: [value]}))
    assert out.shape == (len(value), 3) and out.dtype == dtype
    return seen[0]


def test_a_box_by_hand() -> None:
    """From (0, 0.25) to (0.5, 0.75): centre (0.25, 0.5), size (0.5, 0.5), and pi, 2 pi, 4 pi, 8 pi times these."""
    row = features_of("box", torch.tensor([[0.0, 0.25, 0.5, 0.75]]))[0].tolist()
    numbers = [0.25, 0.5, 0.5, 0.5]
    angles = [math.pi * 2**octave * number for number in numbers for octave in range(BOX_OCTAVES)]
    assert row == pytest.approx(numbers + [math.sin(a) for a in angles] + [math.cos(a) for a in angles], abs=1e-12)


def test_a_span_by_hand() -> None:
    """From 1 s to 3 s: it lasts 2 s, and its middle, 2 s, is a multiple of every period up to 2 s."""
    row = features_of("span", torch.tensor([[1.0, 3.0]]))[0].tolist()
    angles = [2 * math.pi * 2 / period for period in SPAN_PERIODS]
    assert row == pytest.approx([2.0] + [math.sin(a) for a in angles] + [math.cos(a) for a in angles], abs=1e-12)
    assert row[1 + len(SPAN_PERIODS) : 1 + len(SPAN_PERIODS) + 6] == pytest.approx([1.0] * 6)


def test_positions_by_hand() -> None:
    """Position 1 is half of the first period, 0 the start of all."""
    rows = features_of("position", torch.tensor([0, 1])).tolist()
    count = len(POSITION_PERIODS)
    assert rows[0] == [0.0] * count + [1.0] * count
    assert rows[1][0] == pytest.approx(0, abs=1e-12) and rows[1][count] == pytest.approx(-1)
    assert rows[1][1] == pytest.approx(1)  # a quarter of the second period


def test_places_that_differ_are_told_apart() -> None:
    assert len(features_of("position", torch.arange(500), torch.float32).unique(dim=0)) == 500


def test_nodes_without_a_place_get_zeros() -> None:
    encode = PositionalEncoding({}, 4)
    assert list(encode.parameters()) == [] and encode.names == []
    assert torch.equal(encode(NodeSet.of([torch.ones(3, 2)])), torch.zeros(3, 4))


def test_what_the_schema_promises_has_to_be_there() -> None:
    encode = PositionalEncoding({"span": STANDARD_ATTRIBUTES["span"]}, 4)
    with pytest.raises(ValueError, match="the nodes carry no 'span'; they have no attributes"):
        encode(NodeSet.of([torch.ones(3, 2)]))
