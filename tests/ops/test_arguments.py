"""Arguments that do not fit together are named before a kernel reads past the end of one."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from mmgraph.ops import gat_attention

COUNTS = [{"a": 2, "b": 2, "c": 1}]
EDGES = 20  # each of five relations brings two edges per destination


@pytest.mark.parametrize("operator", ["gat", "gatv2", "dot"])
@pytest.mark.parametrize(
    ("leaf", "shape", "message"),
    [
        ("source 1", (1, 99), "source[1] has 1 rows, the graph 2 nodes of that modality"),
        ("target 2", (4, 99), "target[2] has 4 rows, the graph 1 nodes of that modality"),
        ("edge_weight", (EDGES, 3), f"edge_weight has shape [{EDGES}, 3], it takes [{EDGES}, 1] or [{EDGES}, 2]"),
    ],
)
def test_wrong_sizes_are_named(
    problem: Callable[..., Any], operator: str, leaf: str, shape: tuple[int, int], message: str
) -> None:
    case = problem(operator, COUNTS)
    assert case.graph.src.numel() == EDGES
    with pytest.raises(ValueError, match=re.escape(message)):
        case.out({**case.leaves, leaf: torch.zeros(shape, dtype=torch.float64)})


@pytest.mark.unchecked
@pytest.mark.parametrize("operator", ["gat", "gatv2", "dot"])
def test_edge_weights_of_another_shape_are_named(problem: Callable[..., Any], operator: str) -> None:
    case = problem(operator, COUNTS)
    for shape in ([EDGES], [EDGES - 1, 1]):
        with pytest.raises(ValueError, match=re.escape(f"edge_weight has shape {shape}, it takes [{EDGES}, 1]")):
            case.out({**case.leaves, "edge_weight": torch.ones(shape, dtype=torch.float64)})


@pytest.mark.unchecked
def test_edge_logits_of_another_size_are_named(problem: Callable[..., Any]) -> None:
    case = problem("gat", COUNTS)
    with pytest.raises(ValueError, match=re.escape(f"edge_logits has shape [{EDGES}, 1], it takes [{EDGES}, 2]")):
        case.out({**case.leaves, "edge_logits": torch.zeros(EDGES, 1, dtype=torch.float64)})


def test_edge_values_of_another_width_are_named(problem: Callable[..., Any]) -> None:
    case = problem("gatv2", COUNTS)
    rows = len(case.leaves["edge_values"])
    with pytest.raises(ValueError, match=re.escape(f"edge_values has shape [{rows}, 5], it takes [rows, 6]")):
        case.out({**case.leaves, "edge_values": torch.zeros(rows, 5, dtype=torch.float64)})


@pytest.mark.unchecked
def test_a_row_number_is_needed_for_every_edge(problem: Callable[..., Any]) -> None:
    case = problem("gatv2", COUNTS)
    with pytest.raises(ValueError, match=re.escape(f"edge_row has shape [1], it takes [{EDGES}]")):
        replace(case, edge_row=case.edge_row[:1]).out()
    with pytest.raises(ValueError, match="edge_values and edge_row are given together"):
        replace(case, edge_row=None).out()


def test_a_table_is_needed_for_every_modality(problem: Callable[..., Any]) -> None:
    case = problem("gat", COUNTS)
    tables = [case.leaves["source 0"], case.leaves["source 1"]]
    with pytest.raises(ValueError, match="source has 2 tables for 4 modalities"):
        gat_attention(tables, tables, case.blocks, case.graph, heads=2, channels=3)


@pytest.mark.parametrize("operator", ["gat", "gatv2", "dot"])
def test_one_dtype_is_asked_for(problem: Callable[..., Any], operator: str) -> None:
    case = problem(operator, COUNTS)
    mixed = {**case.leaves, "edge_weight": torch.ones(EDGES, 1)}
    with pytest.raises(ValueError, match=r"one dtype, got torch\.float32 and torch\.float64"):
        case.out(mixed)


@pytest.mark.parametrize("operator", ["gat", "gatv2", "dot"])
@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_dropout_is_a_probability_below_one(problem: Callable[..., Any], operator: str, dropout: float) -> None:
    with pytest.raises(ValueError, match=f"dropout is at least 0 and below 1, got dropout={dropout}"):
        problem(operator, COUNTS).out(dropout=dropout)


@pytest.mark.unchecked
@pytest.mark.parametrize("operator", ["gat", "gatv2", "dot"])
def test_an_unknown_scope_is_named(problem: Callable[..., Any], operator: str) -> None:
    with pytest.raises(ValueError, match="scope is 'relation' or 'node', got 'graph'"):
        problem(operator, COUNTS).out(scope="graph")


def test_edge_values_join_keys_and_values_of_one_width(problem: Callable[..., Any]) -> None:
    case = problem("dot", COUNTS)
    with pytest.raises(ValueError, match="but key_channels=2 and channels=3 differ"):
        replace(case, key_channels=2).out()
