"""`SumPool`: the sum of nodes."""

from jaxtyping import Float, Int
from torch import Tensor

from mmgraph import ops
from mmgraph.nn.pool.readout import Readout


class SumPool(Readout):
    """Sum of the nodes of each modality, or of each graph; zeros where there is none.

    Grows with the number of nodes: what to take when counts matter, as in GIN (Xu et al. 2019, arXiv 1810.00826).

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
        >>> SumPool(graph.schema, 1)(x, graph.flat).tolist()
        [[[4.0], [8.0]]]
        >>> SumPool(graph.schema, 1, span="graph")(x, graph.flat).tolist()
        [[[12.0]]]
    """

    def pooled(
        self, rows: Float[Tensor, "nodes channels"], ptr: Int[Tensor, " runs_plus_one"]
    ) -> Float[Tensor, "runs channels"]:
        """The sum of each run."""
        return ops.segment_sum(rows, ptr)
