"""`GCN2Conv`: graph convolution for deep networks, in which no layer forgets the first one's features."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.conv.degree import normalise
from mmgraph.nn.conv.layout import check_arguments, check_inputs, one_size, split
from mmgraph.nn.conv.weights import draw_


class GCN2Conv(nn.Module):
    r"""GCNII (Chen et al. 2020, arXiv 2007.02133) over all edges alike: neither modalities nor relations have weights.

    .. math:: X' = ((1 - \alpha) P X + \alpha X^{(0)}) ((1 - \beta) I + \beta W), \quad
        P = D^{-1/2} (A + I) D^{-1/2}

    It equals PyG's `GCN2Conv(channels, alpha, theta, layer)` on the nodes of all modalities numbered through, edge
    weights and self loops included, with `beta = log(theta / layer + 1)`; so it is in MMGCN (arXiv 2107.06779), which
    weighs edges by the similarity of their ends. Edge features are not read.

    Args:
        schema: modalities and relations.
        in_channels: channels of `x`, the same for every modality.
        out_channels: the same number again.
        alpha: share of the first layer's features.
        beta: share of the matrix W; the paper lets it fall with depth, `log(theta / layer + 1)`.
        shared_weights: one matrix for both terms, or one for each (GCNII*).
        self_loops: whether nodes count among their own neighbours, without edges; an edge from a node to itself is not
            counted twice.

    Raises:
        ValueError: on sizes below 1 or that differ, alpha or beta outside 0..1; in `forward` if features, edge weights
            or graph do not fit.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.ones(2, 3)}, {("a", "to", "a"): torch.tensor([[0], [1]])})
        >>> first = {"a": graph.nodes["a"].x}
        >>> conv = GCN2Conv(graph.schema, 3, 3, beta=0.4)
        >>> conv(conv(first, graph.flat), graph.flat, initial=first)["a"].shape
        torch.Size([2, 3])
    """

    within: Tensor

    def __init__(
        self,
        schema: GraphSchema,
        in_channels: int | Mapping[str, int],
        out_channels: int,
        *,
        alpha: float = 0.1,
        beta: float = 1.0,
        shared_weights: bool = True,
        self_loops: bool = True,
    ) -> None:
        super().__init__()
        check_arguments(out_channels)
        size = one_size(schema, in_channels, "GCN2Conv has one matrix for all nodes")
        if size != out_channels:
            raise ValueError(f"GCN2Conv gives as many channels as it takes, got in_channels={size}, {out_channels=}")
        if not (0 <= alpha <= 1 and 0 <= beta <= 1):
            raise ValueError(f"alpha and beta are shares between 0 and 1, got {alpha=}, {beta=}")
        self.schema, self.alpha, self.beta, self.self_loops = schema, alpha, beta, self_loops
        self.in_channels, self.out_channels = (size,) * len(schema.modalities), out_channels
        self.weight = nn.Parameter(torch.empty(1 if shared_weights else 2, size, size))
        self.register_buffer("within", torch.ones(1, dtype=torch.bool), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights anew (Glorot, as in PyG)."""
        draw_([self.weight])

    def forward(
        self,
        x: Mapping[str, Float[Tensor, "_ _"]],
        graph: FlatGraph,
        edge_weight: Float[Tensor, "edges 1"] | None = None,
        initial: Mapping[str, Float[Tensor, "_ _"]] | None = None,
    ) -> dict[str, Float[Tensor, "_ _"]]:
        """New features of every node.

        Args:
            x: node features of every modality, [nodes, channels].
            graph: the edges.
            edge_weight: of every edge, not negative; 1 if not given.
            initial: features that the first layer was given, of the same form; `x` if not given.

        Returns:
            Per modality [nodes, channels].
        """
        dtype = self.weight.dtype
        check_inputs(self.schema, self.in_channels, x, graph, dtype)
        if initial is not None:
            check_inputs(self.schema, self.in_channels, initial, graph, dtype)
        rows = torch.cat([x[name] for name in self.schema.modalities])
        first = rows if initial is None else torch.cat([initial[name] for name in self.schema.modalities])
        own, first = (1 - self.alpha) * self._propagate(rows, graph, edge_weight), self.alpha * first
        if len(self.weight) == 1:
            out = self._transform(own + first, self.weight[0])
        else:
            out = self._transform(own, self.weight[0]) + self._transform(first, self.weight[1])
        return split(self.schema, out, graph)

    def _propagate(self, rows: Tensor, graph: FlatGraph, edge_weight: Tensor | None) -> Tensor:
        """P times the features, on the graph that has one modality and one relation."""
        features = (None,)
        alike = graph._replace(
            num_nodes=(rows.shape[0],), relation=torch.zeros_like(graph.relation), feature_edges=features,
            features=features,
        )  # fmt: skip
        dtype = torch.promote_types(rows.dtype, torch.float32)
        weights = normalise(alike, edge_weight, dtype, within=self.within, norm="symmetric", self_loops=self.self_loops)
        (out,) = ops.relation_sum([rows], alike, ops.Ends(((0, 0),)), edge_weight=weights.edge)
        return torch.addcmul(out, rows, weights.own.to(rows.dtype)) if self.self_loops else out

    def _transform(self, rows: Tensor, weight: Tensor) -> Tensor:
        return (1 - self.beta) * rows + self.beta * (rows @ weight)
