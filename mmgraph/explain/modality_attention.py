"""Modality-by-modality attention: of what enters the nodes of one modality, how much comes from each of the others."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.explain.copies import ready
from mmgraph.explain.estimate import Estimate
from mmgraph.explain.flow import check_start, flow_back, head_shares
from mmgraph.explain.nodes import destinations, locate
from mmgraph.explain.record import AttentionRecord, LayerAttention
from mmgraph.explain.recording import record_attention
from mmgraph.graph import FlatGraph, GraphBatch


@dataclass(frozen=True, eq=False)
class ModalityAttention:
    """Matrices over (destination modality, source modality), per graph, layer and head.

    An entry is the share of the attention of the destination's nodes that goes to the source's nodes, the mean over
    those nodes that some edge enters. Rows sum to one, and are NaN where a graph has no such node.

    Attributes:
        modalities: the order of rows and columns.
        layers: names of the convs.
        heads: per layer, [graphs, heads, modalities, modalities].
        output: rows are pooled modalities, columns what of the attention flow to them comes from each modality's input,
            through all layers; None where the model has no single attention pool.

    Example:
        >>> matrix = torch.tensor([[[[1.0, 0.0], [0.25, 0.75]]]])
        >>> found = ModalityAttention(("image", "text"), ("conv",), (matrix,), None)
        >>> found.mean("conv").tolist(), found.estimate("conv", "text", "image").mean
        ([[[1.0, 0.0], [0.25, 0.75]]], 0.25)
    """

    modalities: tuple[str, ...]
    layers: tuple[str, ...]
    heads: tuple[Float[Tensor, "graphs _ modalities modalities"], ...]
    output: Float[Tensor, "graphs modalities modalities"] | None

    def layer(self, layer: str | int) -> Float[Tensor, "graphs heads modalities modalities"]:
        """The matrices of one layer, by its name or number. Raises ValueError if there is no such layer."""
        number = layer if isinstance(layer, int) else (*self.layers, layer).index(layer)
        if not -len(self.layers) <= number < len(self.layers):
            raise ValueError(f"no layer {layer!r}: there are {list(self.layers)}")
        return self.heads[number]

    def mean(self, layer: str | int) -> Float[Tensor, "heads modalities modalities"]:
        """The mean of a layer's matrices over graphs, per head; NaN where no graph has an entry."""
        return self.layer(layer).nanmean(0)

    def estimate(self, layer: str | int | None, destination: str, source: str, head: int | None = None) -> Estimate:
        """One entry over all graphs, with an interval.

        Args:
            layer: name or number of the layer; None for the flow to the output.
            destination: the modality that attends, or that is pooled.
            source: the modality that is attended to.
            head: of the layer; the mean over heads if not given.

        Raises:
            ValueError: if there is no such layer, head or modality.
        """
        for name in (destination, source):
            if name not in self.modalities:
                raise ValueError(f"no modality {name!r}: there are {list(self.modalities)}")
        place = (..., self.modalities.index(destination), self.modalities.index(source))
        if layer is None:
            if self.output is None:
                raise ValueError("the record has not one attention pool, so there is no flow to the output")
            return Estimate.of(self.output[place])
        heads = self.layer(layer)[place]
        if head is None:
            return Estimate.of(heads.mean(1))
        if not 0 <= head < heads.shape[1]:
            raise ValueError(f"no head {head}: layer {layer!r} has {heads.shape[1]}")
        return Estimate.of(heads[:, head])


def modality_attention(record: AttentionRecord, *, residual: float = 0.5) -> ModalityAttention:
    """The matrices of the graphs of one forward pass.

    Args:
        record: of a model whose convs have `scope="node"`.
        residual: of the flow to the output, see `flow_to_output`.

    Raises:
        ValueError: as `flow_to_output` does: with `scope="relation"` there is nothing to compare.

    Example:
        >>> from mmgraph.explain import LayerAttention
        >>> edges = {("image", "with", "text"): [[0], [0]], ("text", "next", "text"): [[1], [0]]}
        >>> edges = {relation: torch.tensor(ends) for relation, ends in edges.items()}
        >>> batch = GraphBatch.single({"image": torch.rand(1, 3), "text": torch.rand(2, 3)}, edges)
        >>> layer = LayerAttention("conv", "node", batch.schema.edge_types, torch.tensor([[0.75], [0.25]]), batch.flat)
        >>> modality_attention(AttentionRecord(batch, (layer,), ())).mean("conv")[0].tolist()
        [[nan, nan], [0.75, 0.25]]
    """
    names = tuple(record.batch.schema.modalities)
    layers = [record.layer(i) for i in range(len(record.layers))]
    heads = tuple(_matrices(layer, len(names)) for layer in layers)
    output = _output(record, len(names), residual) if len(record.pools) == 1 else None
    return ModalityAttention(names, tuple(layer.name for layer in layers), heads, output)


def data_modality_attention(
    model: nn.Module, graphs: GraphBatch, *, batch_size: int = 256, residual: float = 0.5
) -> ModalityAttention:
    """The matrices of all graphs of a data set, graph by graph: `.mean` and `.estimate` sum them up.

    Args:
        model: with convs of `scope="node"`.
        graphs: the data set.
        batch_size: graphs per forward pass.
        residual: of the flow to the output.

    Raises:
        ValueError: as `modality_attention` and `record_attention` do, or if `batch_size` is below 1.

    Example:
        >>> from mmgraph import ops
        >>> from mmgraph.models import GraphFusion
        >>> graph = GraphBatch.single({"a": torch.rand(2, 3)}, {("a", "to", "a"): torch.tensor([[0], [1]])})
        >>> model = GraphFusion(graph.schema, 2, hidden_channels=8)
        >>> with ops.backend("reference"):
        ...     found = data_modality_attention(model, GraphBatch.concat([graph, graph]))
        >>> [layer.shape for layer in found.heads], found.output.tolist()
        ([torch.Size([2, 4, 1, 1]), torch.Size([2, 4, 1, 1])], [[[1.0]], [[1.0]]])
    """
    if batch_size < 1:
        raise ValueError(f"{batch_size=} is at least 1")
    parts = []
    with ready(model, graphs) as batch, torch.no_grad(), record_attention(model) as records:
        for start in range(0, batch.num_graphs, batch_size):
            model(batch[start : start + batch_size])
            parts.append(modality_attention(records.pop(), residual=residual))
    first, outputs = parts[0], [part.output for part in parts if part.output is not None]
    heads = tuple(torch.cat(layer) for layer in zip(*(part.heads for part in parts), strict=True))
    return ModalityAttention(first.modalities, first.layers, heads, torch.cat(outputs) if outputs else None)


def _matrices(layer: LayerAttention, modalities: int) -> Float[Tensor, "graphs heads modalities modalities"]:
    """Shares of edges added up by graph and modalities of their ends, per destination node."""
    flat = layer.graph
    dst = destinations(flat)
    share = head_shares(layer, dst)
    modality, (graph, _) = _modality(flat), locate(flat, dst)
    place = (graph * modalities + modality[dst]) * modalities + modality[flat.src.long()]
    graphs, heads = flat.num_graphs, share.shape[1]
    sums = share.new_zeros(graphs * modalities**2, heads).index_add_(0, place, share)
    sums = sums.view(graphs, modalities, modalities, heads)
    return (sums / sums.sum(2, keepdim=True)).permute(0, 3, 1, 2).float()  # 0 / 0 where no edge enters: NaN


def _output(record: AttentionRecord, modalities: int, residual: float) -> Float[Tensor, "graphs modalities modalities"]:
    flat, start = record.batch.flat, check_start(record, residual, None)
    modality = _modality(flat)
    pooled = torch.arange(modalities, device=start.device)
    flow = (modality == pooled.unsqueeze(1)) * start.double()  # [pooled modalities, nodes]
    for number in reversed(range(len(record.layers))):
        flow = flow_back(record.layer(number), flow, residual)
    graph, _ = locate(flat, torch.arange(flow.shape[1], device=start.device))
    sums = flow.new_zeros(modalities, flat.num_graphs * modalities)
    sums = sums.index_add_(1, graph * modalities + modality, flow).view(modalities, flat.num_graphs, modalities)
    return (sums / sums.sum(2, keepdim=True)).transpose(0, 1).float()


def _modality(flat: FlatGraph) -> Tensor:
    counts = torch.tensor(flat.num_nodes, device=flat.src.device)
    return torch.arange(counts.numel(), device=counts.device).repeat_interleave(counts)
