"""`Loader`: mini-batches of a data set that is in memory."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass

import torch

from mmgraph.graph import GraphBatch


@dataclass(frozen=True, eq=False)
class Loader:
    """Cuts graphs into mini-batches, in this process: selecting graphs is a gather, no work to hand to other processes.

    The last mini-batch may be smaller; every graph comes once per pass.

    Args:
        graphs: the data set.
        batch_size: graphs per mini-batch.
        generator: shuffles anew on every pass; None keeps the order. A CPU generator, also for graphs on a GPU.
        device: where the mini-batches go; None leaves them where `graphs` are.

    Raises:
        ValueError: if there is no graph, or `batch_size` is less than 1.

    Example:
        >>> graph = GraphBatch.single({"text": torch.ones(2, 3)}, {})
        >>> [batch.num_graphs for batch in Loader(GraphBatch.concat([graph] * 5), 2)]
        [2, 2, 1]
    """

    graphs: GraphBatch
    batch_size: int
    _: KW_ONLY
    generator: torch.Generator | None = None
    device: torch.device | str | None = None

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size={self.batch_size} must be at least 1")
        if not self.graphs.num_graphs:
            raise ValueError("empty data set: there is no graph to load")

    def __len__(self) -> int:
        """Mini-batches per pass."""
        return -(-self.graphs.num_graphs // self.batch_size)

    def __iter__(self) -> Iterator[GraphBatch]:
        count = self.graphs.num_graphs
        if self.generator is None:
            order = torch.arange(count)
        else:
            order = torch.randperm(count, generator=self.generator)
        for chunk in order.to(self.graphs.device).split(self.batch_size):
            batch = self.graphs.select(chunk)
            yield batch if self.device is None else batch.to(self.device)
