"""`Loader`: mini-batches of a data set that is in memory."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.graph import GraphBatch
from mmgraph.training.sampling import draw


@dataclass(frozen=True, eq=False)
class Loader:
    """Cuts graphs into mini-batches, in this process: selecting graphs is a gather, no work to hand to other processes.

    The last mini-batch may be smaller; every graph comes once per pass, or with `weights` as often as its share says.

    Args:
        graphs: the data set.
        batch_size: graphs per mini-batch.
        generator: shuffles anew on every pass; None keeps the order. A CPU generator, also for graphs on a GPU.
        weights: as many graphs as there are are drawn by these in every pass, with repeats; see `balance` and `draw`.
        device: where the mini-batches go; None leaves them where `graphs` are.

    Raises:
        ValueError: if there is no graph, or `batch_size` is less than 1; on weights without a generator, or not one per
            graph.

    Example:
        >>> graph = GraphBatch.single({"text": torch.ones(2, 3)}, {})
        >>> [batch.num_graphs for batch in Loader(GraphBatch.concat([graph] * 5), 2)]
        [2, 2, 1]
    """

    graphs: GraphBatch
    batch_size: int
    _: KW_ONLY
    generator: torch.Generator | None = None
    weights: Float[Tensor, " graphs"] | None = None
    device: torch.device | str | None = None

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size={self.batch_size} must be at least 1")
        if not self.graphs.num_graphs:
            raise ValueError("empty data set: there is no graph to load")
        if self.weights is not None:
            if self.weights.shape != (self.graphs.num_graphs,):
                raise ValueError(
                    f"weights {list(self.weights.shape)} for {self.graphs.num_graphs} graphs: give one each"
                )
            if self.generator is None:
                raise ValueError("weights need a generator: graphs are drawn by chance")

    def __len__(self) -> int:
        """Mini-batches per pass."""
        return -(-self.graphs.num_graphs // self.batch_size)

    def __iter__(self) -> Iterator[GraphBatch]:
        count = self.graphs.num_graphs
        if self.generator is None:
            order = torch.arange(count)
        elif self.weights is not None:
            order = draw(self.weights, self.generator)
        else:
            order = torch.randperm(count, generator=self.generator)
        for chunk in order.to(self.graphs.device).split(self.batch_size):
            batch = self.graphs.select(chunk)
            yield batch if self.device is None else batch.to(self.device)
