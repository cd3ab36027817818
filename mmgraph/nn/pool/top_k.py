"""`TopKPool`: keeps the nodes of each modality in a graph that a learned direction scores highest."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.pool.coarsened import Coarsened, Ratio, check_coarsening, gated, room_of, segment_of_nodes
from mmgraph.nn.pool.runs import all_rows
from mmgraph.nn.ranking import highest


class TopKPool(nn.Module):
    r"""Top-k pooling (Gao & Ji 2019, arXiv 1905.05178; Cangea et al. 2018, arXiv 1811.01287), by modality.

    .. math:: y_i = \tanh(p_m \cdot x_i / \Vert p_m \Vert), \quad x'_i = y_i \, x_i \text{ for the highest } y_i

    Equal to PyG's `TopKPooling` on graphs of one modality, but kept nodes stay in their order, and 1.0 keeps all nodes
    rather than one. Edges between kept nodes stay, with features and weights.

    Args:
        schema: names the modalities.
        channels: channels of the nodes.
        ratio: share of the nodes of a modality in a graph that stays, rounded up (a float), or their number (an int).

    Raises:
        ValueError: if there are no channels, or the ratio keeps no node.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.rand(4, 3), "b": torch.rand(1, 3)},
        ...                           {("a", "to", "b"): torch.tensor([[0, 1, 2, 3], [0, 0, 0, 0]])})
        >>> pooled = TopKPool(graph.schema, 3, 0.5)({name: nodes.x for name, nodes in graph.nodes.items()}, graph.flat)
        >>> pooled.graph.num_nodes, pooled.graph.src.tolist()
        ((2, 1), [0, 1])
    """

    def __init__(self, schema: GraphSchema, channels: int, ratio: Ratio = 0.5) -> None:
        super().__init__()
        check_coarsening(schema, channels, ratio)
        self.modalities, self.ratio = tuple(schema.modalities), ratio
        self.weight = nn.Parameter(torch.empty(len(self.modalities), channels))
        nn.init.uniform_(self.weight, -(channels**-0.5), channels**-0.5)

    def forward(
        self,
        x: Mapping[str, Float[Tensor, "_ channels"]],
        graph: FlatGraph,
        edge_weight: Float[Tensor, "edges 1"] | None = None,
    ) -> Coarsened:
        """The nodes that stay."""
        direction = nn.functional.normalize(self.weight)
        gate = torch.cat([x[name] @ direction[m] for m, name in enumerate(self.modalities)]).tanh()
        kept = highest(gate, segment_of_nodes(graph), room_of(graph, self.ratio))
        return gated(self.modalities, all_rows(self.modalities, x), gate, kept, graph, edge_weight)
