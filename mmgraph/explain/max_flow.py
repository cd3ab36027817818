"""Attention flow as a maximum flow: the layers are a network of pipes, weights of attention their widths."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.explain.flow import check_start, shares
from mmgraph.explain.nodes import destinations
from mmgraph.explain.record import AttentionRecord

SCALE = 2**24
"""Widths are whole numbers of this part of one: the solver counts in int32."""


def max_flow_to_output(
    record: AttentionRecord, graph: int, *, residual: float = 0.5, start: Float[Tensor, " nodes"] | None = None
) -> Float[Tensor, " nodes"]:
    """The most that could flow from each node's input, alone, through all layers and the pool to the output.

    Where `flow_to_output` multiplies weights along a path, here a path carries as much as its narrowest edge, and paths
    that share an edge share its width. Values of different nodes do not add up to anything. One problem is solved per
    node: this is for single samples.

    Source: Abnar and Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020 (there: attention flow).

    Args:
        record: of a model whose convs have `scope="node"`.
        graph: number of the graph in the record.
        residual: share of a node's own state in what leaves a layer, 0..1.
        start: weight with which each node of this graph enters the output, where there is not one attention pool.

    Returns:
        A value per node, in the order of `record.batch[graph].flat`, to a precision of 6e-8.

    Raises:
        ValueError: if there is no such graph, and as `flow_to_output` does.

    Example:
        >>> from mmgraph.explain import LayerAttention, PoolAttention
        >>> from mmgraph.graph import GraphBatch
        >>> batch = GraphBatch.single({"image": torch.rand(2, 3), "text": torch.rand(1, 3)},
        ...                           {("image", "with", "text"): torch.tensor([[0, 1], [0, 0]])})
        >>> layer = LayerAttention("conv", "node", batch.schema.edge_types, torch.tensor([[0.75], [0.25]]), batch.flat)
        >>> record = AttentionRecord(batch, (layer,), (PoolAttention("pool", torch.tensor([[0.5], [0.5], [1.0]])),))
        >>> max_flow_to_output(record, 0).tolist()
        [0.875, 0.625, 0.5]
    """
    one = record.single(graph)
    first = check_start(one, residual, start)
    return _max_flow(one, first.double().cpu().numpy()[None], residual)[0]


def max_flow_to_nodes(
    record: AttentionRecord, graph: int, *, nodes: Sequence[int] | None = None, residual: float = 0.5
) -> Float[Tensor, "destinations sources"]:
    """The most that could flow into nodes of one graph, behind all layers, from the input of each of its nodes.

    Args:
        record: of a model whose convs have `scope="node"`.
        graph: number of the graph in the record.
        nodes: the destinations, numbered as in `record.batch[graph].flat`; all if not given, which takes the square of
            the number of nodes.
        residual: see `max_flow_to_output`, which also names the source.

    Raises:
        ValueError: if there is no such graph or node, and as `flow_to_output` does.

    Example:
        >>> from mmgraph.explain import LayerAttention
        >>> from mmgraph.graph import GraphBatch
        >>> batch = GraphBatch.single({"image": torch.rand(2, 3), "text": torch.rand(1, 3)},
        ...                           {("image", "with", "text"): torch.tensor([[0, 1], [0, 0]])})
        >>> layer = LayerAttention("conv", "node", batch.schema.edge_types, torch.tensor([[0.75], [0.25]]), batch.flat)
        >>> max_flow_to_nodes(AttentionRecord(batch, (layer,), ()), 0, nodes=[2]).tolist()
        [[0.375, 0.125, 0.5]]
    """
    one = record.single(graph)
    count = one.batch.num_nodes
    chosen = list(range(count)) if nodes is None else list(nodes)
    wrong = [node for node in chosen if not 0 <= node < count]
    if wrong:
        raise ValueError(f"no node {wrong[0]}: graph {graph} has {count}")
    check_start(one, residual, torch.zeros(count))
    return _max_flow(one, np.eye(count)[chosen], residual)


def _max_flow(one: AttentionRecord, starts: np.ndarray, residual: float) -> Tensor:
    """Rows of maximum flows, one problem per row of `starts` and node."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    nodes, layers = one.batch.num_nodes, len(one.layers)
    heads, tails, widths = _pipes(one, residual)
    size = (layers + 1) * nodes + 1  # the inputs of each layer, the outputs of the last, and where flow comes in
    rows = []
    for start in starts:
        entered = start.nonzero()[0]
        capacity = np.r_[widths, start[entered]]
        heads_here = np.r_[heads, np.full(entered.size, size - 1)]
        tails_here = np.r_[tails, layers * nodes + entered]
        whole = np.rint(capacity * SCALE).astype(np.int32)
        network = csr_array((whole, (heads_here, tails_here)), shape=(size, size))
        network.sum_duplicates()
        rows.append([maximum_flow(network, size - 1, node).flow_value / SCALE for node in range(nodes)])
    return torch.tensor(rows, dtype=torch.float32).reshape(len(starts), nodes)


def _pipes(one: AttentionRecord, residual: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From, to and width of all pipes between layers, towards the input; node i before layer l is l * nodes + i."""
    nodes = one.batch.num_nodes
    own = np.arange(nodes)
    heads, tails, widths = [own[:0]], [own[:0]], [np.zeros(0)]
    for number in range(len(one.layers)):
        layer = one.layer(number)
        destination = destinations(layer.graph)
        share = shares(layer, destination)
        mixed = torch.zeros(nodes, dtype=share.dtype, device=share.device).index_add_(0, destination, share)
        heads += [destination.cpu().numpy() + (number + 1) * nodes, own + (number + 1) * nodes]
        tails += [layer.graph.src.cpu().numpy() + number * nodes, own + number * nodes]
        widths += [((1 - residual) * share).cpu().numpy(), (1 - (1 - residual) * mixed).cpu().numpy()]
    return np.concatenate(heads), np.concatenate(tails), np.concatenate(widths)
