"""`LearnedMasks`: the smallest part of each graph that keeps the score, found by gradient descent."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.explain.attribution import Attribution
from mmgraph.explain.copies import Copies, ready, score_of
from mmgraph.explain.gradients import Baseline
from mmgraph.explain.score import Score
from mmgraph.explain.taps import change_encodings, weigh_edges
from mmgraph.graph import GraphBatch


@dataclass(frozen=True, eq=False)
class LearnedMasks:
    r"""Masks in 0..1 over nodes and edges, learned for each graph so that what they keep gives the same score.

    A node's encoding (see `change_encodings`) moves to the baseline as its mask goes to 0, an edge's message vanishes.
    For each graph on its own, but all at once, Adam lowers

    .. math:: ((s - \hat s) / (s - s_0))^2 + \sum_{k} (\lambda \, \bar m_k + \eta \, \bar H(m_k))

    with :math:`\hat s` the score under the masks, :math:`s_0` with everything masked, :math:`\bar m` the mean of the
    masks of nodes or of edges, and :math:`\bar H` their mean entropy. Dividing by the whole effect makes the same
    settings do for log odds, a regression value or a similarity. Unlike occlusion it finds parts that matter together.

    Source: after Ying et al., "GNNExplainer", NeurIPS 2019, arXiv 1903.03894, which learns masks of edges and of
    feature channels for one class.

    Args:
        steps: of Adam.
        learning_rate: of Adam, on the masks' logits.
        size: :math:`\lambda`, the price of keeping everything.
        entropy: :math:`\eta`, the price of masks that are neither 0 nor 1.
        nodes: whether nodes are masked.
        edges: whether edges are masked.
        baseline: what masked nodes turn into, see `mean_encoding`; zeros if not given.
        batch_size: graphs at a time.

    Raises:
        ValueError: if `steps` or `batch_size` is below 1 or there is nothing to mask; when called, as
            `change_encodings` does, or if edges are to be masked in a model without convs that take weights.

    Example:
        >>> from mmgraph import ops
        >>> from mmgraph.explain import OutputScore
        >>> from mmgraph.models import GraphFusion
        >>> graphs = GraphBatch.single({"a": torch.rand(2, 3)}, {("a", "to", "a"): torch.tensor([[0, 1], [1, 0]])})
        >>> model = GraphFusion(graphs.schema, 2, hidden_channels=4)
        >>> with ops.backend("reference"):
        ...     found = LearnedMasks(steps=2)(model, graphs, OutputScore(0))
        >>> bool((found.nodes > 0).all()), bool((found.edges < 1).all())
        (True, True)
    """

    steps: int = 100
    learning_rate: float = 0.1
    size: float = 0.2
    entropy: float = 0.1
    nodes: bool = True
    edges: bool = True
    baseline: Baseline | None = None
    batch_size: int = 64

    def __post_init__(self) -> None:
        if min(self.steps, self.batch_size) < 1 or not (self.nodes or self.edges):
            raise ValueError(f"steps and batch_size are at least 1, and nodes or edges are masked, got {self}")

    def __call__(self, model: nn.Module, graphs: GraphBatch, score: Score) -> Attribution:
        """The masks, as attribution of nodes and edges."""
        with ready(model, graphs) as batch:
            nodes = torch.zeros(batch.num_nodes, dtype=batch.dtype, device=batch.device)
            edges = torch.zeros(batch.num_edges, dtype=batch.dtype, device=batch.device)
            for start in range(0, batch.num_graphs, self.batch_size):
                stop = min(start + self.batch_size, batch.num_graphs)
                copies = Copies.of(batch, torch.arange(start, stop, device=batch.device))
                nodes[copies.node], edges[copies.edge] = self._learn(model, copies, score)
        return Attribution(
            "learned masks",
            "how much of the node or edge is kept, 0..1, in the smallest part that keeps the score",
            graphs,
            nodes=nodes.to(graphs.device) if self.nodes else None,
            edges=edges.to(graphs.device) if self.edges else None,
        )

    def _learn(self, model: nn.Module, copies: Copies, score: Score) -> tuple[Tensor, Tensor]:
        def masked_score(nodes: Tensor, edges: Tensor) -> Tensor:
            return self._masked_score(model, copies, score, nodes, edges)

        batch = copies.batch
        sizes = (batch.num_nodes if self.nodes else 0, batch.num_edges if self.edges else 0)
        logits = [torch.zeros(n, dtype=batch.dtype, device=batch.device, requires_grad=True) for n in sizes]
        with torch.no_grad():
            whole = masked_score(*(torch.ones_like(part) for part in logits))
            effect = whole - masked_score(*(torch.zeros_like(part) for part in logits))
            effect = effect.abs().clamp_min(torch.finfo(batch.dtype).eps)
        optimizer = torch.optim.Adam(logits, lr=self.learning_rate)
        with torch.enable_grad():
            for _ in range(self.steps):
                masks = [part.sigmoid() for part in logits]
                lost = ((masked_score(*masks) - whole) / effect).square().sum()
                loss = lost + self._price(masks[0], copies.node_copy) + self._price(masks[1], copies.edge_copy)
                gradients = torch.autograd.grad(loss, logits)  # of the masks only: the model's own stay as they are
                for part, gradient in zip(logits, gradients, strict=True):
                    part.grad = gradient
                optimizer.step()
        nodes, edges = (part.detach().sigmoid() for part in logits)
        whole_nodes, whole_edges = nodes.new_ones(batch.num_nodes), edges.new_ones(batch.num_edges)
        return nodes if self.nodes else whole_nodes, edges if self.edges else whole_edges

    def _price(self, mask: Tensor, copy: Tensor) -> Tensor:
        """Mean price of the masks of each graph, summed over graphs."""
        if not mask.numel():
            return mask.sum()
        share = 1 / torch.bincount(copy).to(mask)[copy]
        entropy = nn.functional.binary_cross_entropy(mask, mask, reduction="none")
        return (share * (self.size * mask + self.entropy * entropy)).sum()

    def _masked_score(
        self, model: nn.Module, copies: Copies, score: Score, nodes: Tensor, edges: Tensor
    ) -> Float[Tensor, " copies"]:
        batch = copies.batch
        convs: list[str] = []
        with ExitStack() as taps:
            if self.nodes:
                taps.enter_context(change_encodings(model, batch, self._change(batch, nodes)))
            if self.edges:
                convs = taps.enter_context(weigh_edges(model, batch, edges.unsqueeze(1)))
            values = score_of(score, model(batch), copies.graph)
        if self.edges and not convs:
            raise ValueError(f"{type(model).__name__} has no conv that takes edge_weight: use edges=False")
        return values

    def _change(self, batch: GraphBatch, nodes: Tensor) -> Callable[[str, Tensor], Tensor]:
        masks = dict(zip(batch.nodes, nodes.split(batch.flat.num_nodes), strict=True))
        baseline = self.baseline or {}

        def change(name: str, encoded: Tensor) -> Tensor:
            base = baseline.get(name, torch.zeros((), dtype=encoded.dtype)).to(encoded)
            return base + masks[name].unsqueeze(1) * (encoded - base)

        return change
