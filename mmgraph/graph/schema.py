"""`GraphSchema`: which modalities, relations, attributes and targets the graphs of a collection have."""

import hashlib
import json
import operator
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, SupportsIndex

from mmgraph.graph.field import STANDARD_ATTRIBUTES, Field

Relation = tuple[str, str, str]
"""`(source modality, name, destination modality)`; the edge goes from the first to the last."""


@dataclass(frozen=True, eq=False)
class GraphSchema:
    """Modalities with their feature sizes, relations with their edge features, attributes and targets; all ordered.

    Modality and relation ids in tensors are positions in this order, so two schemas are equal only if the order is too.

    Args:
        modalities: channels of the node features `x` of each modality (0 where nodes have attributes only).
        relations: `(source, name, destination)`, with the names of its edge features where it has some.
        attributes: per modality the named arrays that its nodes carry besides `x`.
        targets: what is to be predicted, of a graph or (`Field.of`) of the nodes of a modality.

    Raises:
        ValueError: on a relation, attribute or target of an unknown modality, a relation or edge feature given twice, a
            standard attribute (`span`, `box`, `position`, `text`) with another dtype or shape, a target that is a text,
            a name that is not a non-empty string, or channels that are not a number from 0.

    Example:
        >>> schema = GraphSchema({"image": 16, "text": 8}, {("image", "near", "image"): ("distance",),
        ...                                                 ("text", "with", "image"): ()})
        >>> schema.relation_id(("text", "with", "image")), schema.edge_channels(("image", "near", "image"))
        (1, 1)
    """

    modalities: Mapping[str, int]
    relations: Mapping[Relation, tuple[str, ...]] | Iterable[Relation] = ()
    attributes: Mapping[str, Mapping[str, Field]] = field(default_factory=dict)
    targets: Mapping[str, Field] = field(default_factory=dict)

    def __post_init__(self) -> None:
        relations = _relations(self.relations)
        freeze = {
            "modalities": MappingProxyType({name: _channels(name, size) for name, size in self.modalities.items()}),
            "relations": MappingProxyType(relations),
            "attributes": MappingProxyType(
                {name: MappingProxyType(dict(self.attributes.get(name, {}))) for name in self.modalities}
            ),
            "targets": MappingProxyType(dict(self.targets)),
        }
        _check(self, relations)
        for name, value in freeze.items():
            object.__setattr__(self, name, value)

    @property
    def edge_types(self) -> tuple[Relation, ...]:
        """The relations, in order: `edge_types[relation id]`."""
        return tuple(self.relations)

    def modality_id(self, modality: str) -> int:
        """Position of a modality. Raises ValueError for an unknown one."""
        if modality not in self._modality_ids:
            raise ValueError(f"unknown modality {modality!r}; the schema has {', '.join(self.modalities)}")
        return self._modality_ids[modality]

    def relation_id(self, relation: Relation) -> int:
        """Position of a relation. Raises ValueError for an unknown one."""
        if relation not in self._relation_ids:
            raise ValueError(f"unknown relation {relation}; the schema has {list(self._relation_ids)}")
        return self._relation_ids[relation]

    def edge_features(self, relation: Relation) -> tuple[str, ...]:
        """Names of the edge features of a relation."""
        self.relation_id(relation)
        return self._names_of[relation]

    def edge_channels(self, relation: Relation) -> int:
        """Number of edge features of a relation."""
        return len(self.edge_features(relation))

    def into(self, modality: str) -> tuple[int, ...]:
        """Ids of the relations that end in `modality`."""
        return tuple(i for i, relation in enumerate(self.edge_types) if relation[2] == modality)

    def out_of(self, modality: str) -> tuple[int, ...]:
        """Ids of the relations that start in `modality`."""
        return tuple(i for i, relation in enumerate(self.edge_types) if relation[0] == modality)

    @cached_property
    def _modality_ids(self) -> dict[str, int]:
        return {modality: i for i, modality in enumerate(self.modalities)}

    @cached_property
    def _relation_ids(self) -> dict[Relation, int]:
        return {relation: i for i, relation in enumerate(self.relations)}

    @property
    def _names_of(self) -> Mapping[Relation, tuple[str, ...]]:
        return self.relations  # type: ignore[return-value]  # a mapping since __post_init__

    @property
    def inputs(self) -> "GraphSchema":
        """The same schema without targets: what a model has to agree with."""
        return GraphSchema(self.modalities, self.relations, self.attributes)

    def to_json(self) -> dict[str, Any]:
        """Lists and numbers only, in order, for JSON files. `GraphSchema.from_json` reads it back."""
        return {
            "modalities": [[name, channels] for name, channels in self.modalities.items()],
            "relations": [[*relation, list(names)] for relation, names in self._names_of.items()],
            "attributes": [
                [modality, name, asdict(value)]
                for modality, values in self.attributes.items()
                for name, value in values.items()
            ],
            "targets": [[name, asdict(value)] for name, value in self.targets.items()],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "GraphSchema":
        """The schema that `to_json` wrote. Raises ValueError if the data has another form."""
        try:
            attributes: dict[str, dict[str, Field]] = {}
            for modality, name, value in data["attributes"]:
                attributes.setdefault(modality, {})[name] = _field(value)
            return cls(
                dict(data["modalities"]),
                {(src, name, dst): tuple(names) for src, name, dst, names in data["relations"]},
                attributes,
                {name: _field(value) for name, value in data["targets"]},
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is not a graph schema: {error!r}") from error

    @cached_property
    def digest(self) -> str:
        """A short hash of the whole schema, the same in every process."""
        return hashlib.sha256(json.dumps(self.to_json()).encode()).hexdigest()[:16]

    @cached_property
    def input_digest(self) -> str:
        """The digest of `inputs`."""
        return self.inputs.digest

    def require(self, other: "GraphSchema") -> None:
        """Raises ValueError, naming the first difference, unless `other` is the same apart from targets."""
        if self is other or self.input_digest == other.input_digest:
            return
        ours, theirs = self.to_json(), other.to_json()
        for part in ("modalities", "relations", "attributes"):
            for mine, given in zip(ours[part], theirs[part], strict=False):
                if mine != given:
                    raise ValueError(f"schema mismatch in {part}: the model was made for {mine}, the data has {given}")
            if len(ours[part]) != len(theirs[part]):
                common = min(len(ours[part]), len(theirs[part]))
                lacks, adds = ours[part][common:], theirs[part][common:]
                raise ValueError(
                    f"schema mismatch in {part}: the data {'lacks' if lacks else 'adds'} {(lacks + adds)[0]}"
                )

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, GraphSchema) and self.digest == other.digest)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, ...]:
        return GraphSchema.from_json, (self.to_json(),)


def _field(data: Mapping[str, Any]) -> Field:
    return Field(data["dtype"], tuple(data["shape"]), data["num_classes"], data["of"])


def _relations(given: Mapping[Relation, tuple[str, ...]] | Iterable[Relation]) -> dict[Relation, tuple[str, ...]]:
    pairs = list(given.items()) if isinstance(given, Mapping) else [(relation, ()) for relation in given]
    relations: dict[Relation, tuple[str, ...]] = {}
    for given_relation, names in pairs:
        relation = _relation(given_relation)
        if relation in relations:
            raise ValueError(f"relation {relation} is given twice; parallel edges need no relation of their own")
        if isinstance(names, str) or len(set(names)) < len(tuple(names)):
            raise ValueError(f"relation {relation}: edge features are a tuple of different names, got {names!r}")
        _strings(names, f"an edge feature of {relation}")
        relations[relation] = tuple(names)
    return relations


def _relation(relation: object) -> Relation:
    names = tuple(relation) if isinstance(relation, list | tuple) else ()
    if len(names) != 3 or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"a relation is (source modality, name, destination modality), got {relation!r}")
    return names


def _channels(modality: str, channels: object) -> int:
    if isinstance(channels, bool) or not isinstance(channels, SupportsIndex) or operator.index(channels) < 0:
        raise ValueError(f"modality {modality!r} has {channels!r} channels; give a number, 0 is the least")
    return operator.index(channels)


def _strings(names: Iterable[object], what: str) -> None:
    for name in names:
        if not isinstance(name, str) or not name:
            raise ValueError(f"the name of {what} is a non-empty string, got {name!r}")


def _check(schema: GraphSchema, relations: Mapping[Relation, tuple[str, ...]]) -> None:
    known = list(schema.modalities)
    if not known:
        raise ValueError("a schema needs at least one modality")
    _strings(known, "a modality")
    for relation in relations:
        for modality in (relation[0], relation[2]):
            if modality not in known:
                raise ValueError(f"relation {relation} names the unknown modality {modality!r}; known: {known}")
    for modality, values in schema.attributes.items():
        if modality not in known:
            raise ValueError(f"attributes {list(values)} are of the unknown modality {modality!r}; known: {known}")
        _strings(values, f"an attribute of {modality!r}")
        for name, value in values.items():
            if value != STANDARD_ATTRIBUTES.get(name, value):
                raise ValueError(f"attribute {name!r} of {modality!r} must be {STANDARD_ATTRIBUTES[name]}, got {value}")
            if value.of is not None:
                raise ValueError(f"attribute {name!r} of {modality!r} has of={value.of!r}, which is for targets only")
    _strings(schema.targets, "a target")
    for name, target in schema.targets.items():
        if target.of is not None and target.of not in known:
            raise ValueError(f"target {name!r} is of the unknown modality {target.of!r}; known: {known}")
        if target.dtype == "text":
            raise ValueError(f"target {name!r} is a text; give the number of its class, texts are attributes of nodes")
