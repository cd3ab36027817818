"""`SAGEConv`: the mean, sum or largest value of neighbours, and the node itself, each with its own matrix."""

from collections.abc import Mapping
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.conv.degree import check_edge_weight, mean_weight
from mmgraph.nn.conv.largest import largest
from mmgraph.nn.conv.layout import channels_of, check_arguments, check_inputs, ends_of, relation_weights
from mmgraph.nn.conv.weights import draw_

Aggregation = Literal["mean", "sum", "max"]
"""What becomes of the features of several neighbours."""


class SAGEConv(nn.Module):
    r"""GraphSAGE (Hamilton et al. 2017, arXiv 1706.02216) over typed edges, one matrix per relation.

    .. math:: x'_i = b + W x_i + \sum_r W_r \, aggr_{j \to_r i} (w_{ij} x_j)

    It equals PyG's `HeteroConv({r: SAGEConv((in, in), out, aggr)}, "sum")`, and with edge weights the same of
    `GraphConv((in, in), out, aggr)`; a mean divides by the number of edges, not by their weights. PyG's root
    matrices and biases of the relations into a modality are one here: their sum. A node that no edge enters gets
    `b + W x`, a modality without relations too. Edge features are not read.

    Args:
        schema: modalities and relations.
        in_channels: channels of `x`, one number or one per modality.
        out_channels: channels of the result.
        aggr: "mean", "sum" or "max" of the neighbours in one relation.
        root_weight: whether the node itself takes part.
        bias: whether to add a bias per modality.

    Raises:
        ValueError: on sizes below 1, an unknown aggregation, a modality without channels; in `forward` if features,
            edge weights or graph do not fit.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.ones(2, 3)}, {("a", "to", "a"): torch.tensor([[0], [1]])})
        >>> conv = SAGEConv(graph.schema, 3, 4, aggr="max")
        >>> conv({"a": graph.nodes["a"].x}, graph.flat)["a"].shape
        torch.Size([2, 4])
    """

    def __init__(
        self,
        schema: GraphSchema,
        in_channels: int | Mapping[str, int],
        out_channels: int,
        *,
        aggr: Aggregation = "mean",
        root_weight: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_arguments(out_channels)
        if aggr not in get_args(Aggregation):
            raise ValueError(f"aggr is 'mean', 'sum' or 'max', got {aggr!r}")
        self.schema, self.aggr = schema, aggr
        self.in_channels, self.out_channels = channels_of(schema, in_channels), out_channels
        self.ends = ends_of(schema)
        _, widths = self.ends.columns(self.in_channels)
        self.weight = nn.ParameterList(torch.empty(out_channels, width) for width in widths)
        self.root_weight = nn.ParameterList(
            torch.empty(out_channels if root_weight else 0, size) for size in self.in_channels
        )
        self.bias = nn.Parameter(torch.empty(len(widths) if bias else 0, out_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights anew (Glorot)."""
        weights = relation_weights(self.ends, self.in_channels, list(self.weight))
        draw_([*weights, *self.root_weight], [self.bias])

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
            edge_weight: w; 1 if not given. With "max" they make a row of features per edge.

        Returns:
            Per modality [nodes, out_channels].
        """
        check_inputs(self.schema, self.in_channels, x, graph, self.bias.dtype)
        rows = [x[name] for name in self.schema.modalities]
        check_edge_weight(graph, edge_weight)
        bias = list(self.bias) if len(self.bias) else [None] * len(rows)
        if self.aggr == "max":
            neighbours = largest(rows, graph, self.ends, edge_weight)
            parts = zip(rows, neighbours, self.weight, self.root_weight, bias, strict=True)
            out = [mix(*part) for part in parts]
        else:
            if self.aggr == "mean":
                edge_weight = mean_weight(graph, edge_weight, torch.promote_types(rows[0].dtype, torch.float32))
            out = ops.relation_linear(
                rows, graph, self.ends, relation_weights(self.ends, self.in_channels, list(self.weight)),
                self.out_channels, edge_weight=edge_weight, root_weights=list(self.root_weight), biases=bias,
            )  # fmt: skip
        return dict(zip(self.schema.modalities, out, strict=True))


def mix(
    own: Float[Tensor, "nodes _"],
    neighbours: Float[Tensor, "nodes _"],
    weight: Float[Tensor, "out_channels _"],
    root_weight: Float[Tensor, "rows _"],
    bias: Float[Tensor, " out_channels"] | None,
) -> Float[Tensor, "nodes out_channels"]:
    """The node and its neighbours, each times its matrix; the node is left out if `root_weight` has no rows."""
    if not len(root_weight):
        return ops.linear(neighbours, weight, bias)
    return ops.linear_sum([neighbours, own], [weight, root_weight], bias)
