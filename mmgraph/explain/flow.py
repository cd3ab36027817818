"""Attention flow: how much attention reaches the pooled output from each node, through all layers."""

import torch
from jaxtyping import Float, Int
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
    brings one unit (with `span="graph"` there is one vector, and the sum is one). How these are mixed then is not in
    it, be it by the head or by the weights that `HierarchicalPool` gives to modalities; neither are values,
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
        ValueError: if a conv has `scope="relation"` and more than one relation enters a modality, if there is no
            attention pool or several and no `start`, if `residual` is outside 0..1, or if an edge weight is negative.

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
    first = check_start(record, residual, start)
    flow = first.double()
    for number in reversed(range(len(record.layers))):
        flow = flow_back(record.layer(number), flow, residual)
    return flow.to(torch.promote_types(first.dtype, torch.float32))


def flow_to_nodes(
    record: AttentionRecord, graph: int, *, residual: float = 0.5
) -> Float[Tensor, "destinations sources"]:
    """How much attention reaches each node of one graph, behind all layers, from the input of each of its nodes.

    As `flow_to_output`, started from one node at a time: row i is the flow into node i, and sums to one. Nodes are in
    the order of `record.batch[graph].flat`.

    Args:
        record: of a model whose convs have `scope="node"`.
        graph: number of the graph in the record.
        residual: see `flow_to_output`.

    Raises:
        ValueError: if there is no such graph, and as `flow_to_output` does.

    Example:
        >>> from mmgraph.explain import LayerAttention
        >>> from mmgraph.graph import GraphBatch
        >>> batch = GraphBatch.single({"image": torch.rand(2, 3), "text": torch.rand(1, 3)},
        ...                           {("image", "with", "text"): torch.tensor([[0, 1], [0, 0]])})
        >>> layer = LayerAttention("conv", "node", batch.schema.edge_types, torch.tensor([[0.75], [0.25]]), batch.flat)
        >>> flow_to_nodes(AttentionRecord(batch, (layer,), ()), 0)[2].tolist()
        [0.375, 0.125, 0.5]
    """
    one = record.single(graph)
    identity = torch.eye(one.batch.num_nodes, device=one.batch.device)
    check_start(one, residual, identity[0])
    flow = identity.double()
    for number in reversed(range(len(one.layers))):
        flow = flow_back(one.layer(number), flow, residual)
    return flow.float()


def flow_through_edges(
    record: AttentionRecord, *, residual: float = 0.5, start: Float[Tensor, " nodes"] | None = None
) -> Float[Tensor, " edges"]:
    """The part of `flow_to_output` that passes through each edge of the batch, all layers together.

    Args:
        record: as for `flow_to_output`.
        residual: likewise.
        start: likewise.

    Raises:
        ValueError: as `flow_to_output` does, or if a layer saw other edges than the batch has.

    Example:
        >>> from mmgraph.explain import LayerAttention
        >>> from mmgraph.graph import GraphBatch
        >>> batch = GraphBatch.single({"image": torch.rand(2, 3), "text": torch.rand(1, 3)},
        ...                           {("image", "with", "text"): torch.tensor([[0, 1], [0, 0]])})
        >>> layer = LayerAttention("conv", "node", batch.schema.edge_types, torch.tensor([[0.75], [0.25]]), batch.flat)
        >>> flow_through_edges(AttentionRecord(batch, (layer,), ()), start=torch.tensor([0.0, 0.0, 1.0])).tolist()
        [0.375, 0.125]
    """
    first = check_start(record, residual, start)
    flow, through = first.double(), torch.zeros(record.batch.num_edges, dtype=torch.float64, device=first.device)
    for number in reversed(range(len(record.layers))):
        layer = record.layer(number)
        if layer.graph.src.numel() != record.batch.num_edges or not torch.equal(layer.graph.src, record.batch.flat.src):
            raise ValueError(
                f"layer {layer.name!r} saw {layer.graph.src.numel()} edges, the batch has {record.batch.num_edges}: "
                "the model learns edges, and flow through them has no place among the batch's own; use flow_to_output"
            )
        destination = destinations(layer.graph)
        through += (1 - residual) * shares(layer, destination) * flow[destination]
        flow = flow_back(layer, flow, residual)
    return through.to(torch.promote_types(first.dtype, torch.float32))


def check_start(record: AttentionRecord, residual: float, start: Tensor | None) -> Tensor:
    """The weight with which each node enters the output, checked; see `flow_to_output`."""
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
    return first


def flow_back(layer: LayerAttention, flow: Tensor, residual: float) -> Tensor:
    """The flow before a layer, from the flow after it: [nodes], or [flows, nodes]."""
    destination = destinations(layer.graph)
    share = shares(layer, destination)
    mixed = share.new_zeros(flow.shape[-1]).index_add_(0, destination, share)  # one, or zero where no edge enters
    arrived = torch.zeros_like(flow).index_add_(-1, layer.graph.src.long(), share * flow[..., destination])
    return flow * (1 - (1 - residual) * mixed) + (1 - residual) * arrived


def shares(layer: LayerAttention, destination: Int[Tensor, " edges"]) -> Float[Tensor, " edges"]:
    """What each edge contributes to its destination, the mean over heads; sums to one over the edges into a node.

    Raises:
        ValueError: if weights of the layer's relations cannot be compared, or an edge weight is negative.
    """
    weight = weights(layer).mean(1)
    return _normalised(weight, destination, layer.graph.rowptr.numel() - 1)


def head_shares(layer: LayerAttention, destination: Int[Tensor, " edges"]) -> Float[Tensor, "edges heads"]:
    """As `shares`, of each head."""
    return _normalised(weights(layer), destination, layer.graph.rowptr.numel() - 1)


def weights(layer: LayerAttention) -> Float[Tensor, "edges heads"]:
    """Alpha times the weights of edges, float64. Raises ValueError as `shares` does."""
    layer.require_one_softmax()
    alpha = layer.alpha.double()
    if layer.edge_weight is not None:
        if bool((layer.edge_weight < 0).any()):
            raise ValueError(
                f"layer {layer.name!r} was called with negative edge weights (least "
                f"{float(layer.edge_weight.min()):.3g}), which have no share in a flow; use weights of at least 0"
            )
        alpha = alpha * layer.edge_weight.double()
    return alpha


def _normalised(weight: Tensor, destination: Tensor, nodes: int) -> Tensor:
    total = weight.new_zeros(nodes, *weight.shape[1:]).index_add_(0, destination, weight)[destination]
    return torch.where(total > 0, weight / total.clamp_min(torch.finfo(weight.dtype).tiny), 0.0)
