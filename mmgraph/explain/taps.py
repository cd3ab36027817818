"""Taps: hooks that change what flows through a model while it is asked, and are gone afterwards."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.explain.copies import ready
from mmgraph.graph import FlatGraph, GraphBatch, NodeSet


@contextmanager
def change_encodings(
    model: nn.Module, batch: GraphBatch, change: Callable[[str, Float[Tensor, "_ _"]], Float[Tensor, "_ _"]]
) -> Iterator[None]:
    """Until the end of the block `change(modality, encoded)` stands for what the model made of a modality's nodes.

    The encoded nodes are the first tensor with a row per node that the model makes of `batch.nodes[modality]`. There,
    and not at `x`, all modalities have channels: tokens carry the number of a word, which has no gradient.

    Args:
        model: called with `batch` in the block; a module in it is called with each `NodeSet`, as `NodeEncoder` is.
        batch: the graphs.
        change: from a modality and its encoded nodes, [nodes, channels], to others of the same shape.

    Raises:
        ValueError: at the end, if the model did not encode some modality that has nodes in this way.

    Example:
        >>> from mmgraph.models import GraphFusion
        >>> batch = GraphBatch.single({"text": torch.rand(2, 3)}, {})
        >>> model = GraphFusion(batch.schema, 2, hidden_channels=4)
        >>> with change_encodings(model, batch, lambda name, x: print(name, list(x.shape)) or x):
        ...     _ = model(batch)
        text [2, 4]
    """
    names = {id(nodes): name for name, nodes in batch.nodes.items()}
    open_for: list[str] = []
    seen: set[str] = set()

    def enter(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        open_for.extend(_names_in(names, args, kwargs))

    def leave(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        for name in _names_in(names, args, kwargs):
            open_for.pop()
            if name in open_for or not isinstance(output, Tensor) or output.shape[:1] != (batch.nodes[name].num_nodes,):
                continue  # an inner part of the encoder, or something else than a row per node
            seen.add(name)
            return change(name, output)
        return None

    with ExitStack() as hooks:
        for module in model.modules():
            hooks.enter_context(module.register_forward_pre_hook(enter, with_kwargs=True))
            hooks.enter_context(module.register_forward_hook(leave, with_kwargs=True))
        yield
    missing = [name for name, nodes in batch.nodes.items() if nodes.num_nodes and name not in seen]
    if missing:
        raise ValueError(
            f"{type(model).__name__} has no module that is called with the nodes of {', '.join(missing)} and gives a "
            "row per node, so there is no place to explain; encode them in a module, as NodeEncoder, or use occlusion"
        )


def _names_in(names: Mapping[int, str], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    values = [value for value in (*args, *kwargs.values()) if isinstance(value, NodeSet)]
    return [names[id(value)] for value in values if id(value) in names]


@contextmanager
def weigh_edges(model: nn.Module, batch: GraphBatch, weight: Float[Tensor, "edges 1"]) -> Iterator[list[str]]:
    """Until the end of the block every conv multiplies its edges with `weight`, after the softmax.

    Args:
        model: called with `batch` in the block; its convs have `forward(x, graph, edge_weight=None)`.
        batch: the graphs.
        weight: of each edge, in the order of `FlatGraph`; edges that a learned relation adds keep their own.

    Yields:
        The names of the convs that were called, in order.

    Raises:
        ValueError: if a conv sees other edges than the batch has.

    Example:
        >>> from mmgraph import ops
        >>> from mmgraph.models import GraphFusion
        >>> batch = GraphBatch.single({"a": torch.rand(2, 3)}, {("a", "to", "a"): torch.tensor([[0], [1]])})
        >>> model = GraphFusion(batch.schema, 2, hidden_channels=4).eval()
        >>> with ops.backend("reference"), weigh_edges(model, batch, torch.zeros(1, 1)):
        ...     silent = model(batch)
        >>> torch.equal(silent, model(batch))
        False
    """
    convs = {name: module for name, module in model.named_modules() if _takes_edge_weight(module)}
    called: list[str] = []
    depth = 0

    def enter_conv(name: str) -> Callable[..., Any]:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            nonlocal depth
            depth += 1
            if depth > 1:  # within a conv that hands its weights on
                return None
            called.append(name)
            call = inspect.signature(module.forward).bind(*args, **kwargs)
            own = _align(name, weight, call.arguments["graph"], batch)
            given = call.arguments.get("edge_weight")
            call.arguments["edge_weight"] = own if given is None else given * own
            return call.args, call.kwargs

        return hook

    def leave_conv(*_: Any) -> None:
        nonlocal depth
        depth -= 1

    with ExitStack() as hooks:
        for name, module in convs.items():
            hooks.enter_context(module.register_forward_pre_hook(enter_conv(name), with_kwargs=True))
            hooks.enter_context(module.register_forward_hook(leave_conv))
        yield called


def _takes_edge_weight(module: nn.Module) -> bool:
    return {"x", "graph", "edge_weight"} <= set(inspect.signature(module.forward).parameters)


def _align(name: str, weight: Tensor, graph: FlatGraph, batch: GraphBatch) -> Tensor:
    """The weights as the conv numbers its edges: those of learned relations, whose ids come last, get 1."""
    flat = batch.flat
    if graph.src is flat.src:
        return weight
    own = graph.relation < len(batch.schema.edge_types)
    if int(own.sum()) != batch.num_edges or not torch.equal(graph.src[own], flat.src):
        raise ValueError(
            f"conv {name!r} saw other edges than the batch has: the model changes its graph, so edges cannot be "
            "explained; explain nodes"
        )
    return weight.new_ones(graph.src.numel(), 1).masked_scatter(own.unsqueeze(1), weight)


def mean_encoding(model: nn.Module, graphs: GraphBatch) -> dict[str, Float[Tensor, "_"]]:
    """Per modality the mean over all nodes of what the model makes of them: a baseline that looks like nothing special.

    Args:
        model: as for `change_encodings`.
        graphs: typical ones, such as some of the training data; every modality has nodes.

    Raises:
        ValueError: as `change_encodings` does, or if no graph has nodes of some modality.

    Example:
        >>> from mmgraph.models import GraphFusion
        >>> graphs = GraphBatch.single({"text": torch.rand(2, 3)}, {})
        >>> mean_encoding(GraphFusion(graphs.schema, 2, hidden_channels=4), graphs)["text"].shape
        torch.Size([4])
    """
    empty = [name for name, nodes in graphs.nodes.items() if not nodes.num_nodes]
    if empty:
        raise ValueError(f"no graph has nodes of {', '.join(empty)}, so there is no mean; give graphs that have some")
    means: dict[str, Tensor] = {}

    def keep(name: str, encoded: Tensor) -> Tensor:
        means[name] = encoded.mean(0)
        return encoded

    with torch.no_grad(), ready(model, graphs) as batch, change_encodings(model, batch, keep):
        model(batch)
    return means
