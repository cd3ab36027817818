"""`MaxPool`: the largest value of nodes in every channel."""

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.graph.ragged import segment_of_row
from mmgraph.nn.pool.runs import Span, all_rows, check_readout, results_of, runs


class MaxPool(nn.Module):
    """Largest value of each channel over the nodes of each modality, or of each graph; zeros where there is none.

    Equal largest values share the gradient.

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
        >>> MaxPool(graph.schema, 1)(x, graph.flat).tolist()
        [[[3.0], [8.0]]]
        >>> MaxPool(graph.schema, 1, span="graph")(x, graph.flat).tolist()
        [[[8.0]]]
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
        channels = parts.rows.shape[1]
        index = segment_of_row(parts.ptr, parts.rows.shape[0]).unsqueeze(1).expand(-1, channels)
        empty = parts.rows.new_zeros(parts.ptr.numel() - 1, channels)
        return parts.results(empty.scatter_reduce(0, index, parts.rows, "amax", include_self=False))
