"""Shapley values of modalities."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mmgraph.explain.attribution import Attribution
from mmgraph.explain.copies import Copies, copy_scores, ready
from mmgraph.explain.fill import Fill, Removed
from mmgraph.explain.occlusion import modality_of
from mmgraph.explain.score import Score
from mmgraph.graph import GraphBatch

MOST = 12


@dataclass(frozen=True, eq=False)
class ModalityShapley:
    r"""The fair share of every modality in the score: exact Shapley values over all :math:`2^M` sets of modalities.

    .. math:: \phi_m = \sum_{S \not\ni m} \frac{|S|! \, (M - |S| - 1)!}{M!} \, (s(S \cup m) - s(S))

    The values of a graph sum to its score less the score without any modality; a modality that the graph lacks gets
    exactly 0. What a model says without a modality that it has always seen in training is no fact about the data:
    train with missing modalities, or use `DonorFill`.

    Source: Shapley, "A Value for n-Person Games", 1953.

    Args:
        fill: what stands in the place of the nodes of modalities that are not in the set.
        batch_size: changed graphs per forward pass.

    Raises:
        ValueError: when called, if there are more than 12 modalities, or `batch_size` is below 1.

    Example:
        >>> from mmgraph.explain import OutputScore
        >>> from mmgraph.models import GraphFusion
        >>> graphs = GraphBatch.single({"text": torch.rand(2, 3), "image": torch.rand(1, 3)}, {})
        >>> model = GraphFusion(graphs.schema, 2, hidden_channels=4)
        >>> ModalityShapley()(model, graphs, OutputScore(0)).modalities.shape
        torch.Size([1, 2])
    """

    fill: Fill = Removed()  # noqa: RUF009 - frozen
    batch_size: int = 256

    def __call__(self, model: nn.Module, graphs: GraphBatch, score: Score) -> Attribution:
        """The attribution of modalities."""
        number = len(graphs.schema.modalities)
        if number > MOST:
            raise ValueError(f"{number} modalities have 2^{number} sets; Shapley values are for at most {MOST}")
        with ready(model, graphs) as batch:
            sets, players = (torch.arange(count, device=batch.device) for count in (2**number, number))
            kept = (sets.unsqueeze(1) >> players) % 2 == 1  # [sets, players]
            graph = torch.arange(batch.num_graphs, device=batch.device).repeat_interleave(2**number)
            scores = torch.zeros(graph.numel(), dtype=batch.dtype, device=batch.device)
            for draw in range(self.fill.draws):

                def without(copies: Copies, rows: slice, draw: int = draw) -> GraphBatch:
                    chosen = torch.arange(rows.start, rows.stop, device=batch.device) % 2**number
                    mask = ~kept[chosen[copies.node_copy], modality_of(copies.batch)]
                    return self.fill(copies.batch, mask, draw + self.fill.draws * rows.start)

                part = copy_scores(model, batch, score, graph, without, self.batch_size)
                scores = scores + part / self.fill.draws
            values = shapley_values(scores.view(-1, 2**number), kept)
            values = values.masked_fill(~batch.present, 0.0)  # exactly: equal scores may differ in the last bit
        return Attribution(
            "modality Shapley values",
            "share of the modality in the score; values of a graph sum to the score less that of an empty graph",
            graphs,
            modalities=values.to(graphs.device),
        )


def shapley_values(
    scores: Float[Tensor, "games sets"], kept: Bool[Tensor, "sets players"]
) -> Float[Tensor, "games players"]:
    """Shapley values from the worth of every set, numbered in binary: player m is in set k if bit m of k is 1.

    Example:
        >>> kept = torch.tensor([[False, False], [True, False], [False, True], [True, True]])
        >>> shapley_values(torch.tensor([[0.0, 1.0, 2.0, 5.0]]), kept).tolist()
        [[2.0, 3.0]]
    """
    players = kept.shape[1]
    size = kept.sum(1)
    factor = [math.factorial(k) * math.factorial(players - k - 1) / math.factorial(players) for k in range(players)]
    values = []
    for player in range(players):
        without = (~kept[:, player]).nonzero().squeeze(1)
        gain = scores[:, without + 2**player] - scores[:, without]
        values.append((gain * gain.new_tensor(factor)[size[without]]).sum(1))
    return torch.stack(values, 1)
