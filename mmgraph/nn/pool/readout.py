"""What readouts without parameters share: a row for each modality of a graph, or for each graph."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from jaxtyping import Float, Int
from torch import Tensor, nn

from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.pool.runs import Span, all_rows, check_readout, results_of, runs


class Readout(nn.Module, ABC):
    """Pools the nodes of each modality, or of each graph, as `pooled` says.

    Args:
        schema: names the modalities.
        channels: channels of the nodes.
        span: "modality" gives a row for each modality of a graph, "graph" one for all nodes of a graph.

    Raises:
        ValueError: if there are no channels, or on an unknown span.

    Example:
        >>> from mmgraph.nn import MaxPool, MeanPool, SumPool
        >>> all(issubclass(pool, Readout) for pool in (MaxPool, MeanPool, SumPool))
        True
    """

    def __init__(self, schema: GraphSchema, channels: int, *, span: Span = "modality") -> None:
        super().__init__()
        check_readout(channels, span)
        self.modalities, self.out_channels, self.span = tuple(schema.modalities), channels, span
        self.results = results_of(schema, span)

    def forward(
        self, x: Mapping[str, Float[Tensor, "_ channels"]], graph: FlatGraph
    ) -> Float[Tensor, "graphs results channels"]:
        """The pooled rows of every graph."""
        parts = runs(all_rows(self.modalities, x), graph, self.span)
        return parts.results(self.pooled(parts.rows, parts.ptr))

    @abstractmethod
    def pooled(
        self, rows: Float[Tensor, "nodes channels"], ptr: Int[Tensor, " runs_plus_one"]
    ) -> Float[Tensor, "runs channels"]:
        """One row for each run `ptr[i]` to `ptr[i + 1]` of rows; zeros for an empty one."""
