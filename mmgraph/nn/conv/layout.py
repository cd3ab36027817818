"""What convs share: where the blocks of every relation lie in the tables, and in what form arguments come."""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.ops import Scope

Side = Literal["source", "target"]


def blocks_of(schema: GraphSchema, blocks: Sequence[tuple[Side, int]]) -> Int[Tensor, "relations kinds 2"]:
    """Where every relation has its blocks of columns: modality id and first column, for each (side, width) given.

    A modality's table has a "source" block per relation out of it and a "target" block per relation into it; blocks
    of one kind lie together, kinds in the order given.
    """
    places = torch.zeros(len(schema.edge_types), len(blocks), 2, dtype=torch.int64)
    for m, name in enumerate(schema.modalities):
        column = 0
        for kind, (side, width) in enumerate(blocks):
            for r in schema.out_of(name) if side == "source" else schema.into(name):
                places[r, kind] = torch.tensor([m, column])
                column += width
    return places


def channels_of(schema: GraphSchema, in_channels: int | Mapping[str, int]) -> tuple[int, ...]:
    """Input channels of every modality, in order. Raises ValueError if one is not given."""
    if isinstance(in_channels, int):
        return (in_channels,) * len(schema.modalities)
    missing = [name for name in schema.modalities if name not in in_channels]
    if missing:
        raise ValueError(f"in_channels lacks the modalities {missing}; it has {list(in_channels)}")
    return tuple(in_channels[name] for name in schema.modalities)


def check_arguments(out_channels: int, heads: int, dropout: float, scope: Scope) -> None:
    """Raises ValueError for sizes below 1, a dropout outside 0..1 and an unknown scope."""
    if out_channels < 1 or heads < 1:
        raise ValueError(f"out_channels and heads are at least 1, got {out_channels=}, {heads=}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is at least 0 and below 1, got {dropout=}")
    if scope not in get_args(Scope):
        raise ValueError(f"scope is 'relation' or 'node', got {scope!r}")


def check_inputs(
    schema: GraphSchema, in_channels: Sequence[int], x: Mapping[str, Float[Tensor, "_ _"]], graph: FlatGraph
) -> None:
    """Raises ValueError where `x` or `graph` are not what the conv was made for; a kernel would read past the end."""
    sizes = (len(graph.num_nodes), len(graph.features))
    if sizes != (len(schema.modalities), len(schema.edge_types)):
        raise ValueError(
            f"the graph has {sizes[0]} modalities and {sizes[1]} relations, the conv was made for "
            f"{len(schema.modalities)} and {len(schema.edge_types)}"
        )
    for name, channels, nodes in zip(schema.modalities, in_channels, graph.num_nodes, strict=True):
        if name not in x:
            raise ValueError(f"x lacks the modality {name!r}; it has {list(x)}")
        if x[name].shape[0] != nodes:
            raise ValueError(f"modality {name!r}: x has {x[name].shape[0]} rows, the graph {nodes} nodes")
        if x[name].shape[1] != channels:
            raise ValueError(f"modality {name!r}: x has {x[name].shape[1]} channels, the conv was made for {channels}")


def split(schema: GraphSchema, rows: Float[Tensor, "nodes channels"], graph: FlatGraph) -> dict[str, Tensor]:
    """Rows of all nodes as a dict of modalities."""
    return dict(zip(schema.modalities, rows.split(graph.num_nodes), strict=True))


def dropout_seed(training: bool, dropout: float) -> tuple[float, int]:
    """The dropout to apply now, and a seed from torch's generator that says which edges fall out."""
    if not training or dropout == 0:
        return 0.0, 0
    return dropout, int(torch.randint(2**31 - 1, ()))
