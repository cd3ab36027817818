"""`GraphBuilder`: raw samples to graphs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any, Protocol, Self

import torch

from mmgraph.graph import DTYPES, EdgeList, Field, GraphBatch, GraphSchema, NodeSet, Relation, Texts
from mmgraph.relations.chance import SAMPLE, sample_numbers
from mmgraph.relations.extra_nodes import NodeMaker
from mmgraph.relations.rule import Rule
from mmgraph.relations.targets import collect_targets

Sample = Mapping[str, Any]


class FrontEnd(Protocol):
    """Turns the raw inputs of one modality into nodes. Statistics and vocabularies are fields, learned by `fit`."""

    @property
    def channels(self) -> int:
        """Channels of the node features."""

    @property
    def attributes(self) -> Mapping[str, Field]:
        """The attributes that the nodes carry."""

    def fit(self, raws: Iterable[Any]) -> Self:
        """A front end that has learned from raw training inputs; itself where there is nothing to learn."""

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """Nodes of each raw input, none where it is None."""


@dataclass(frozen=True, eq=False)
class GraphBuilder:
    """Turns raw samples into a `GraphBatch`: front ends make the nodes, rules the edges.

    A raw sample is a mapping with a unique `id`, one key per raw input (None or absent: that modality has no nodes) and
    targets (None or absent: masked). Other keys are ignored. A mistake in a sample is a ValueError that names its id, a
    rule that needs an attribute that its nodes do not carry one that names the rule, when the builder is made.

    Args:
        nodes: front end of each modality, in the order of the schema.
        relations: rule of each `(source modality, name, destination modality)`.
        targets: field of each target; its name is the key in a sample.
        inputs: key of a modality's raw input in a sample, where it is not the modality's name.
        extra: nodes that stand for no raw input, made from the other nodes, such as `GlobalNodes`; each is a modality
            of the schema, after those of `nodes`.

    Raises:
        ValueError: on a relation of an unknown modality, a rule that does not fit the nodes, an input of an unknown
            modality, extra nodes under the name of a modality, or a target that is a text.

    Example:
        >>> import numpy as np
        >>> from mmgraph.features import Patches, Words
        >>> from mmgraph.relations import Complete, Grid
        >>> samples = [{"id": "a", "picture": np.zeros((8, 8)), "text": "all black", "answer": 0},
        ...            {"id": "b", "picture": None, "text": "nothing to see"}]
        >>> builder = GraphBuilder(
        ...     nodes={"image": Patches(4), "text": Words()},
        ...     relations={("image", "beside", "image"): Grid(8), ("text", "with", "image"): Complete()},
        ...     targets={"answer": Field("int64", num_classes=10)},
        ...     inputs={"image": "picture"},
        ... ).fit(samples)
        >>> builder(samples)
        GraphBatch(2 graphs; nodes: image 4x16, text 5x0; edges: image-beside-image 12, text-with-image 8;
            targets: answer)
    """

    nodes: Mapping[str, FrontEnd]
    relations: Mapping[Relation, Rule] = field(default_factory=dict)
    targets: Mapping[str, Field] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, NodeMaker] = field(default_factory=dict)
    schema: GraphSchema = field(init=False)

    def __post_init__(self) -> None:
        for modality in self.inputs:
            if modality not in self.nodes:
                raise ValueError(f"inputs names the unknown modality {modality!r}; nodes has {', '.join(self.nodes)}")
        for modality in self.extra:
            if modality in self.nodes:
                raise ValueError(f"extra nodes need a name of their own, {modality!r} is a modality of nodes")
        for name, target in self.targets.items():
            if target.dtype == "text":
                raise ValueError(f"target {name!r} is a text; a target is a number, such as a class")
        makers: dict[str, FrontEnd | NodeMaker] = {**self.nodes, **self.extra}
        schema = GraphSchema(
            {modality: maker.channels for modality, maker in makers.items()},
            {relation: rule.feature_names for relation, rule in self.relations.items()},
            {modality: maker.attributes for modality, maker in makers.items()},
            self.targets,
        )
        object.__setattr__(self, "schema", schema)
        # The rules meet nodes of the declared kind once, none of them, so that what does not fit is found here.
        self._edges(self._with_extra({modality: _no_nodes(schema, modality) for modality in self.nodes}), [""])

    def fit(self, samples: Sequence[Any]) -> "GraphBuilder":
        """A new builder whose front ends have learned from these samples: give those of the training split only.

        Samples are read once for each front end that has something to learn.

        Raises:
            ValueError: as the front ends do, naming the modality and the sample that was read last.
        """
        return replace(self, nodes={modality: self._fit(modality, samples) for modality in self.nodes})

    def __call__(
        self, samples: Sequence[Any], *, jobs: int = 1, progress: bool = False, chunk_size: int = 256
    ) -> GraphBatch:
        """Build the graphs of all samples; every sample is read once.

        Only `chunk_size` raw samples are in memory at a time, with workers twice as many for each. The result does not
        depend on `jobs`.

        Args:
            samples: raw samples; one sample is `[sample]`.
            jobs: processes (joblib with loky); -1 for one per core. Samples and graphs travel between the processes, so
                they pay where front ends work hard, as on long sounds at another rate, and not for small samples.
            progress: show a progress bar.
            chunk_size: samples that are built together.

        Raises:
            ValueError: on no samples, a sample without or with a repeated id, a sample without any input, an input or
                target that is not what its front end or field takes: all name the sample.
        """
        if isinstance(samples, Mapping) or not len(samples):
            got = "one sample: give a list, [sample]" if isinstance(samples, Mapping) else "an empty one"
            raise ValueError(f"samples is a sequence of raw samples, got {got}")
        if jobs == 0 or jobs < -1 or chunk_size < 1:
            raise ValueError(f"{jobs=}, {chunk_size=}: give jobs >= 1, or -1 for all cores, and chunk_size >= 1")
        chunks = _read(samples, chunk_size)
        batches = []
        with _bar(len(samples), shown=progress) as step:
            for batch in _run(partial(_build, self), chunks, 1 if len(samples) <= chunk_size else jobs):
                batches.append(batch)
                step(batch.num_graphs)
        return GraphBatch.concat(batches)

    def _fit(self, modality: str, samples: Sequence[Any]) -> FrontEnd:
        last = ""

        def raws() -> Iterator[Any]:
            nonlocal last
            for index in range(len(samples)):
                sample = samples[index]
                last = f", after sample {_id(sample, index)!r} was read"
                if (raw := sample.get(self._key(modality))) is not None:
                    yield raw

        try:
            return self.nodes[modality].fit(raws())
        except ValueError as error:
            error.add_note(f"in fit of modality {modality!r}{last}")
            raise

    def _nodes(self, modality: str, samples: Sequence[Sample]) -> NodeSet:
        front_end, raws = self.nodes[modality], [sample.get(self._key(modality)) for sample in samples]
        try:
            return front_end(raws)
        except ValueError as error:
            for raw, sample in zip(raws, samples, strict=True):
                try:
                    front_end([raw])
                except ValueError as single:
                    single.add_note(f"in modality {modality!r} of sample {sample['id']!r}")
                    raise single from None
            error.add_note(f"in modality {modality!r} of samples {samples[0]['id']!r} to {samples[-1]['id']!r}")
            raise

    def _with_extra(self, nodes: Mapping[str, NodeSet]) -> dict[str, NodeSet]:
        made = dict(nodes)
        for modality, maker in self.extra.items():
            try:
                made[modality] = maker(nodes)
            except ValueError as error:
                error.add_note(f"in extra nodes {modality!r}")
                raise
        return made

    def _edges(self, given: Mapping[str, NodeSet], ids: Sequence[str]) -> dict[Relation, EdgeList]:
        number = sample_numbers(ids)
        nodes = {m: NodeSet(n.x, n.ptr, {SAMPLE: number[n.graph], **n.attributes}) for m, n in given.items()}
        edges = {}
        for relation, rule in self.relations.items():
            try:
                edges[relation] = rule(nodes[relation[0]], nodes[relation[2]])
            except ValueError as error:
                error.add_note(f"in relation {relation}")
                raise
        return edges

    def _key(self, modality: str) -> str:
        return self.inputs.get(modality, modality)


def _build(builder: GraphBuilder, samples: Sequence[Sample]) -> GraphBatch:
    """One chunk. Always with one torch thread, so that rounding is the same in this process and in workers."""
    keys = [builder._key(modality) for modality in builder.nodes]
    for sample in samples:
        if all(sample.get(key) is None for key in keys):
            raise ValueError(f"sample {sample['id']!r} has no input: {', '.join(keys)} are all None or absent")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        nodes = builder._with_extra({modality: builder._nodes(modality, samples) for modality in builder.nodes})
        ids = [sample["id"] for sample in samples]
        edges = builder._edges(nodes, ids)
        targets = collect_targets(builder.targets, samples, nodes)
        return GraphBatch.build(builder.schema, nodes, edges, targets, ids)
    finally:
        torch.set_num_threads(threads)


def _run(
    build: Callable[[Sequence[Sample]], GraphBatch], chunks: Iterator[list[Sample]], jobs: int
) -> Iterator[GraphBatch]:
    """The chunks' graphs, in order. This process reads the samples, a round at a time, the workers build."""
    if jobs == 1:
        yield from map(build, chunks)
        return
    from joblib import Parallel, delayed, effective_n_jobs

    # Left to itself joblib hands a whole round of quick chunks to one worker.
    with Parallel(n_jobs=jobs, backend="loky", return_as="generator", batch_size=1, pre_dispatch="all") as parallel:
        while chunk_round := list(islice(chunks, 2 * effective_n_jobs(jobs))):
            yield from parallel(delayed(build)(chunk) for chunk in chunk_round)


def _read(samples: Sequence[Any], chunk_size: int) -> Iterator[list[Sample]]:
    seen: set[str] = set()
    for start in range(0, len(samples), chunk_size):
        chunk = [samples[index] for index in range(start, min(start + chunk_size, len(samples)))]
        names = [_id(sample, start + offset) for offset, sample in enumerate(chunk)]
        repeated = [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
        if repeated:
            raise ValueError(f"ids must be unique, these came before: {', '.join(map(repr, repeated[:8]))}")
        yield chunk


def _id(sample: object, index: int) -> str:
    name = sample.get("id") if isinstance(sample, Mapping) else None
    if not isinstance(name, str):
        raise ValueError(f"sample {index} is a mapping with a string under 'id', got {_short(sample)}")
    return name


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        return f"id={value.get('id')!r} and keys {list(value)}"
    return repr(value)[:80]


@contextmanager
def _bar(total: int, *, shown: bool) -> Iterator[Callable[[int], object]]:
    """Call what it gives with the number of samples that are done."""
    if not shown:
        yield lambda done: None
        return
    from tqdm import tqdm

    with tqdm(total=total, unit="sample", desc="graphs") as bar:
        yield bar.update


def _no_nodes(schema: GraphSchema, modality: str) -> NodeSet:
    """No node in one graph, with everything that nodes of the modality carry."""
    attributes = {
        name: Texts.of([]) if value.dtype == "text" else torch.zeros(0, *value.shape, dtype=DTYPES[value.dtype])
        for name, value in schema.attributes[modality].items()
    }
    return NodeSet(torch.zeros(0, schema.modalities[modality]), torch.zeros(2, dtype=torch.int64), attributes)
