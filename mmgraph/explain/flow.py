"""Attention flow: how much attention reaches the pooled output from each node, through all layers."""

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.explain.nodes import destinations
from mmgraph.explain.record import AttentionRecord, LayerAttention


def flow_to_output(
    record: AttentionRecord, *, residual: float = 0.5, start: Float[Tensor, " nodes"] | None = None
) -> Float[Tensor, " nodes"]:
    r"""The attention that reaches the pooled output from each node's input, with all layers composed ("rollout").

    Layer :math:`l` mixes nodes by a row-stochastic matrix over (destination, source):
    :math:`M_l = r I + (1 - r) \bar A_l`, with :math:`\bar A_l` the mean of alpha over heads and :math:`r` the share of
    the residual self path; a node that no edge enters keeps all of itself. The flow is :math:`p^T M_L \dots M_1` with
    :math:`p` the pool's weights. It is computed as one vector going back through the edges, never as a matrix of nodes.

    The flow over the nodes of a graph sums to the number of its modalities that have nodes: each pooled vector
    brings one unit. How the head then mixes the pooled vectors is no attention and is not in it; neither are values,
    feed-forward parts and layers without attention.

    Source: Abnar and Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020 (there: attention rollout).

    Args:
        record: of a model whose convs have `scope="node"`.
        residual: share of a node's own state in what leaves a layer, 0..1. The real share depends on the values; one
            half is the paper's choice.
        start: weight with which each node enters the output, where the model has no attention pool (for a mean:
            one over the nodes of its graph and modality), or several.

    Returns:
        A weight per node, in the order of `FlatGraph`.

    Raises:
        ValueError: if a conv has `scope="relation"`, if there is no attention pool or several and no `start`, if
            `residual` is outside 0..1, or if an edge weight is negative.

    Example:
        >>> from mmgraph.explain import LayerAttention, PoolAttention
        >>> from mmgraph.graph import GraphBatch
        >>> batch = GraphBatch.single({"image": torch.rand(2, 3), "text": torch.rand(1, 3)},
        ...                           {("image", "with", "text"): torch.tensor([[0, 1], [0, 0]])})
        >>> layer = LayerAttention("conv", "node", batch.schema.edge_types, torch.tensor([[0.75], [0.25]]), batch.flat)
        >>> record = AttentionRecord(batch, (layer,), (PoolAttention("pool", torch.tensor([[0.5], [0.5], [1.0]])),))
        >>> flow_to_output(record).tolist()
        [0.875, 0.625, 0.5]
    """
    if not 0 <= residual <= 1:
        raise ValueError(f"{residual=} is the share of the residual path: 0..1")
    if start is None and len(record.pools) != 1:
        raise ValueError(
            f"the record has {len(record.pools)} attention pools, not one: give `start`, the weight with which each "
            "node enters the output: record.pools[0].mean, or for a mean 1 / nodes of its graph and modality"
        )
    first = record.pools[0].mean if start is None else start
    if first.shape != (record.batch.num_nodes,):
        raise ValueError(f"start has a weight per node, [{record.batch.num_nodes}], got {tuple(first.shape)}")
    flow = first.double()
    for number in reversed(range(len(record.layers))):
        flow = _back(record.layer(number), flow, residual)
    return flow.to(torch.promote_types(first.dtype, torch.float32))


def _back(layer: LayerAttention, flow: Tensor, residual: float) -> Tensor:
    """The flow before a layer, from the flow after it."""
    destination = destinations(layer.graph)
    shares = _shares(layer, destination)
    mixed = torch.zeros_like(flow).index_add_(0, destination, shares)  # one, or zero where no edge enters
    arrived = torch.zeros_like(flow).index_add_(0, layer.graph.src.long(), shares * flow[destination])
    return flow * (1 - (1 - residual) * mixed) + (1 - residual) * arrived


def _shares(layer: LayerAttention, destination: Tensor) -> Tensor:
    """What each edge contributes to its destination; sums to one over the edges into a node."""
    if layer.scope != "node":
        raise ValueError(
            f"layer {layer.name!r} has scope={layer.scope!r}: its alpha sums to one within each relation, so weights "
            "of different relations cannot be added up; build the model with scope='node'"
        )
    alpha = layer.alpha.double()
    if layer.edge_weight is not None:
        if bool((layer.edge_weight < 0).any()):
            raise ValueError(
                f"layer {layer.name!r} was called with negative edge weights (least "
                f"{float(layer.edge_weight.min()):.3g}), which have no share in a flow; use weights of at least 0"
            )
        alpha = alpha * layer.edge_weight.double()
    weight = alpha.mean(1)
    total = torch.zeros(layer.graph.rowptr.numel() - 1, dtype=weight.dtype, device=weight.device)
    total = total.index_add_(0, destination, weight)[destination]
    return torch.where(total > 0, weight / total.clamp_min(torch.finfo(weight.dtype).tiny), 0.0)
