"""`evaluate` and `predict`: what a trained model says about graphs, and how right it is."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.tasks import Task
from mmgraph.training.device import resolve_device
from mmgraph.training.loader import Loader


def evaluate(
    model: nn.Module,
    task: Task,
    graphs: GraphBatch,
    *,
    batch_size: int = 256,
    device: torch.device | str | None = None,
) -> dict[str, float]:
    """The task's metrics over all graphs at once, in evaluation mode.

    Args:
        model: has a `schema`, and gives [graphs, out_channels] for a `GraphBatch`.
        task: what is measured; graphs whose target is masked count nowhere.
        graphs: validation or test data.
        batch_size: graphs at a time; decides memory and speed, not the result (up to rounding).
        device: where to compute, "auto", "cpu", "cuda", ...; the model moves there and stays. None: where the model is.

    Raises:
        ValueError: if there is no graph, the schema is not the model's, or the target does not fit the task.

    Example:
        >>> from mmgraph.tasks import Classification
        >>> graph = GraphBatch.single({"text": torch.ones(1, 3)}, {}, targets={"label": torch.tensor(0)})
        >>> class OneWord(nn.Linear):  # stands for a model of `mmgraph.models`
        ...     schema = graph.schema
        ...     def forward(self, batch):
        ...         return super().forward(batch.nodes["text"].x)
        >>> sorted(evaluate(OneWord(3, 2), Classification("label", 2), graph))
        ['accuracy', 'balanced_accuracy', 'loss', 'macro_f1']
    """
    task.check(graphs)
    return task.metrics(predict(model, graphs, batch_size=batch_size, device=device), graphs)


def predict(
    model: nn.Module, graphs: GraphBatch, *, batch_size: int = 256, device: torch.device | str | None = None
) -> Float[Tensor, "graphs out_channels"]:
    """The model's outputs for all graphs, in evaluation mode and without gradients, where `graphs` are.

    Every module is in its earlier mode (training or evaluation) afterwards. Arguments and errors as for `evaluate`.

    Example:
        >>> graph = GraphBatch.single({"text": torch.ones(1, 3)}, {})
        >>> class OneWord(nn.Linear):  # stands for a model of `mmgraph.models`
        ...     schema = graph.schema
        ...     def forward(self, batch):
        ...         return super().forward(batch.nodes["text"].x)
        >>> predict(OneWord(3, 4), graph).shape
        torch.Size([1, 4])
    """
    check_schema(model, graphs)
    if device is not None:
        model.to(resolve_device(device))
    first = next(model.parameters(), None)
    loader = Loader(graphs, batch_size, device=graphs.device if first is None else first.device)
    with _eval_mode(model), torch.no_grad():
        return torch.cat([model(batch).to(graphs.device) for batch in loader])


def check_schema(model: nn.Module, graphs: GraphBatch) -> None:
    """Raises ValueError unless there are graphs, of the schema that the model was made for."""
    if not graphs.num_graphs:
        raise ValueError("empty data set: there is no graph")
    schema = getattr(model, "schema", None)
    if not isinstance(schema, GraphSchema):
        raise ValueError(f"{type(model).__name__} has no `schema`; a model keeps the GraphSchema that it was made for")
    schema.require(graphs.schema)


@contextmanager
def keep_modes(model: nn.Module) -> Iterator[None]:
    """Gives every module its training flag back at the end: a frozen part may be in evaluation mode on purpose.

    Example:
        >>> layer = nn.Dropout()
        >>> with keep_modes(layer):
        ...     _ = layer.eval()
        >>> layer.training
        True
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def _eval_mode(model: nn.Module) -> Iterator[None]:
    with keep_modes(model):
        model.eval()
        yield
