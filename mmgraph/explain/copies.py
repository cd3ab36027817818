"""`Copies`: many copies of the graphs of a batch in one batch, with the way back to the originals."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mmgraph.explain.score import Score
from mmgraph.graph import GraphBatch
from mmgraph.graph.ragged import gather_rows
from mmgraph.training.evaluate import check_schema, keep_modes


@dataclass(frozen=True, eq=False)
class Copies:
    """Graphs of `original` one after the other, repeats allowed: an explanation asks the model about all at once.

    Attributes:
        original: the graphs that are copied.
        graph: the graph of `original` that each copy is of.
        batch: the copies.

    Example:
        >>> batch = GraphBatch.single({"image": torch.rand(2, 3), "text": torch.rand(1, 3)}, {})
        >>> copies = Copies.of(batch, torch.tensor([0, 0]))
        >>> copies.node.tolist(), copies.node_copy.tolist()
        ([0, 1, 0, 1, 2, 2], [0, 0, 1, 1, 0, 1])
    """

    original: GraphBatch
    graph: Int[Tensor, " copies"]
    batch: GraphBatch

    @classmethod
    def of(cls, original: GraphBatch, graph: Int[Tensor, " copies"]) -> "Copies":
        """Copies of the given graphs."""
        return cls(original, graph, original.select(graph))

    @cached_property
    def node(self) -> Int[Tensor, " nodes"]:
        """The flat node of `original` that each flat node is a copy of."""
        start = self.original.flat.segment[:-1].view(-1, self.original.num_graphs)[:, self.graph]
        return gather_rows(start.reshape(-1), self.batch.flat.segment.diff())[0]

    @cached_property
    def node_copy(self) -> Int[Tensor, " nodes"]:
        """The copy that each node is in."""
        return self._copy_of(self.batch.flat.segment.diff())

    @cached_property
    def edge(self) -> Int[Tensor, " edges"]:
        """The flat edge of `original` that each flat edge is a copy of."""
        start = self.original.edges.ptr[:, self.graph]
        return gather_rows(start.reshape(-1), self.batch.edges.ptr.diff(dim=1).reshape(-1))[0]

    @cached_property
    def edge_copy(self) -> Int[Tensor, " edges"]:
        """The copy that each edge is in."""
        return self._copy_of(self.batch.edges.ptr.diff(dim=1).reshape(-1))

    def _copy_of(self, counts: Tensor) -> Tensor:
        copies = torch.arange(self.graph.numel(), device=counts.device)
        return copies.repeat(len(self.original.schema.modalities)).repeat_interleave(counts)


@contextmanager
def ready(model: nn.Module, batch: GraphBatch) -> Iterator[GraphBatch]:
    """The graphs where the model is, which is in evaluation mode until the end of the block.

    Raises:
        ValueError: if there is no graph, or it has another schema than the model.

    Example:
        >>> from mmgraph.models import GraphFusion
        >>> batch = GraphBatch.single({"text": torch.rand(1, 3)}, {})
        >>> model = GraphFusion(batch.schema, 2, hidden_channels=4)
        >>> with ready(model, batch) as graphs:
        ...     print(model.training, graphs.num_graphs)
        False 1
        >>> model.training
        True
    """
    check_schema(model, batch)
    first = next(model.parameters(), None)
    with keep_modes(model):
        model.eval()
        yield batch if first is None or first.device == batch.device else batch.to(first.device)


def copy_scores(
    model: nn.Module,
    batch: GraphBatch,
    score: Score,
    graph: Int[Tensor, " copies"],
    change: Callable[[Copies, slice], GraphBatch],
    batch_size: int,
) -> Float[Tensor, " copies"]:
    """The score of each of many changed copies, without gradient.

    Args:
        model: ready, see `ready`.
        batch: the graphs, where the model is.
        score: what is asked of the outputs.
        graph: the graph that each copy is of.
        change: from some copies, and which of all they are, the graphs that the model gets to see.
        batch_size: copies per forward pass.

    Raises:
        ValueError: if `batch_size` is below 1, or the score is not a number per graph.

    Example:
        >>> from mmgraph.explain import OutputScore
        >>> from mmgraph.models import GraphFusion
        >>> batch = GraphBatch.single({"text": torch.rand(1, 3)}, {})
        >>> model = GraphFusion(batch.schema, 2, hidden_channels=4)
        >>> with ready(model, batch) as graphs:
        ...     same = copy_scores(model, graphs, OutputScore(0), torch.zeros(3).long(), lambda c, rows: c.batch, 2)
        >>> same.shape, bool((same - same[0]).abs().max() < 1e-6)
        (torch.Size([3]), True)
    """
    if batch_size < 1:
        raise ValueError(f"{batch_size=} is at least 1")
    scores = [torch.zeros(0, dtype=batch.dtype, device=batch.device)]
    with torch.no_grad():
        for start in range(0, graph.numel(), batch_size):
            rows = slice(start, min(start + batch_size, graph.numel()))
            copies = Copies.of(batch, graph[rows])
            scores.append(score_of(score, model(change(copies, rows)), copies.graph))
    return torch.cat(scores)


def score_of(score: Score, outputs: object, graph: Int[Tensor, " copies"]) -> Float[Tensor, " copies"]:
    """The score of the model's outputs. Raises ValueError unless it is one number per copy."""
    values = score(outputs, graph)
    if not isinstance(values, Tensor) or values.shape != graph.shape:
        given = list(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise ValueError(f"a score gives one number per graph, [{graph.numel()}], got {given}")
    return values
