"""`record_attention`: watches the forward passes of a model and keeps their attention."""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.explain.record import AttentionRecord, LayerAttention, PoolAttention
from mmgraph.graph import FlatGraph, GraphBatch, GraphSchema
from mmgraph.nn import Rewired


@runtime_checkable
class HasAttention(Protocol):
    """A conv with attention: called as `conv(x, graph)`, perhaps with `edge_weight`.

    Example:
        >>> isinstance(nn.Linear(2, 2), HasAttention)
        False
    """

    scope: str

    def attention(self, x: Mapping[str, Tensor], graph: FlatGraph) -> Float[Tensor, "edges heads"]:
        """Weights after the softmax, without dropout."""
        ...


@runtime_checkable
class HasNodeAttention(Protocol):
    """A pool with attention: called as `pool(x, graph)`.

    Example:
        >>> isinstance(nn.Linear(2, 2), HasNodeAttention)
        False
    """

    def node_attention(self, x: Mapping[str, Tensor], graph: FlatGraph) -> Float[Tensor, "nodes heads"]:
        """Weights after the softmax; they sum to one within each (modality, graph), or within each graph."""
        ...


@contextmanager
def record_attention(model: nn.Module) -> Iterator[list[AttentionRecord]]:
    """A list that gets one `AttentionRecord` for every forward pass of `model` until the end of the block.

    Forward hooks call the `attention` of each conv and the `node_attention` of each pool without gradient, and keep
    what learned relations give; outputs and gradients stay what they are. Layers without attention (GCN) are not in the
    record. Records stay on the model's device and hold the whole batch: over a data set, take what you need and clear
    the list.

    Args:
        model: a module that is called with a `GraphBatch`, not compiled.

    Raises:
        ValueError: if no layer of the model has attention, if it is compiled, or if it is called with something else.

    Example:
        >>> class Mean(nn.Module):
        ...     scope = "node"
        ...     def attention(self, x, graph):
        ...         degree = graph.rowptr.diff()
        ...         return (1 / degree).repeat_interleave(degree).unsqueeze(1)
        ...     def forward(self, x, graph):
        ...         return x
        >>> class Model(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.conv = Mean()
        ...     def forward(self, batch):
        ...         return self.conv({"text": batch.nodes["text"].x}, batch.flat)["text"]
        >>> edges = {("text", "all", "text"): torch.tensor([[0, 1], [1, 1]])}
        >>> batch = GraphBatch.single({"text": torch.rand(2, 3)}, edges)
        >>> model = Model()
        >>> with record_attention(model) as records:
        ...     output = model(batch)
        >>> records[0].layers[0].alpha.tolist()
        [[0.5], [0.5]]
    """
    if hasattr(model, "_orig_mod"):
        raise ValueError("a compiled model does not run its hooks: record the module that torch.compile was given")
    layers = [(name, layer) for name, layer in model.named_modules() if _has_attention(layer)]
    if not layers:
        raise ValueError(f"{type(model).__name__} has no layer with attention: give it GAT convs or attention pooling")
    watch = _Watch()
    with ExitStack() as hooks:
        hooks.enter_context(model.register_forward_pre_hook(watch.start, with_kwargs=True))
        for name, module in layers:
            hooks.enter_context(module.register_forward_hook(watch.layer(name), with_kwargs=True))
        for name, module in model.named_modules():
            if hasattr(module, "learned_relations"):
                hooks.enter_context(module.register_forward_hook(watch.relation(name)))
        hooks.enter_context(model.register_forward_hook(watch.stop))
        yield watch.records


def _has_attention(module: nn.Module) -> bool:
    return isinstance(module, HasAttention | HasNodeAttention)


def _learned(name: str, schema: GraphSchema, rewired: Rewired) -> LayerAttention:
    """The edges that were learned so far, with the scores that they were chosen by."""
    found = rewired.keep(rewired.learned).map(Tensor.detach)
    return LayerAttention(name, "score", schema.edge_types, found.score, found.graph, found.edge_weight)


class _Watch:
    """The hooks, and what they have seen of the forward pass that is running."""

    def __init__(self) -> None:
        self.records: list[AttentionRecord] = []
        self.batch: GraphBatch | None = None
        self.layers: list[LayerAttention] = []
        self.pools: list[PoolAttention] = []
        self.learned: list[LayerAttention] = []

    def start(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        batches = [value for value in (*args, *kwargs.values()) if isinstance(value, GraphBatch)]
        if not batches:
            given = [type(value).__name__ for value in (*args, *kwargs.values())]
            raise ValueError(f"record_attention needs a model that is called with a GraphBatch, got {', '.join(given)}")
        # Anything a pass left behind that broke off is dropped here.
        self.batch, self.layers, self.pools, self.learned = batches[0], [], [], []

    def stop(self, model: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if self.batch is not None:
            parts = (tuple(self.layers), tuple(self.pools), tuple(self.learned))
            self.records.append(AttentionRecord(self.batch, *parts))
        self.batch = None

    def relation(self, name: str) -> Any:
        """The forward hook of the learned relation with this name."""

        @torch.no_grad()
        def hook(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            if self.batch is not None and isinstance(output, Rewired):
                schema = getattr(module, "schema", self.batch.schema)
                self.learned.append(_learned(name, schema, output))

        return hook

    def layer(self, name: str) -> Any:
        """The forward hook of the layer with this name."""

        @torch.no_grad()
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            if self.batch is None:  # called on its own, outside of the model
                return
            call = inspect.signature(module.forward).bind(*args, **kwargs).arguments
            if "x" not in call or "graph" not in call:
                raise ValueError(
                    f"layer {name!r} has attention, so its forward takes x and graph; it takes {list(call)}"
                )
            if isinstance(module, HasAttention):
                alpha = module.attention(call["x"], call["graph"]).detach()
                schema = getattr(module, "schema", None)
                names = schema if isinstance(schema, GraphSchema) else self.batch.schema
                weight = call.get("edge_weight")
                weight = None if weight is None else weight.detach()
                self.layers.append(LayerAttention(name, module.scope, names.edge_types, alpha, call["graph"], weight))
            if isinstance(module, HasNodeAttention):
                alpha = module.node_attention(call["x"], call["graph"]).detach()
                self.pools.append(PoolAttention(name, alpha))

        return hook
