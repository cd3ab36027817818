"""`Set2SetPool`: reads a set of nodes several times with attention, each time asking for what it has not seen yet."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.graph.ragged import segment_of_row
from mmgraph.nn.pool.runs import Runs, Span, all_rows, check_readout, results_of, runs


class Set2SetPool(nn.Module):
    r"""Set2Set (Vinyals et al. 2016, arXiv 1511.06391), equal to PyG's `Set2Set`.

    .. math:: q_t = LSTM(q_{t-1} \Vert r_{t-1}), \quad \alpha_t = softmax_i(x_i \cdot q_t), \quad
        r_t = \sum_i \alpha_{i,t} \, x_i

    The result is the last q and r side by side. A modality that a graph lacks is pooled to zeros there, which an LSTM
    alone would not do.

    Args:
        schema: names the modalities.
        channels: channels of the nodes; `out_channels` is twice as many.
        steps: how often the nodes are read.
        span: "modality" gives a row for each modality of a graph, with an LSTM of its own, "graph" one for all nodes.

    Raises:
        ValueError: if there are no channels or no steps, or on an unknown span.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.ones(2, 4), "b": torch.ones(1, 4)}, {})
        >>> pool = Set2SetPool(graph.schema, 4)
        >>> pool({name: nodes.x for name, nodes in graph.nodes.items()}, graph.flat).shape
        torch.Size([1, 2, 8])
    """

    def __init__(self, schema: GraphSchema, channels: int, *, steps: int = 3, span: Span = "modality") -> None:
        super().__init__()
        check_readout(channels, span)
        if steps < 1:
            raise ValueError(f"steps is at least 1, got {steps}")
        self.modalities, self.channels, self.out_channels = tuple(schema.modalities), channels, 2 * channels
        self.steps, self.span = steps, span
        self.results = results_of(schema, span)
        self.lstms = nn.ModuleList(nn.LSTM(2 * channels, channels) for _ in range(self.results))

    def forward(
        self, x: Mapping[str, Float[Tensor, "_ channels"]], graph: FlatGraph
    ) -> Float[Tensor, "graphs results out_channels"]:
        """The pooled rows of every graph."""
        parts = runs(all_rows(self.modalities, x), graph, self.span)
        pooled, _ = self._read(parts)
        return parts.results(pooled.where((parts.ptr.diff() > 0).unsqueeze(1), 0.0))

    def node_attention(
        self, x: Mapping[str, Float[Tensor, "_ channels"]], graph: FlatGraph
    ) -> Float[Tensor, "nodes 1"]:
        """The weights of all nodes when they are read for the last time; they sum to one over what `span` says."""
        parts = runs(all_rows(self.modalities, x), graph, self.span)
        return parts.flat(self._read(parts)[1])

    def _read(self, parts: Runs) -> tuple[Tensor, Tensor]:
        """The last q and r of every run, and the last attention."""
        of = segment_of_row(parts.ptr, parts.rows.shape[0])
        graphs, _ = parts.shape
        state: list[tuple[Tensor, Tensor] | None] = [None] * len(self.lstms)
        pooled = parts.rows.new_zeros(parts.ptr.numel() - 1, self.out_channels)
        alpha = parts.rows.new_zeros(parts.rows.shape[0], 1)
        for _ in range(self.steps):
            queries = []
            for m, lstm in enumerate(self.lstms):
                query, state[m] = lstm(pooled[m * graphs : (m + 1) * graphs].unsqueeze(0), state[m])
                queries.append(query.squeeze(0))
            query = torch.cat(queries)
            alpha = ops.segment_softmax((parts.rows * query[of]).sum(1, keepdim=True), parts.ptr)
            pooled = torch.cat([query, ops.segment_sum(parts.rows * alpha, parts.ptr)], 1)
        return pooled, alpha
