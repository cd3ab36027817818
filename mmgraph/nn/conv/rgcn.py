"""`RGCNConv`: relational graph convolution, with matrices of relations that may share a few bases."""

from collections.abc import Mapping
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.conv.degree import check_edge_weight, mean_weight
from mmgraph.nn.conv.layout import check_arguments, check_inputs, ends_of, one_size
from mmgraph.nn.conv.weights import RelationWeight, draw_


class RGCNConv(nn.Module):
    r"""Relational graph convolution (Schlichtkrull et al. 2018, arXiv 1703.06103): nodes of all modalities are alike.

    .. math:: x'_i = b + W x_i + \sum_r W_r \frac{1}{|N_r(i)|} \sum_{j \to_r i} w_{ij} x_j

    It equals PyG's `RGCNConv(in, out, relations, num_bases, aggr)` on the nodes of all modalities numbered through,
    with the relation's id as the type of an edge. W and b are the same for every modality; `SAGEConv` has its own for
    each. PyG's layer takes no edge weights; here they multiply what an edge brings, and a mean divides by the
    number of edges. Edge features are not read.

    Args:
        schema: modalities and relations.
        in_channels: channels of `x`, the same for every modality.
        out_channels: channels of the result.
        num_bases: bases that the relations share; None gives every relation its own matrix.
        aggr: "mean" or "sum" of the neighbours in one relation.
        root_weight: whether the node itself takes part.
        bias: whether to add a bias.

    Raises:
        ValueError: on sizes below 1, modalities with other channels, an unknown aggregation; in `forward` if features,
            edge weights or graph do not fit.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.ones(2, 3)}, {("a", "to", "a"): torch.tensor([[0], [1]])})
        >>> conv = RGCNConv(graph.schema, 3, 4, num_bases=1)
        >>> conv({"a": graph.nodes["a"].x}, graph.flat)["a"].shape
        torch.Size([2, 4])
    """

    def __init__(
        self,
        schema: GraphSchema,
        in_channels: int | Mapping[str, int],
        out_channels: int,
        *,
        num_bases: int | None = None,
        aggr: Literal["mean", "sum"] = "mean",
        root_weight: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_arguments(out_channels)
        if aggr not in ("mean", "sum"):
            raise ValueError(f"aggr is 'mean' or 'sum', got {aggr!r}")
        size = one_size(schema, in_channels, "RGCNConv has one matrix for all nodes")
        self.schema, self.aggr, self.ends = schema, aggr, ends_of(schema)
        self.in_channels, self.out_channels = (size,) * len(schema.modalities), out_channels
        self.weight = RelationWeight(len(schema.edge_types), size, out_channels, num_bases)
        self.root_weight = nn.Parameter(torch.empty(size, out_channels if root_weight else 0))
        self.bias = nn.Parameter(torch.empty(1 if bias else 0, out_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights anew (Glorot, as in PyG)."""
        self.weight.reset_parameters()
        draw_([self.root_weight], [self.bias])

    def forward(
        self,
        x: Mapping[str, Float[Tensor, "_ _"]],
        graph: FlatGraph,
        edge_weight: Float[Tensor, "edges 1"] | None = None,
    ) -> dict[str, Float[Tensor, "_ _"]]:
        """New features of every node.

        Args:
            x: node features of every modality, [nodes, channels].
            graph: the edges.
            edge_weight: w; 1 if not given.

        Returns:
            Per modality [nodes, out_channels].
        """
        check_inputs(self.schema, self.in_channels, x, graph, self.bias.dtype)
        check_edge_weight(graph, edge_weight)
        rows = [x[name] for name in self.schema.modalities]
        if self.aggr == "mean":
            edge_weight = mean_weight(graph, edge_weight, torch.promote_types(rows[0].dtype, torch.float32))
        roots, bias = [self.root_weight.T] * len(rows), [self.bias[0] if len(self.bias) else None] * len(rows)
        out = ops.relation_linear(
            rows, graph, self.ends, list(self.weight().transpose(1, 2)), self.out_channels, edge_weight=edge_weight,
            root_weights=roots, biases=bias,
        )  # fmt: skip
        return dict(zip(self.schema.modalities, out, strict=True))
