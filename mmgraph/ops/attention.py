"""The attention operators as one `torch.library` operator with three ways of making logits, run by the fast kernels.

`gat.py`, `gatv2.py` and `dot.py` are its doors; `reference.py` says what it computes.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from mmgraph.graph import FlatGraph
from mmgraph.ops import embedding_bag, reference, scatter
from mmgraph.ops.backend import FUSED, current_backend
from mmgraph.ops.reference import Softmax
from mmgraph.ops.table import gather

Kind = Literal["gat", "gatv2", "dot"]
"""How logits are made: from logits of both ends, from a nonlinearity of their sum, from a dot product."""


class Inputs(NamedTuple):
    """The tensors that an attention operator reads.

    Attributes:
        source: per modality, what its nodes offer as sources: values, and logits (gat) or keys (dot).
        target: per modality, what they offer as destinations: logits (gat) or queries.
        blocks: per relation, modality id and first column of its values, and of what makes its logits.
        rowptr: edges into node i are `rowptr[i]` to `rowptr[i + 1]`.
        src: source of each edge.
        relation: relation of each edge.
        att: attention vectors [relations, heads, channels] of gatv2.
        edge_logits: added to logits, [edges, heads], of gat.
        edge_values: rows [rows, heads x channels] added to values inside logits (gatv2), or to keys and values (dot).
        edge_row: row in `edge_values` of each edge, -1 for none.
        edge_weight: multiplies alpha, [edges, 1] or [edges, heads].
    """

    source: Sequence[Tensor]
    target: Sequence[Tensor]
    blocks: Tensor
    rowptr: Tensor
    src: Tensor
    relation: Tensor
    att: Tensor | None
    edge_logits: Tensor | None
    edge_values: Tensor | None
    edge_row: Tensor | None
    edge_weight: Tensor | None


class Numbers(NamedTuple):
    """What else an attention operator takes: `key_channels` per head of keys and queries, `scale` of dot products."""

    kind: Kind
    heads: int
    channels: int
    key_channels: int
    negative_slope: float
    scale: float
    per_relation: bool
    dropout: float
    seed: int


def attend(inputs: Inputs, numbers: Numbers) -> Tensor:
    """The sum of weighted values of every node, on the current back-end."""
    backend = current_backend(inputs.src.device)
    if backend in FUSED:
        lists = (list(inputs.source), list(inputs.target))
        return _forward(*lists, *inputs[2:], *numbers)[0]
    alpha = alpha_of(inputs, numbers)
    weights = reference.factors(alpha, inputs.edge_weight, numbers.dropout, numbers.seed)
    if backend == "torch":
        edges = (inputs.rowptr, inputs.src, inputs.relation)
        out = embedding_bag.aggregate(inputs.source, inputs.blocks[:, 0], *edges, weights, numbers.channels)
        return out if numbers.kind != "dot" else out + _edge_part(inputs, weights)
    values = gather(inputs.source, inputs.blocks[:, 0], inputs.src, inputs.relation, numbers.heads * numbers.channels)
    if numbers.kind == "dot" and inputs.edge_values is not None:
        values = values + edge_rows(inputs)
    return (scatter if backend == "torch_scatter" else reference).aggregate(weights, values, inputs.rowptr)


def alpha_of(inputs: Inputs, numbers: Numbers) -> Tensor:
    """The weights of all edges, [edges, heads], in torch."""
    scatters = current_backend(inputs.src.device) == "torch_scatter"
    softmax: Softmax = scatter.softmax if scatters else reference.softmax
    at_source = (inputs.source, inputs.blocks[:, 0 if numbers.kind == "gatv2" else 1], inputs.src)
    at_target = (inputs.target, inputs.blocks[:, -1], reference.destinations(inputs.rowptr))
    width = numbers.heads * (1 if numbers.kind == "gat" else numbers.key_channels)
    a, b = (gather(*ends, inputs.relation, width) for ends in (at_source, at_target))
    extra = None if inputs.edge_values is None else edge_rows(inputs)
    if numbers.kind == "gat":
        logits = reference.gat_logits(a, b, inputs.edge_logits, numbers.negative_slope)
    elif inputs.att is not None:
        logits = reference.gatv2_logits(a, b, extra, inputs.att[inputs.relation], numbers.negative_slope)
    else:
        logits = reference.dot_logits(a, b, extra, numbers.heads, numbers.scale)
    scope: reference.Scope = "relation" if numbers.per_relation else "node"
    return softmax(logits, inputs.rowptr, inputs.relation, inputs.blocks.shape[0], scope)


def inputs_of(source: Sequence[Tensor], target: Sequence[Tensor], blocks: Tensor, graph: FlatGraph) -> Inputs:
    """Inputs without anything that belongs to edges."""
    return Inputs(source, target, blocks, graph.rowptr, graph.src, graph.relation, None, None, None, None, None)


def edge_rows(inputs: Inputs) -> Tensor:
    """The row of `edge_values` of every edge, zeros for an edge without."""
    assert inputs.edge_values is not None and inputs.edge_row is not None
    padded = torch.cat([inputs.edge_values, inputs.edge_values.new_zeros(1, inputs.edge_values.shape[1])])
    return padded[inputs.edge_row.long()]  # row -1 is the zero row


def _edge_part(inputs: Inputs, weights: Tensor) -> Tensor | float:
    return 0.0 if inputs.edge_values is None else reference.aggregate(weights, edge_rows(inputs), inputs.rowptr)


def kernels(device: torch.device) -> ModuleType:
    """The fused kernels of the current back-end: Numba's or Triton's, one interface."""
    if current_backend(device) == "triton":
        from mmgraph.ops.triton_kernels import launch as on_gpu

        return on_gpu
    from mmgraph.ops.numba_kernels import launch as on_cpu

    return on_cpu


@torch.library.custom_op("mmgraph::attention", mutates_args=())
def _forward(
    source: Sequence[Tensor],
    target: Sequence[Tensor],
    blocks: Tensor,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
    att: Tensor | None,
    edge_logits: Tensor | None,
    edge_values: Tensor | None,
    edge_row: Tensor | None,
    edge_weight: Tensor | None,
    kind: str,
    heads: int,
    channels: int,
    key_channels: int,
    negative_slope: float,
    scale: float,
    per_relation: bool,
    dropout: float,
    seed: int,
) -> tuple[Tensor, Tensor]:
    edges = (blocks, rowptr, src, relation)
    inputs = Inputs(source, target, *edges, att, edge_logits, edge_values, edge_row, edge_weight)
    numbers = (heads, channels, key_channels, negative_slope, scale, per_relation, dropout, seed)
    out, alpha = kernels(src.device).attention_forward(inputs, Numbers(kind, *numbers))  # type: ignore[arg-type]
    return out, alpha


@_forward.register_fake
def _(source, target, blocks, rowptr, src, relation, att, logits, values, row, weight, kind, heads, channels, *numbers):  # type: ignore[no-untyped-def]
    like = source[0]
    return like.new_empty(rowptr.shape[0] - 1, heads * channels), like.new_empty(src.shape[0], heads)


@torch.library.custom_op("mmgraph::attention_backward", mutates_args=())
def _backward(
    grad_out: Tensor,
    alpha: Tensor,
    source: Sequence[Tensor],
    target: Sequence[Tensor],
    blocks: Tensor,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
    att: Tensor | None,
    edge_logits: Tensor | None,
    edge_values: Tensor | None,
    edge_row: Tensor | None,
    edge_weight: Tensor | None,
    kind: str,
    heads: int,
    channels: int,
    key_channels: int,
    negative_slope: float,
    scale: float,
    per_relation: bool,
    dropout: float,
    seed: int,
) -> list[Tensor]:
    """Gradients of source and target tables, then of att, logits, edge values and edge weights (0 rows for none)."""
    edges = (blocks, rowptr, src, relation)
    inputs = Inputs(source, target, *edges, att, edge_logits, edge_values, edge_row, edge_weight)
    numbers = (heads, channels, key_channels, negative_slope, scale, per_relation, dropout, seed)
    run = kernels(src.device).attention_backward
    sources, targets, *rest = run(grad_out, alpha, inputs, Numbers(kind, *numbers))  # type: ignore[arg-type]
    return [*sources, *targets, *rest]


@_backward.register_fake
def _(grad_out, alpha, source, target, blocks, rowptr, src, relation, att, logits, values, row, weight, *numbers):  # type: ignore[no-untyped-def]
    to_att = alpha.new_empty(0, 0, 0) if att is None else torch.empty_like(att)
    to_values = alpha.new_empty(0, 0) if values is None else torch.empty_like(values)
    to_weight = torch.empty_like(alpha[: 0 if weight is None else None])
    return [*map(torch.empty_like, source), *map(torch.empty_like, target), to_att, torch.empty_like(alpha), to_values,
            to_weight]  # fmt: skip


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    source, target, *tensors = inputs[: len(Inputs._fields)]
    ctx.save_for_backward(*source, *target, *tensors, output[1])
    ctx.numbers = inputs[len(Inputs._fields) :]
    ctx.modalities = len(source)
    ctx.mark_non_differentiable(output[1])
    ctx.set_materialize_grads(False)


def _gradients(ctx: Any, grad_out: Tensor | None, _: Tensor | None) -> tuple[Any, ...]:
    m = ctx.modalities
    none = [None] * m
    if grad_out is None:
        return none, none, *[None] * (len(Inputs._fields) - 2 + len(Numbers._fields))
    saved = ctx.saved_tensors
    inputs = Inputs(saved[:m], saved[m : 2 * m], *saved[2 * m : -1])
    lists = (list(inputs.source), list(inputs.target))
    grads = _backward(grad_out.contiguous(), saved[-1], *lists, *inputs[2:], *ctx.numbers)
    sources, targets, (to_att, to_logits, to_values, to_weight) = grads[:m], grads[m : 2 * m], grads[2 * m :]
    per_edge = (
        None if inputs.att is None else to_att,
        None if inputs.edge_logits is None else to_logits,
        None if inputs.edge_values is None else to_values,
        None,
        None if inputs.edge_weight is None else to_weight.sum_to_size(inputs.edge_weight.shape),
    )
    return sources, targets, None, None, None, None, *per_edge, *[None] * len(Numbers._fields)


_forward.register_autograd(_gradients, setup_context=_save)
