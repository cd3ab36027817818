"""Scores: the number of a model's output that is to be explained."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mmgraph.graph import GraphBatch
from mmgraph.training import predict

ClassScoreKind = Literal["log_odds", "logit", "probability"]


class Score(Protocol):
    """What is explained: one number per graph, of whatever the model gives.

    Explanations ask the model about changed copies of graphs; row i of the outputs belongs to a copy of graph
    `graphs[i]`, so a score can hold something for each graph, such as the class that was predicted for it.

    Example:
        >>> def width(outputs, graphs):
        ...     return outputs.amax(1) - outputs.amin(1)
        >>> width(torch.tensor([[1.0, 4.0]]), torch.tensor([0])).tolist()
        [3.0]
    """

    def __call__(self, outputs: Any, graphs: Int[Tensor, " copies"]) -> Float[Tensor, " copies"]:
        """The score of each row of outputs, differentiable in them."""
        ...


@dataclass(frozen=True, eq=False)
class ClassScore:
    r"""How much the outputs speak for one class of each graph.

    "log_odds" is :math:`\log p - \log(1 - p)`: unlike a logit it knows the other classes, and unlike a probability it
    has a gradient where the model is sure. "probability" is what curves of faithfulness are read in.

    Args:
        classes: the class of each graph that is explained.
        kind: "log_odds", "logit" or "probability".

    Raises:
        ValueError: on another kind, or when outputs have no such class, or only one: nothing to choose between.

    Example:
        >>> score = ClassScore(torch.tensor([1]), "probability")
        >>> score(torch.tensor([[0.0, 0.0], [0.0, 1.0986]]), torch.tensor([0, 0])).round(decimals=2).tolist()
        [0.5, 0.75]
    """

    classes: Int[Tensor, " graphs"]
    kind: ClassScoreKind = "log_odds"

    def __post_init__(self) -> None:
        if self.kind not in get_args(ClassScoreKind):
            raise ValueError(f"kind={self.kind!r} is not one of {', '.join(get_args(ClassScoreKind))}")

    @classmethod
    def predicted(
        cls, model: nn.Module, graphs: GraphBatch, kind: ClassScoreKind = "log_odds", *, batch_size: int = 256
    ) -> "ClassScore":
        """Of the class with the largest output, for each graph."""
        return cls(predict(model, graphs, batch_size=batch_size).argmax(1), kind)

    def __call__(
        self, outputs: Float[Tensor, "copies classes"], graphs: Int[Tensor, " copies"]
    ) -> Float[Tensor, " copies"]:
        """The score of each row of outputs."""
        chosen = self.classes.to(outputs.device)[graphs].unsqueeze(1)
        if chosen.numel() and not 0 <= int(chosen.min()) <= int(chosen.max()) < outputs.shape[1]:
            raise ValueError(f"the outputs have {outputs.shape[1]} classes, the score asks for {chosen.unique()}")
        if outputs.shape[1] == 1 and self.kind != "logit":
            raise ValueError(f"one output is no choice between classes and has no {self.kind}: take OutputScore(0)")
        own = outputs.gather(1, chosen).squeeze(1)
        if self.kind == "logit":
            return own
        if self.kind == "probability":
            return (own - outputs.logsumexp(1)).exp()
        others = outputs.masked_fill(torch.zeros_like(outputs).scatter(1, chosen, 1.0).bool(), -torch.inf)
        return own - others.logsumexp(1)


@dataclass(frozen=True)
class OutputScore:
    """One column of the outputs: a regression value, a logit of several labels.

    Args:
        column: which one.

    Raises:
        ValueError: when outputs have no such column.

    Example:
        >>> OutputScore(1)(torch.tensor([[0.5, 2.0]]), torch.tensor([0])).tolist()
        [2.0]
    """

    column: int = 0

    def __call__(
        self, outputs: Float[Tensor, "copies channels"], graphs: Int[Tensor, " copies"]
    ) -> Float[Tensor, " copies"]:
        """The column."""
        if not 0 <= self.column < outputs.shape[1]:
            raise ValueError(f"column={self.column}: the outputs have columns 0 to {outputs.shape[1] - 1}")
        return outputs[:, self.column]


@dataclass(frozen=True, eq=False)
class SimilarityScore:
    """Cosine similarity between a graph's output, an embedding, and a vector that is held fixed.

    Args:
        reference: a vector per graph: the embedding of its partner, of a class, of another sample.

    Raises:
        ValueError: when outputs have another number of channels.

    Example:
        >>> score = SimilarityScore(torch.tensor([[3.0, 4.0]]))
        >>> round(float(score(torch.tensor([[1.0, 0.0]]), torch.tensor([0]))), 4)
        0.6
    """

    reference: Float[Tensor, "graphs channels"]

    def __call__(
        self, outputs: Float[Tensor, "copies channels"], graphs: Int[Tensor, " copies"]
    ) -> Float[Tensor, " copies"]:
        """The similarity of each row of outputs."""
        partner = self.reference.to(outputs)[graphs]
        if partner.shape != outputs.shape:
            raise ValueError(f"the outputs have {outputs.shape[1]} channels, the reference {partner.shape[1]}")
        return torch.cosine_similarity(outputs, partner)
