"""What convs share: where relations have their columns, what arguments are refused, how results come out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.ops import Ends, Scope, linears


class Block(NamedTuple):
    """A kind of columns that relations have in the tables of an attention operator.

    Attributes:
        side: in the table of the "source" or of the "target" of a relation.
        width: columns.
        shared: whether all relations of a modality have the same columns.
    """

    side: Literal["source", "target"]
    width: int
    shared: bool = False


def blocks_of(schema: GraphSchema, blocks: Sequence[Block]) -> Int[Tensor, "relations kinds 2"]:
    """Where every relation has its blocks of columns: modality id and first column, for each kind given.

    A modality has a "source" table with a block per relation out of it, and a "target" table with a block per relation
    into it, or one for all of them; blocks of one kind lie together, kinds in the order given.

    Example:
        >>> schema = GraphSchema({"a": 1}, [("a", "x", "a"), ("a", "y", "a")])
        >>> blocks_of(schema, [Block("source", 8), Block("source", 2), Block("target", 2, shared=True)]).tolist()
        [[[0, 0], [0, 16], [0, 0]], [[0, 8], [0, 18], [0, 0]]]
    """
    places = torch.zeros(len(schema.edge_types), len(blocks), 2, dtype=torch.int64)
    for m, name in enumerate(schema.modalities):
        column = {"source": 0, "target": 0}
        for kind, (side, width, shared) in enumerate(blocks):
            relations = schema.out_of(name) if side == "source" else schema.into(name)
            for r in relations:
                places[r, kind] = torch.tensor([m, column[side]])
                column[side] += 0 if shared else width
            column[side] += width if shared and relations else 0
    return places


def ends_of(schema: GraphSchema) -> Ends:
    """Where relations begin and end, for `ops.relation_sum`."""
    return Ends(tuple((schema.modality_id(src), schema.modality_id(dst)) for src, _, dst in schema.edge_types))


def relation_weights(
    ends: Ends, in_channels: Sequence[int], weights: Sequence[Float[Tensor, "out_channels _"]]
) -> list[Float[Tensor, "out_channels _"]]:
    """The matrix of every relation: a view of its columns where a modality has those into it side by side.

    Example:
        >>> ends, weights = Ends(((0, 1), (1, 1))), [torch.zeros(4, 0), torch.zeros(4, 5)]
        >>> [tuple(weight.shape) for weight in relation_weights(ends, (3, 2), weights)]
        [(4, 3), (4, 2)]
    """
    parts = []
    for m, weight in enumerate(weights):
        parts.append(iter(weight.split([in_channels[src] for src, dst in ends.pairs if dst == m], 1)))
    return [next(parts[dst]) for _, dst in ends.pairs]


def channels_of(schema: GraphSchema, in_channels: int | Mapping[str, int]) -> tuple[int, ...]:
    """Input channels of every modality, in order. Raises ValueError if one is not given."""
    if isinstance(in_channels, int):
        return (in_channels,) * len(schema.modalities)
    missing = [name for name in schema.modalities if name not in in_channels]
    if missing:
        raise ValueError(f"in_channels lacks the modalities {missing}; it has {list(in_channels)}")
    return tuple(in_channels[name] for name in schema.modalities)


def one_size(schema: GraphSchema, in_channels: int | Mapping[str, int], why: str) -> int:
    """Input channels of all modalities. Raises ValueError, saying `why` they are one number, if they differ."""
    sizes = channels_of(schema, in_channels)
    if len(set(sizes)) > 1:
        given = dict(zip(schema.modalities, sizes, strict=True))
        raise ValueError(f"{why}, so all modalities have the same in_channels; got {given}. Put an encoder before it")
    return sizes[0]


def check_arguments(out_channels: int, heads: int = 1, dropout: float = 0.0, scope: Scope = "relation") -> None:
    """Raises ValueError for sizes below 1, a dropout outside 0..1 and an unknown scope."""
    if out_channels < 1 or heads < 1:
        raise ValueError(f"out_channels and heads are at least 1, got {out_channels=}, {heads=}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is at least 0 and below 1, got {dropout=}")
    if scope not in get_args(Scope):
        raise ValueError(f"scope is 'relation' or 'node', got {scope!r}")


def check_inputs(
    schema: GraphSchema,
    in_channels: Sequence[int],
    x: Mapping[str, Float[Tensor, "_ _"]],
    graph: FlatGraph,
    dtype: torch.dtype,
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
        _check_dtype(f"x of modality {name!r}", x[name], dtype)
    for relation, features in zip(schema.edge_types, graph.features, strict=True):
        if features is not None:
            wanted, found = schema.edge_channels(relation), features.shape[1]
            if found != wanted:
                raise ValueError(f"relation {relation} has {found} edge features, the conv was made for {wanted}")
            _check_dtype(f"edge features of {relation}", features, dtype)


def _check_dtype(what: str, value: Tensor, dtype: torch.dtype) -> None:
    if value.dtype != dtype and not torch.is_autocast_enabled(value.device.type):
        raise ValueError(
            f"{what}: the dtype is {value.dtype}, that of the conv's weights {dtype}; convert one with .to()"
        )


class Columns(NamedTuple):
    """What makes one side's table of a modality: a matrix with the columns of all relations, and their biases."""

    weight: Float[Tensor, "columns in_channels"]
    bias: Float[Tensor, " columns"] | None = None

    @classmethod
    def of(cls, weights: Float[Tensor, "relations width in_channels"], biases: Float[Tensor, "_ width"]) -> "Columns":
        """Those of the relations, side by side."""
        return cls(weights.flatten(0, 1), biases.flatten() if len(biases) else None)


def make_tables(
    rows: Sequence[Float[Tensor, "_ _"]], sources: Iterable[Columns], targets: Iterable[Columns]
) -> dict[str, list[Float[Tensor, "_ _"]]]:
    """The tables of sources and of targets of an attention operator: two matrix products per modality."""
    made = [
        linears(x, [source.weight, target.weight], [source.bias, target.bias])
        for x, source, target in zip(rows, sources, targets, strict=True)
    ]
    return {"source": [pair[0] for pair in made], "target": [pair[1] for pair in made]}


def split(schema: GraphSchema, rows: Float[Tensor, "nodes channels"], graph: FlatGraph) -> dict[str, Tensor]:
    """Rows of all nodes as a dict of modalities."""
    return dict(zip(schema.modalities, rows.split(graph.num_nodes), strict=True))


def merge_heads(
    out: Float[Tensor, "nodes heads_times_channels"], heads: int, *, concat: bool
) -> Float[Tensor, "nodes channels"]:
    """The heads side by side as they are, or their mean."""
    return out if concat else out.unflatten(1, (heads, -1)).mean(1)


def with_bias(parts: Mapping[str, Tensor], bias: Float[Tensor, "rows channels"]) -> dict[str, Tensor]:
    """Adds to every modality its row of `bias`, or nothing where that has no rows."""
    if not len(bias):
        return dict(parts)
    return {name: part + row for (name, part), row in zip(parts.items(), bias, strict=True)}


def dropout_now(training: bool, dropout: float) -> dict[str, Any]:
    """The dropout to apply now, and a seed from torch's generator that says which edges fall out."""
    if not training or dropout == 0:
        return {"dropout": 0.0, "seed": 0}
    return {"dropout": dropout, "seed": int(torch.randint(2**31 - 1, ()))}
