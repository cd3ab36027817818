"""`GCNConv`: graph convolution with fixed weights that even out degrees, and its own matrix for every relation."""

from collections.abc import Mapping
from typing import get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.conv.degree import Norm, normalise
from mmgraph.nn.conv.layout import channels_of, check_arguments, check_inputs, ends_of, relation_weights
from mmgraph.nn.conv.weights import draw_


class GCNConv(nn.Module):
    r"""Graph convolution (Kipf & Welling 2017, arXiv 1609.02907) over typed edges, one matrix per relation.

    .. math:: x'_i = b + \sum_r W_r \sum_{j \to_r i} \frac{w_{ij}}{\sqrt{d_j d_i}} x_j \text{ ("symmetric")}, \quad
        x'_i = b + \sum_r W_r \sum_{j \to_r i} \frac{w_{ij}}{d_i} x_j \text{ ("mean")}

    Degrees d are sums of edge weights of the relation. Within a modality it equals PyG's
    `HeteroConv({r: GCNConv(in, out)}, "sum")`, edge weights and self loops included; d_j then counts the edges *into*
    j, as in PyG. PyG has no such layer across modalities: there d_j counts the edges out of j, and there are no self
    loops. With "mean", without loops and edge weights, it equals `HeteroConv` of `SAGEConv((in, in), out,
    root_weight=False)`. PyG's biases of the relations into a modality are one here: their sum. A node that no edge
    enters, and that has no loop, gets the bias. Edge features are not read.

    Args:
        schema: modalities and relations.
        in_channels: channels of `x`, one number or one per modality.
        out_channels: channels of the result.
        norm: what sums are divided by.
        self_loops: whether nodes count among their own neighbours in the relations within their modality. No edge is
            added for it, and a loop that is there already is not counted twice.
        bias: whether to add a bias per modality.

    Raises:
        ValueError: on sizes below 1, an unknown norm, a modality without channels; in `forward` if features, edge
            weights or graph do not fit.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.ones(2, 3)}, {("a", "to", "a"): torch.tensor([[0], [1]])})
        >>> conv = GCNConv(graph.schema, 3, 4, norm="mean")
        >>> conv({"a": graph.nodes["a"].x}, graph.flat)["a"].shape
        torch.Size([2, 4])
    """

    within: Tensor

    def __init__(
        self,
        schema: GraphSchema,
        in_channels: int | Mapping[str, int],
        out_channels: int,
        *,
        norm: Norm = "symmetric",
        self_loops: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_arguments(out_channels)
        if norm not in get_args(Norm):
            raise ValueError(f"norm is 'symmetric' or 'mean', got {norm!r}")
        self.schema, self.norm, self.self_loops = schema, norm, self_loops
        self.in_channels, self.out_channels = channels_of(schema, in_channels), out_channels
        self.ends = ends_of(schema)
        self.first_column, widths = self.ends.columns(self.in_channels)
        within = torch.tensor([src == dst for src, dst in self.ends.pairs] or [False])
        self.register_buffer("within", within, persistent=False)
        self.weight = nn.ParameterList(torch.empty(out_channels, width) for width in widths)
        self.bias = nn.Parameter(torch.empty(len(widths) if bias else 0, out_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights anew (Glorot, as in PyG)."""
        draw_(relation_weights(self.ends, self.in_channels, list(self.weight)), [self.bias])

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
            edge_weight: w, not negative; 1 if not given.

        Returns:
            Per modality [nodes, out_channels].
        """
        check_inputs(self.schema, self.in_channels, x, graph, self.bias.dtype)
        rows = [x[name] for name in self.schema.modalities]
        dtype = torch.promote_types(rows[0].dtype, torch.float32)
        weights = normalise(graph, edge_weight, dtype, within=self.within, norm=self.norm, self_loops=self.self_loops)
        sums = ops.relation_sum(rows, graph, self.ends, edge_weight=weights.edge)
        if self.self_loops:
            self._add_own(sums, rows, weights.own.split(graph.num_nodes))
        bias = self.bias if len(self.bias) else [None] * len(rows)
        return {name: ops.linear(sums[m], self.weight[m], bias[m]) for m, name in enumerate(self.schema.modalities)}

    def _add_own(self, sums: list[Tensor], rows: list[Tensor], own: tuple[Tensor, ...]) -> None:
        """Adds to the sums what self loops bring, in place."""
        for r, ((src, dst), at) in enumerate(zip(self.ends.pairs, self.first_column, strict=True)):
            if src == dst:
                block = sums[dst][:, at : at + rows[dst].shape[1]]
                block.addcmul_(rows[dst], own[dst][:, r : r + 1].to(block.dtype))
