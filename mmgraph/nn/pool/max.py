"""`MaxPool`: the largest value of nodes in every channel."""

from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph.ragged import segment_of_row
from mmgraph.nn.pool.readout import Readout


class MaxPool(Readout):
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

    def pooled(
        self, rows: Float[Tensor, "nodes channels"], ptr: Int[Tensor, " runs_plus_one"]
    ) -> Float[Tensor, "runs channels"]:
        """The largest values of each run."""
        index = segment_of_row(ptr, rows.shape[0]).unsqueeze(1).expand_as(rows)
        empty = rows.new_zeros(ptr.numel() - 1, rows.shape[1])
        return empty.scatter_reduce(0, index, rows, "amax", include_self=False)
