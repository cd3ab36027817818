"""`SAGPool`: keeps the nodes that a conv scores highest, so that neighbours have a say."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.conv import GATConv
from mmgraph.nn.pool.coarsened import Coarsened, Ratio, check_coarsening, gated, room_of, segment_of_nodes
from mmgraph.nn.pool.runs import all_rows
from mmgraph.nn.ranking import highest


class SAGPool(nn.Module):
    r"""Self-attention graph pooling (Lee et al. 2019, arXiv 1904.08082): the scores are those of a conv.

    .. math:: y_i = \tanh(conv(x)_i + p_m \cdot x_i), \quad x'_i = y_i \, x_i \text{ for the highest } y_i

    The conv reads all relations, so an image region may stay because a word speaks of it. Its second term, which is not
    in the paper for every conv, scores nodes that no edge enters; with PyG's `GraphConv` it is a part of the conv, and
    `SAGPooling` of PyG is the same. Kept nodes stay in their order. Edges between them stay, with features and weights.

    Args:
        schema: names modalities and relations.
        channels: channels of the nodes.
        ratio: share of the nodes of a modality in a graph that stays, rounded up (a float), or their number (an int).
        conv: a class that is made as `conv(schema, channels, 1)` and gives each node one channel.

    Raises:
        ValueError: if there are no channels, or the ratio keeps no node.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.rand(4, 3), "b": torch.rand(1, 3)},
        ...                           {("a", "to", "b"): torch.tensor([[0, 1, 2, 3], [0, 0, 0, 0]])})
        >>> pooled = SAGPool(graph.schema, 3, 2)({name: nodes.x for name, nodes in graph.nodes.items()}, graph.flat)
        >>> pooled.graph.num_nodes
        (2, 1)
    """

    def __init__(
        self, schema: GraphSchema, channels: int, ratio: Ratio = 0.5, *, conv: type[nn.Module] = GATConv
    ) -> None:
        super().__init__()
        check_coarsening(schema, channels, ratio)
        self.modalities, self.ratio = tuple(schema.modalities), ratio
        self.conv = conv(schema, channels, 1)
        self.own = nn.Parameter(torch.empty(len(self.modalities), channels))
        nn.init.uniform_(self.own, -(channels**-0.5), channels**-0.5)

    def forward(
        self,
        x: Mapping[str, Float[Tensor, "_ channels"]],
        graph: FlatGraph,
        edge_weight: Float[Tensor, "edges 1"] | None = None,
    ) -> Coarsened:
        """The nodes that stay."""
        heard = self.conv(x, graph, edge_weight)
        scores = [heard[name].squeeze(1) + x[name] @ self.own[m] for m, name in enumerate(self.modalities)]
        gate = torch.cat(scores).tanh()
        kept = highest(gate, segment_of_nodes(graph), room_of(graph, self.ratio))
        return gated(self.modalities, all_rows(self.modalities, x), gate, kept, graph, edge_weight)
