"""`Task`: what training and evaluation ask of a kind of prediction."""

from typing import Protocol, runtime_checkable

from jaxtyping import Bool, Float
from torch import Tensor

from mmgraph.graph import GraphBatch


@runtime_checkable
class Task(Protocol):
    """One kind of prediction: how wide the model's output is, its loss, its metrics. Without weights.

    Rows whose target is masked count nowhere: in no loss, no metric and no average over batches.

    Example:
        >>> from mmgraph.tasks import Classification
        >>> isinstance(Classification("label", 3), Task)
        True
    """

    @property
    def target(self) -> str:
        """Name of the target in the schema."""

    @property
    def out_channels(self) -> int:
        """Columns of the model's output."""

    @property
    def monitor(self) -> str:
        """The metric that chooses the best epoch, on validation data."""

    @property
    def higher_is_better(self) -> bool:
        """Whether a larger value of `monitor` is the better one."""

    def check(self, graphs: GraphBatch) -> None:
        """Raises ValueError unless `graphs` carry the target as the task needs it, and some of it is known."""

    def known(self, batch: GraphBatch) -> Bool[Tensor, " rows"]:
        """The rows that count."""

    def loss(self, outputs: Float[Tensor, "graphs out_channels"], batch: GraphBatch) -> Float[Tensor, ""]:
        """Mean over the known rows; 0, still with a graph, where nothing is known."""

    def predict(self, outputs: Float[Tensor, "graphs out_channels"]) -> Tensor:
        """What the outputs mean, one row per graph."""

    def metrics(self, outputs: Float[Tensor, "graphs out_channels"], batch: GraphBatch) -> dict[str, float]:
        """`"loss"` and every metric, over all known rows at once: give a whole data set, not a mini-batch."""
