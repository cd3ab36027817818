"""Attributions from gradients: gradient times input, and integrated gradients."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.explain.attribution import Attribution
from mmgraph.explain.copies import Copies, ready, score_of
from mmgraph.explain.score import Score
from mmgraph.explain.taps import change_encodings, weigh_edges
from mmgraph.graph import GraphBatch

Baseline = Mapping[str, Float[Tensor, "_"]]
"""Per modality the encoded node that stands for nothing, as `mean_encoding` gives it."""


@dataclass(frozen=True)
class GradientInput:
    r"""Gradient times input, of nodes where they are encoded and of edges.

    A node gets :math:`\sum_c h_c \, \partial s / \partial h_c` with :math:`h` its encoding (see `change_encodings`), an
    edge :math:`\partial s / \partial w` with :math:`w = 1` the weight behind its alpha, in all layers together. It is
    one forward and one backward pass, and blind to what the model has saturated.

    Source: Simonyan et al., arXiv 1312.6034; Shrikumar et al., arXiv 1605.01713.

    Args:
        edges: whether edges get values; False for models that take edges of the data away.
        batch_size: graphs per pass.

    Raises:
        ValueError: when called, as `change_encodings` and `weigh_edges` do, or if `batch_size` is below 1.

    Example:
        >>> from mmgraph.explain import OutputScore
        >>> from mmgraph.models import GraphFusion
        >>> graphs = GraphBatch.single({"text": torch.rand(2, 3)}, {})
        >>> GradientInput()(GraphFusion(graphs.schema, 2, hidden_channels=4), graphs, OutputScore(0)).nodes.shape
        torch.Size([2])
    """

    edges: bool = True
    batch_size: int = 64

    def __call__(self, model: nn.Module, graphs: GraphBatch, score: Score) -> Attribution:
        """The attribution of nodes and, where the model has convs that take weights of edges, of edges."""
        with ready(model, graphs) as batch:
            shares = _Shares.none(batch)
            ones = torch.ones(batch.num_graphs, dtype=batch.dtype, device=batch.device)
            for copies, rows in _chunks(batch, torch.arange(batch.num_graphs, device=batch.device), self.batch_size):
                path = _Path(copies, ones[rows], {}, ones[rows] if self.edges else None)
                shares.add(copies, *path.gradients(model, score))
        return shares.attribution(
            "gradient x input", "gradient of the score times the encoded node, or the weight of the edge", graphs
        )


@dataclass(frozen=True, eq=False)
class IntegratedGradients:
    r"""Gradients along the straight way from a baseline, times the way.

    The values of a graph's nodes sum to the score less the score with all nodes at the baseline; with
    `edges=True` values of edges sum to the score less the score without any message. Both up to the error of the
    integral, for which `steps` are Gauss-Legendre points.

    Source: Sundararajan et al., "Axiomatic Attribution for Deep Networks", ICML 2017, arXiv 1703.01365.

    Args:
        steps: points on the way.
        baseline: where the way begins, see `mean_encoding`. Zeros if not given: in front of a layer norm, as in
            `GraphBlock`, the score jumps there and the integral misses the jump, so take the mean.
        edges: also walk the weights of all edges from 0 to 1; as much work again.
        batch_size: points per pass, of all graphs.

    Raises:
        ValueError: if `steps` or `batch_size` is below 1; when called, as `change_encodings` does, or if `edges` is
            asked of a model without convs that take weights.

    Example:
        >>> from mmgraph.explain import OutputScore
        >>> from mmgraph.models import GraphFusion
        >>> graphs = GraphBatch.single({"text": torch.rand(2, 3)}, {})
        >>> model = GraphFusion(graphs.schema, 2, hidden_channels=4)
        >>> IntegratedGradients(steps=8)(model, graphs, OutputScore(0)).nodes.shape
        torch.Size([2])
    """

    steps: int = 32
    baseline: Baseline | None = None
    edges: bool = False
    batch_size: int = 256

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps={self.steps} is at least 1")

    def __call__(self, model: nn.Module, graphs: GraphBatch, score: Score) -> Attribution:
        """The attribution of nodes, and of edges if asked for."""
        points, weights = np.polynomial.legendre.leggauss(self.steps)
        with ready(model, graphs) as batch:
            places = torch.as_tensor((points + 1) / 2, dtype=batch.dtype, device=batch.device)
            shares = torch.as_tensor(weights / 2, dtype=batch.dtype, device=batch.device)
            graph = torch.arange(batch.num_graphs, device=batch.device).repeat_interleave(self.steps)
            places, shares = places.repeat(batch.num_graphs), shares.repeat(batch.num_graphs)
            result = _Shares.none(batch)
            for copies, rows in _chunks(batch, graph, self.batch_size):
                nodes, _ = _Path(copies, places[rows], self.baseline or {}, None).gradients(model, score)
                edges = None
                if self.edges:
                    whole = torch.ones_like(places[rows])
                    _, edges = _Path(copies, whole, {}, places[rows]).gradients(model, score)
                    if edges is None:
                        raise ValueError(f"{type(model).__name__} has no conv that takes edge_weight: use edges=False")
                weighted = None if edges is None else edges * shares[rows][copies.edge_copy]
                result.add(copies, nodes * shares[rows][copies.node_copy], weighted)
        return result.attribution(
            "integrated gradients", "share in the score's way from the baseline; values of a graph sum to it", graphs
        )


@dataclass(frozen=True, eq=False)
class _Path:
    """Where on the way from the baseline every copy stands, with its nodes and with its edges."""

    copies: Copies
    node_place: Tensor  # [copies]: 0 at the baseline, 1 at the graph
    baseline: Baseline
    edge_place: Tensor | None  # [copies]: the weight of all edges; None leaves edges alone

    def gradients(self, model: nn.Module, score: Score) -> tuple[Tensor, Tensor | None]:
        """Per node the gradient times the way from the baseline, per edge the gradient."""
        batch = self.copies.batch
        place = dict(zip(batch.nodes, self.node_place[self.copies.node_copy].split(batch.flat.num_nodes), strict=True))
        leaves: dict[str, Tensor] = {}
        ways: dict[str, Tensor] = {}

        def change(name: str, encoded: Tensor) -> Tensor:
            encoded = encoded.detach()
            base = self.baseline.get(name, torch.zeros((), dtype=encoded.dtype)).to(encoded)
            ways[name] = encoded - base
            leaves[name] = (base + place[name].unsqueeze(1) * ways[name]).requires_grad_()
            return leaves[name]

        convs: list[str] = []
        weight = torch.zeros(0, 1, dtype=batch.dtype, device=batch.device)
        with ExitStack() as taps:
            taps.enter_context(torch.enable_grad())
            taps.enter_context(change_encodings(model, batch, change))
            if self.edge_place is not None:
                weight = self.edge_place[self.copies.edge_copy].unsqueeze(1)
                convs = taps.enter_context(weigh_edges(model, batch, weight.requires_grad_()))
            total = score_of(score, model(batch), self.copies.graph).sum()
        names = list(leaves)
        weight.requires_grad_()
        *grads, edges = torch.autograd.grad(total, [*leaves.values(), weight], allow_unused=True)
        found = dict(zip(names, grads, strict=True))
        parts = [
            torch.zeros(nodes.num_nodes, dtype=batch.dtype, device=batch.device)
            if found.get(name) is None
            else (found[name] * ways[name]).sum(1)
            for name, nodes in batch.nodes.items()
        ]
        if not convs:
            return torch.cat(parts), None
        return torch.cat(parts), torch.zeros_like(weight[:, 0]) if edges is None else edges.squeeze(1)


@dataclass(eq=False)
class _Shares:
    """Sums over copies, per node and edge of the graphs."""

    nodes: Tensor
    edges: Tensor | None

    @classmethod
    def none(cls, batch: GraphBatch) -> "_Shares":
        zeros = torch.zeros(batch.num_nodes + batch.num_edges, dtype=batch.dtype, device=batch.device)
        nodes, edges = zeros.split([batch.num_nodes, batch.num_edges])
        return cls(nodes, edges)

    def add(self, copies: Copies, nodes: Tensor, edges: Tensor | None) -> None:
        self.nodes.index_add_(0, copies.node, nodes.detach())
        if edges is None:
            self.edges = None
        elif self.edges is not None:
            self.edges.index_add_(0, copies.edge, edges.detach())

    def attribution(self, method: str, meaning: str, graphs: GraphBatch) -> Attribution:
        edges = None if self.edges is None else self.edges.to(graphs.device)
        return Attribution(method, meaning, graphs, nodes=self.nodes.to(graphs.device), edges=edges)


def _chunks(batch: GraphBatch, graph: Tensor, batch_size: int) -> Iterator[tuple[Copies, slice]]:
    if batch_size < 1:
        raise ValueError(f"{batch_size=} is at least 1")
    bounds = [*range(0, graph.numel(), batch_size), graph.numel()]
    for start, stop in pairwise(bounds):
        yield Copies.of(batch, graph[start:stop]), slice(start, stop)
