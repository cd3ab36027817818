"""`MaxRelativeConv`: in every channel, how far the neighbours rise above the node."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.conv.degree import check_edge_weight
from mmgraph.nn.conv.largest import largest
from mmgraph.nn.conv.layout import check_arguments, check_inputs, ends_of, one_size
from mmgraph.nn.conv.sage import mix
from mmgraph.nn.conv.weights import draw_


class MaxRelativeConv(nn.Module):
    r"""Max-relative convolution (Li et al. 2019, arXiv 1910.06849) over typed edges, one matrix per relation.

    .. math:: x'_i = b + W x_i + \sum_r W_r \max_{j \to_r i} w_{ij} (x_j - x_i)

    The maximum is taken in every channel for itself; a relation that does not enter a node brings zeros. It is
    the graph layer of ViG (Han et al. 2022, arXiv 2206.00272): with one relation, W and W_r are the two halves of
    ViG's matrix over `[x_i, max]`; its groups, norm and GELU are not part of the conv. PyG has no such layer. Edge
    features are not read.

    Args:
        schema: modalities and relations.
        in_channels: channels of `x`, the same for every modality: they are subtracted.
        out_channels: channels of the result.
        bias: whether to add a bias per modality.

    Raises:
        ValueError: on sizes below 1, modalities with other channels; in `forward` if features, edge weights or
            graph do not fit.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.ones(2, 3)}, {("a", "to", "a"): torch.tensor([[0], [1]])})
        >>> conv = MaxRelativeConv(graph.schema, 3, 4)
        >>> conv({"a": graph.nodes["a"].x}, graph.flat)["a"].shape
        torch.Size([2, 4])
    """

    def __init__(
        self,
        schema: GraphSchema,
        in_channels: int | Mapping[str, int],
        out_channels: int,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_arguments(out_channels)
        size = one_size(schema, in_channels, "MaxRelativeConv subtracts the features of both ends")
        self.schema, self.ends = schema, ends_of(schema)
        self.in_channels, self.out_channels = (size,) * len(schema.modalities), out_channels
        counts = [len(schema.into(name)) for name in schema.modalities]
        self.weight = nn.ParameterList(torch.empty(count, out_channels, size) for count in counts)
        self.root_weight = nn.Parameter(torch.empty(len(counts), out_channels, size))
        self.bias = nn.Parameter(torch.empty(len(counts) if bias else 0, out_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights anew (Glorot)."""
        draw_([*self.weight, self.root_weight], [self.bias])

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
            edge_weight: w; 1 if not given. Weights make a row of features per edge.

        Returns:
            Per modality [nodes, out_channels].
        """
        check_inputs(self.schema, self.in_channels, x, graph, self.bias.dtype)
        rows = [x[name] for name in self.schema.modalities]
        check_edge_weight(graph, edge_weight)
        neighbours = largest(rows, graph, self.ends, edge_weight, relative=True)
        weights = [weight.transpose(0, 1).flatten(1) for weight in self.weight]  # [out_channels, relations x channels]
        bias = self.bias if len(self.bias) else [None] * len(rows)
        parts = zip(rows, neighbours, weights, self.root_weight, bias, strict=True)
        return dict(zip(self.schema.modalities, (mix(*part) for part in parts), strict=True))
