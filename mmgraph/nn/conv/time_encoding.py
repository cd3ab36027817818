"""`RelativeTime`: what the time between the two ends of an edge adds to the source's features."""

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.conv.weights import draw_

FEATURE = "time_difference"
"""Edge feature that holds the seconds from the destination to the source, as `relations.Measured` gives it."""


class RelativeTime(nn.Module):
    r"""Relative temporal encoding of HGT (Hu et al. 2020, arXiv 2003.01332, equations 6-8), for the edges with times.

    .. math:: T_m \, base(t_i - t_j), \quad base(t) = [\sin(t \omega_k), \cos(t \omega_k)]_k, \quad
        \omega_k = 10000^{-2k / channels} / unit

    It is linear behind the sinusoids, so it joins keys and values as a row of each edge, without a row of the source's
    features per edge. There is a matrix per source modality, since these may have other sizes, and no bias: those of
    keys and values do the same.

    Args:
        schema: modalities and relations, some of them with the edge feature `time_difference`.
        in_channels: features of every modality.
        channels: sinusoids, an even number.
        unit: seconds that count as 1.

    Raises:
        ValueError: if channels are odd or below 2, the unit is not positive, or no relation has times.

    Example:
        >>> schema = GraphSchema({"a": 3}, {("a", "to", "a"): ("time_difference",)})
        >>> [weight.shape for weight in RelativeTime(schema, [3], 8, 0.01).parameters()]
        [torch.Size([3, 8])]
    """

    frequencies: Tensor

    def __init__(self, schema: GraphSchema, in_channels: Sequence[int], channels: int, unit: float) -> None:
        super().__init__()
        if channels < 2 or channels % 2:
            raise ValueError(f"time_channels are a sine and a cosine each, an even number from 2, got {channels}")
        if unit <= 0:
            raise ValueError(f"time_unit is a number of seconds above 0, got {unit}")
        names = [(r, schema.edge_features(relation)) for r, relation in enumerate(schema.edge_types)]
        self.column = {r: features.index(FEATURE) for r, features in names if FEATURE in features}
        if not self.column:
            raise ValueError(
                f"no relation has the edge feature {FEATURE!r}: make it with Measured(rule, [{FEATURE!r}]), or leave "
                "time_channels out"
            )
        self.source = {r: schema.modality_id(schema.edge_types[r][0]) for r in self.column}
        exponents = torch.arange(0, channels, 2, dtype=torch.float64) / channels
        self.register_buffer("frequencies", torch.exp(-math.log(10000) * exponents) / unit, persistent=False)
        sizes = [size if m in self.source.values() else 0 for m, size in enumerate(in_channels)]
        self.weight = nn.ParameterList(torch.empty(size, channels if size else 0) for size in sizes)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights anew (Glorot)."""
        draw_(self.weight)

    def forward(self, graph: FlatGraph, weights: Mapping[int, Float[Tensor, "width _"]]) -> dict[int, Tensor]:
        """Per relation with times, what joins keys and values, [edges of the relation, width].

        Args:
            graph: the edges.
            weights: per relation, the matrix from the source's features to keys and values.
        """
        rows = {}
        for r, column in self.column.items():
            features = graph.features[r]
            if features is not None:
                folded = weights[r] @ self.weight[self.source[r]]  # [width, channels]
                rows[r] = self.base(-features[:, column]) @ folded.T
        return rows

    def base(self, seconds: Float[Tensor, " edges"]) -> Float[Tensor, "edges channels"]:
        """The sinusoids of a time difference."""
        angles = seconds.unsqueeze(1) * self.frequencies.to(seconds.dtype)
        return torch.cat([angles.sin(), angles.cos()], 1)
