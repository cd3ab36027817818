"""Pairs of a layer of ours and PyTorch Geometric's with the same weights, for `speed_layers.py`."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
import torch_geometric.nn as pyg
from torch import Tensor, nn

from mmgraph.graph import GraphBatch, Relation
from mmgraph.nn import GATConv, GATv2Conv, HGTConv, RGCNConv, SAGEConv, TransformerConv
from mmgraph.nn.conv.layout import relation_weights


class Pair(NamedTuple):
    """Two layers that compute the same.

    Attributes:
        ours: called with node features and the flat graph.
        peer: PyG's layer.
        peer_name: what it is called.
        arguments: from node features to the arguments of `peer`; not timed.
    """

    ours: nn.Module
    peer: nn.Module
    peer_name: str
    arguments: Callable[[Mapping[str, Tensor]], tuple[Any, ...]]


def edge_index(batch: GraphBatch, relation: Relation) -> Tensor:
    """The same edges as PyG numbers them: through the batch, per modality."""
    edges = batch.relation(relation)
    src, dst = (batch.nodes[relation[end]].ptr[edges.graph] for end in (0, 2))
    return torch.stack([edges.src + src, edges.dst + dst])


def take_weights(conv: nn.Module, peer: pyg.HeteroConv) -> None:
    """Copies the weights of a `HeteroConv` into our layer; roots and biases of relations into a modality add up."""
    schema: Any = conv.schema
    summed = [value for name, value in conv.named_parameters() if name == "bias" or name.startswith("root_weight")]
    with torch.no_grad():
        for value in summed:
            value.zero_()
        for r, (src, name, dst) in enumerate(schema.edge_types):
            theirs = peer.convs[src, name, dst]
            ends = (schema.modality_id(src), schema.modality_id(dst))
            place = (schema.out_of(src).index(r), schema.into(dst).index(r))
            TAKE[type(conv)](conv, theirs, r, ends, place)


def _take_gat(conv: Any, theirs: Any, r: int, ends: tuple[int, int], place: tuple[int, int]) -> None:
    conv.source_weight[ends[0]][place[0]] = theirs.lin_src.weight
    conv.target_weight[ends[1]][place[1]] = theirs.lin_dst.weight
    conv.att_source[r], conv.att_target[r] = theirs.att_src[0], theirs.att_dst[0]
    _add_bias(conv, theirs.bias, ends[1])


def _take_gatv2(conv: Any, theirs: Any, r: int, ends: tuple[int, int], place: tuple[int, int]) -> None:
    conv.source_weight[ends[0]][place[0]] = theirs.lin_l.weight
    conv.target_weight[ends[1]][place[1]] = theirs.lin_r.weight
    conv.att[r] = theirs.att[0]
    if len(conv.bias):
        conv.source_bias[ends[0]][place[0]] = theirs.lin_l.bias
        conv.target_bias[ends[1]][place[1]] = theirs.lin_r.bias
    _add_bias(conv, theirs.bias, ends[1])


def _take_transformer(conv: Any, theirs: Any, r: int, ends: tuple[int, int], place: tuple[int, int]) -> None:
    for name, end in (("value", 0), ("key", 0), ("query", 1)):
        linear = getattr(theirs, f"lin_{name}")
        getattr(conv, f"{name}_weight")[ends[end]][place[end]] = linear.weight
        bias = getattr(conv, f"{name}_bias")[ends[end]]
        if len(bias):
            bias[place[end]] = linear.bias
    conv.root_weight[ends[1]] += theirs.lin_skip.weight
    _add_bias(conv, theirs.lin_skip.bias, ends[1])


def _take_sage(conv: Any, theirs: Any, r: int, ends: tuple[int, int], place: tuple[int, int]) -> None:
    graph_conv = isinstance(theirs, pyg.GraphConv)
    relation, root = (theirs.lin_rel, theirs.lin_root) if graph_conv else (theirs.lin_l, theirs.lin_r)
    relation_weights(conv.ends, conv.in_channels, list(conv.weight))[r].copy_(relation.weight)
    conv.root_weight[ends[1]] += root.weight
    _add_bias(conv, relation.bias, ends[1])


def _add_bias(conv: Any, bias: Tensor | None, modality: int) -> None:
    if bias is not None and len(conv.bias):
        conv.bias[modality] += bias


TAKE: dict[type, Callable[..., None]] = {
    GATConv: _take_gat,
    GATv2Conv: _take_gatv2,
    SAGEConv: _take_sage,
    TransformerConv: _take_transformer,
}


def _hetero(batch: GraphBatch, ours: nn.Module, make: Callable[[], nn.Module], name: str) -> Pair:
    peer = pyg.HeteroConv({relation: make() for relation in batch.schema.edge_types}, aggr="sum").to(batch.device)
    ours = ours.to(batch.device)
    take_weights(ours, peer)
    edges = {relation: edge_index(batch, relation) for relation in batch.schema.edge_types}
    return Pair(ours, peer, f"PyG HeteroConv({name})", lambda x: (dict(x), edges))


def _gat(batch: GraphBatch, channels: int, heads: int) -> Pair:
    size = channels // heads
    ours = GATConv(batch.schema, channels, size, heads)
    make = lambda: pyg.GATConv((channels, channels), size, heads, add_self_loops=False)  # noqa: E731
    return _hetero(batch, ours, make, "GATConv")


def _gatv2(batch: GraphBatch, channels: int, heads: int) -> Pair:
    size = channels // heads
    ours = GATv2Conv(batch.schema, channels, size, heads)
    make = lambda: pyg.GATv2Conv((channels, channels), size, heads, add_self_loops=False)  # noqa: E731
    return _hetero(batch, ours, make, "GATv2Conv")


def _transformer(batch: GraphBatch, channels: int, heads: int) -> Pair:
    size = channels // heads
    ours = TransformerConv(batch.schema, channels, size, heads)
    return _hetero(batch, ours, lambda: pyg.TransformerConv((channels, channels), size, heads), "TransformerConv")


def _sage(batch: GraphBatch, channels: int, heads: int) -> Pair:
    ours = SAGEConv(batch.schema, channels, channels)
    return _hetero(batch, ours, lambda: pyg.SAGEConv((channels, channels), channels), "SAGEConv")


def _graph_conv(batch: GraphBatch, channels: int, heads: int) -> Pair:
    ours = SAGEConv(batch.schema, channels, channels, aggr="sum")
    return _hetero(batch, ours, lambda: pyg.GraphConv((channels, channels), channels), "GraphConv")


@torch.no_grad()
def _rgcn(batch: GraphBatch, channels: int, heads: int) -> Pair:
    """PyG's layer reads the nodes of all modalities in one matrix."""
    ours = RGCNConv(batch.schema, channels, channels).to(batch.device)
    peer = pyg.RGCNConv(channels, channels, len(batch.schema.edge_types)).to(batch.device)
    ours.weight.basis.copy_(peer.weight)
    ours.root_weight.copy_(peer.root)
    ours.bias[0] = peer.bias
    flat = batch.flat
    ends = torch.stack([flat.src.long(), torch.repeat_interleave(flat.rowptr.diff())])
    kinds = flat.relation.long()
    return Pair(ours, peer, "PyG RGCNConv", lambda x: (torch.cat(list(x.values())), ends, kinds))


@torch.no_grad()
def _hgt(batch: GraphBatch, channels: int, heads: int) -> Pair:
    schema = batch.schema
    ours = HGTConv(schema, channels, channels // heads, heads).to(batch.device)
    metadata = (list(schema.modalities), list(schema.edge_types))
    peer = pyg.HGTConv(channels, channels, metadata, heads).to(batch.device)
    for name, own in (("k_rel", ours.key_relation), ("v_rel", ours.value_relation)):
        own.copy_(getattr(peer, name).weight.view(own.transpose(0, 1).shape).transpose(0, 1))
    for m, name in enumerate(schema.modalities):
        for kind in ("weight", "bias"):
            parts = getattr(peer.kqv_lin.lins[name], kind).chunk(3)
            for own, part in zip(("key", "query", "value"), parts, strict=True):
                mine = getattr(ours, f"{own}_{kind}")[m]
                mine.copy_(part[: len(mine)])
        ours.out_weight[m].copy_(peer.out_lin.lins[name].weight[:, : ours.out_weight[m].shape[1]])
        ours.out_bias[m] = peer.out_lin.lins[name].bias
    edges = {relation: edge_index(batch, relation) for relation in schema.edge_types}
    return Pair(ours, peer, "PyG HGTConv", lambda x: (dict(x), edges))


PAIRS: dict[str, Callable[[GraphBatch, int, int], Pair]] = {
    "GAT": _gat,
    "GATv2": _gatv2,
    "SAGE": _sage,
    "GraphConv": _graph_conv,
    "RGCN": _rgcn,
    "Transformer": _transformer,
    "HGT": _hgt,
}
