"""`MeanPool`: the mean of nodes."""

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor, nn

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.pool.runs import Span, all_rows, check_readout, results_of, runs


class MeanPool(nn.Module):
    """Mean of the nodes of each modality, or of each graph; zeros where there is none.

    With span "graph" a modality weighs as much as it has nodes; `HierarchicalPool` weighs modalities themselves.

    Args:
        schema: names the modalities.
        channels: channels of the nodes.
        span: "modality" gives a row for each modality of a graph, "graph" one for all nodes of a graph.

    Raises:
        ValueError: if there are no channels, or on an unknown span.

    Example:
        >>> import torch
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.tensor([[1.0], [3.0]]), "b": torch.tensor([[8.0]])}, {})
        >>> x = {name: nodes.x for name, nodes in graph.nodes.items()}
        >>> MeanPool(graph.schema, 1)(x, graph.flat).tolist()
        [[[2.0], [8.0]]]
        >>> MeanPool(graph.schema, 1, span="graph")(x, graph.flat).tolist()
        [[[4.0]]]
    """

    def __init__(self, schema: GraphSchema, channels: int, *, span: Span = "modality") -> None:
        super().__init__()
        check_readout(channels, span)
        self.modalities, self.out_channels, self.span = tuple(schema.modalities), channels, span
        self.results = results_of(schema, span)

    def forward(
        self, x: Mapping[str, Float[Tensor, "_ channels"]], graph: FlatGraph
    ) -> Float[Tensor, "graphs results channels"]:
        """The pooled rows of every graph."""
        parts = runs(all_rows(self.modalities, x), graph, self.span)
        counts = parts.ptr.diff().clamp(min=1).unsqueeze(1)
        return parts.results(ops.segment_sum(parts.rows, parts.ptr) / counts)
