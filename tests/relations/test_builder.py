"""`GraphBuilder`, with front ends of a line each; those of the package are built in tests/features and tests/graphs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Self, overload

import numpy as np
import pytest
import torch

from mmgraph.features import LogMel, Patches, Words
from mmgraph.graph import EdgeList, Field, GraphBatch, NodeSet
from mmgraph.relations import (
    Complete,
    FrontEnd,
    GlobalNodes,
    GraphBuilder,
    Nearest,
    Random,
    Rule,
    Scrambled,
    TimeOverlap,
    UnitNodes,
    Window,
    star_relations,
)


@dataclass(frozen=True)
class Numbers:
    """A node per number of a list, less the largest one seen in training."""

    largest: float = 0.0
    channels: int = 1

    @property
    def attributes(self) -> Mapping[str, Field]:
        return {"position": Field("int64")}

    def fit(self, raws: Iterable[Any]) -> Self:
        largest = 0.0
        for raw in raws:
            if "bad" in raw:
                raise ValueError("cannot learn from this")
            largest = max(largest, *raw)
        return replace(self, largest=largest)

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        if any(raw is not None and "bad" in raw for raw in raws):
            raise ValueError("cannot read this")
        parts = [torch.tensor(raw or []).float().view(-1, 1) - self.largest for raw in raws]
        return NodeSet.of(parts, position=[torch.arange(len(part)) for part in parts])


class Recorded(Sequence[Any]):
    """Samples that remember how often each was read."""

    def __init__(self, samples: list[Any]) -> None:
        self.samples, self.reads = samples, [0] * len(samples)

    def __len__(self) -> int:
        return len(self.samples)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Any: ...
    def __getitem__(self, index: int | slice) -> Any:
        assert isinstance(index, int)
        self.reads[index] += 1
        return self.samples[index]


SAMPLES = [
    {"id": "both", "a": [1, 2], "b": [3], "answer": 4},
    {"id": "no b", "a": [5], "b": None},
    {"id": "no a", "b": [6, 7], "answer": None, "truth": "ignored"},
]
WITHIN, ACROSS = ("a", "near", "a"), ("b", "with", "a")
NODES: dict[str, FrontEnd] = {"a": Numbers(), "b": Numbers()}
RELATIONS: dict[tuple[str, str, str], Rule] = {WITHIN: Window(1, 1, loops=False), ACROSS: Complete()}
BUILDER = GraphBuilder(NODES, RELATIONS, {"answer": Field("int64")})


def equal(a: GraphBatch, b: GraphBatch) -> bool:
    """The same schema, ids, and bits in every tensor."""
    tensors: list[list[torch.Tensor]] = []
    for batch in (a, b):
        found: list[torch.Tensor] = []
        batch.map(lambda tensor, found=found: found.append(tensor) or tensor)  # type: ignore[misc]
        tensors.append(found)
    same = all(torch.equal(x, y) for x, y in zip(*tensors, strict=True))
    return a.schema == b.schema and a.ids == b.ids and same


def test_samples_become_graphs_and_a_missing_input_leaves_its_modality_empty() -> None:
    batch = BUILDER(SAMPLES)
    assert batch.ids.tolist() == ["both", "no b", "no a"]
    assert batch.present.tolist() == [[True, True], [True, False], [False, True]]
    assert batch.nodes["a"].x.squeeze(1).tolist() == [1, 2, 5]
    assert batch.relation(WITHIN).ptr.tolist() == [0, 2, 2, 2]
    assert batch.relation(ACROSS).ptr.tolist() == [0, 2, 2, 2]
    assert batch.targets["answer"].values.tolist() == [4, 0, 0]
    assert batch.targets["answer"].mask.tolist() == [True, False, False]


def test_the_schema_is_known_before_anything_is_built() -> None:
    rules: dict[tuple[str, str, str], Rule] = {WITHIN: Nearest(1, features=("distance",))}
    schema = GraphBuilder(NODES, rules, {"answer": Field("int64")}).schema
    assert schema.modalities == {"a": 1, "b": 1}
    assert schema.edge_features(WITHIN) == ("distance",)
    assert list(schema.attributes["b"]) == ["position"]
    assert BUILDER(SAMPLES).schema == BUILDER.schema


def test_inputs_say_under_which_key_a_modality_stands() -> None:
    builder = GraphBuilder({"a": Numbers()}, inputs={"a": "numbers"})
    assert builder([{"id": "x", "numbers": [1, 2, 3]}]).nodes["a"].num_nodes == 3


@pytest.mark.parametrize("chunk_size", [1, 2, 256])
def test_graphs_do_not_depend_on_the_chunks_and_each_sample_is_read_once(chunk_size: int) -> None:
    samples = Recorded(SAMPLES)
    assert equal(BUILDER(samples, chunk_size=chunk_size), BUILDER(SAMPLES))
    assert samples.reads == [1, 1, 1]


def test_a_sample_alone_is_a_batch_of_one() -> None:
    together = BUILDER(SAMPLES)
    for index, sample in enumerate(SAMPLES):
        assert equal(BUILDER([sample]), together[index])


def test_the_number_of_threads_is_as_before() -> None:
    torch.set_num_threads(2)
    BUILDER(SAMPLES)
    assert torch.get_num_threads() == 2


def test_the_progress_bar_counts_samples(capsys: pytest.CaptureFixture[str]) -> None:
    BUILDER(SAMPLES, chunk_size=2)
    assert capsys.readouterr().err == ""
    BUILDER(SAMPLES, chunk_size=2, progress=True)
    assert "3/3" in capsys.readouterr().err


def test_fit_gives_a_new_builder_that_has_learned_from_each_front_ends_own_inputs() -> None:
    learned = BUILDER.fit(SAMPLES)
    assert learned.nodes == {"a": Numbers(5.0), "b": Numbers(7.0)}
    assert learned(SAMPLES).nodes["a"].x.squeeze(1).tolist() == [-4, -3, 0]


def test_the_schema_follows_what_was_learned() -> None:
    builder = GraphBuilder({"text": Words()})
    assert builder.fit([{"id": "a", "text": "one two"}]).schema.attributes["text"]["token"].num_classes == 3


def test_nothing_is_read_where_there_is_nothing_to_learn() -> None:
    samples = Recorded([{"id": "a", "image": None}])
    GraphBuilder({"image": Patches(2)}).fit(samples)
    assert samples.reads == [0]


def test_an_error_while_learning_names_modality_and_sample() -> None:
    samples = [*SAMPLES, {"id": "wrong", "b": ["bad"]}]
    with pytest.raises(ValueError, match=r"(?s)cannot learn.*fit of modality 'b', after sample 'wrong' was read"):
        BUILDER.fit(samples)
    with pytest.raises(ValueError, match=r"(?s)sample 0 is a mapping.*in fit of modality 'a'"):
        BUILDER.fit([{"a": [1]}])


def test_an_input_that_its_front_end_refuses_names_sample_and_modality() -> None:
    samples = [*SAMPLES, {"id": "wrong", "b": ["bad"]}]
    with pytest.raises(ValueError, match=r"(?s)cannot read this.*in modality 'b' of sample 'wrong'"):
        BUILDER(samples)


class Crowded:
    """Refuses several inputs at once, whatever they are."""

    channels = 1
    attributes: Mapping[str, Field] = MappingProxyType({})

    def fit(self, raws: Iterable[Any]) -> Self:
        return self

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        if len(raws) > 1:
            raise ValueError("too many at once")
        return NodeSet.of([torch.zeros(1, 1)])


def test_an_error_that_no_single_sample_causes_names_the_modality() -> None:
    with pytest.raises(ValueError, match=r"(?s)too many at once.*in modality 'a' of samples 'both' to 'no a'"):
        GraphBuilder({"a": Crowded(), "b": Numbers()})(SAMPLES)


def test_a_sample_without_any_input_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="sample 'nothing' has no input: a, b are all None or absent"):
        BUILDER([*SAMPLES, {"id": "nothing", "a": None}])


def test_a_sample_whose_inputs_give_no_node_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="sample 'silent' is empty"):
        BUILDER([*SAMPLES, {"id": "silent", "a": []}])


@pytest.mark.parametrize("chunk_size", [1, 4])
def test_repeated_ids_are_an_error_that_names_them(chunk_size: int) -> None:
    with pytest.raises(ValueError, match="ids must be unique, these came before: 'both'"):
        BUILDER([*SAMPLES, SAMPLES[0]], chunk_size=chunk_size)


@pytest.mark.parametrize("sample", [{"a": [1]}, {"id": 7, "a": [1]}, ["both"]])
def test_a_sample_is_a_mapping_with_an_id(sample: Any) -> None:
    with pytest.raises(ValueError, match="sample 1 is a mapping with a string under 'id', got "):
        BUILDER([SAMPLES[0], sample])


@pytest.mark.parametrize(("samples", "got"), [([], "an empty one"), (SAMPLES[0], r"give a list, \[sample\]")])
@pytest.mark.unchecked
def test_samples_are_a_sequence_of_samples(samples: Any, got: str) -> None:
    with pytest.raises(ValueError, match=f"samples is a sequence of raw samples, got .*{got}"):
        BUILDER(samples)


@pytest.mark.parametrize("wrong", [{"jobs": 0}, {"jobs": -2}, {"chunk_size": 0}])
def test_jobs_and_chunks_are_at_least_one(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}={next(iter(wrong.values()))}"):
        BUILDER(SAMPLES, **wrong)  # type: ignore[arg-type]


def test_a_wrong_target_names_the_sample() -> None:
    with pytest.raises(ValueError, match=r"(?s)got 'seven'.*in target 'answer' of sample 'x'"):
        BUILDER([{"id": "x", "a": [1], "answer": "seven"}])


def test_a_rule_that_needs_what_its_nodes_lack_is_refused_at_once_by_name() -> None:
    overlap = {("a", "during", "b"): TimeOverlap()}
    with pytest.raises(ValueError, match=r"(?s)TimeOverlap.*needs the attribute 'span'.*\('a', 'during', 'b'\)"):
        GraphBuilder(NODES, overlap)
    with pytest.raises(ValueError, match=r"(?s)Nearest.*got 2 channels in src.*in relation \('b', 'like', 'a'\)"):
        GraphBuilder({"a": Numbers(), "b": Numbers(channels=2)}, {("b", "like", "a"): Nearest(1)})


def test_a_relation_or_input_of_an_unknown_modality_is_refused() -> None:
    with pytest.raises(ValueError, match="names the unknown modality 'c'"):
        GraphBuilder(NODES, {("a", "with", "c"): Complete()})
    with pytest.raises(ValueError, match="inputs names the unknown modality 'picture'; nodes has a, b"):
        GraphBuilder(NODES, inputs={"picture": "image"})


def test_a_target_that_is_a_text_is_refused() -> None:
    with pytest.raises(ValueError, match="target 'caption' is a text"):
        GraphBuilder(NODES, targets={"caption": Field("text")})


class Backwards:
    """A rule that forgot the order."""

    feature_names: tuple[str, ...] = ()

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        edges = Complete()(src, dst)
        return EdgeList(edges.ptr, edges.src.flip(0), edges.dst.flip(0))


def test_a_rule_of_somebody_else_is_checked_too() -> None:
    with pytest.raises(ValueError, match=r"sample 'both', relation .*not sorted by destination"):
        GraphBuilder(NODES, {WITHIN: Backwards()})(SAMPLES)


# --- extra nodes, and chance

FUSION = GraphBuilder(
    NODES,
    {**star_relations("fusion", ["a", "b"]), WITHIN: Random(1), ("b", "near", "b"): Scrambled(Window(1, -1))},
    extra={"fusion": GlobalNodes(2)},
)


def test_extra_nodes_are_a_modality_of_the_schema_after_the_others() -> None:
    batch = FUSION(SAMPLES)
    assert list(FUSION.schema.modalities) == ["a", "b", "fusion"] and batch.schema == FUSION.schema
    assert FUSION.schema.attributes["fusion"]["slot"].num_classes == 2
    assert batch.nodes["fusion"].counts.tolist() == [2, 2, 2]
    assert batch.relation(("a", "to", "fusion")).ptr.tolist() == [0, 4, 6, 6]
    assert "sample" not in batch.nodes["a"].attributes


def test_a_sample_without_other_nodes_is_an_error_though_it_could_have_extra_ones() -> None:
    with pytest.raises(ValueError, match="sample 'silent' is empty"):
        FUSION([*SAMPLES, {"id": "silent", "a": []}])


@pytest.mark.parametrize("chunk_size", [1, 2])
def test_chance_depends_on_the_sample_alone(chunk_size: int) -> None:
    samples = [{"id": f"s{index}", "a": [*range(5)], "b": [*range(6)]} for index in range(5)]
    together = FUSION(samples)
    assert equal(FUSION(samples, chunk_size=chunk_size), together)
    assert equal(FUSION(samples[::-1])[::-1], together)
    assert together.relation(WITHIN).src.view(5, 5).unique(dim=0).shape[0] > 1


def test_extra_nodes_that_do_not_fit_are_refused_at_once_by_name() -> None:
    with pytest.raises(ValueError, match="extra nodes need a name of their own, 'a' is a modality"):
        GraphBuilder(NODES, extra={"a": GlobalNodes()})
    with pytest.raises(ValueError, match=r"(?s)unknown modality 'c'; there are a, b.*in extra nodes 'all c'"):
        GraphBuilder(NODES, extra={"all c": GlobalNodes(of="c")})
    with pytest.raises(ValueError, match=r"(?s)UnitNodes.*needs the attribute 'unit'.*in extra nodes 'utterance'"):
        GraphBuilder(NODES, extra={"utterance": UnitNodes()})


# --- workers

CHANCE = np.random.default_rng(0)
RAW = [
    {
        "id": f"s{index}",
        "image": CHANCE.random((4, 6), dtype=np.float32) if index % 3 else None,
        "text": "one two three"[: index + 1],
        "audio": (CHANCE.standard_normal(700 + 90 * index).astype(np.float32) / 9, 8000),
        "answer": index if index % 2 else None,
    }
    for index in range(9)
]
WHOLE = GraphBuilder(
    {"image": Patches(2), "text": Words(("one", "two")), "audio": LogMel(stack=2)},
    {
        ("image", "like", "image"): Nearest(2, "cosine", features=("similarity",)),
        ("audio", "during", "audio"): TimeOverlap(-0.03),
        ("text", "with", "audio"): Complete(),
    },
    {"answer": Field("int64")},
)


def test_workers_build_exactly_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    samples = Recorded(RAW)
    built = WHOLE(samples, jobs=2, chunk_size=2, progress=True)
    assert equal(built, WHOLE(RAW, chunk_size=2))
    assert samples.reads == [1] * 9
    assert "9/9" in capsys.readouterr().err


def test_an_error_in_a_worker_names_the_sample() -> None:
    silent = {**RAW[0], "id": "silent", "audio": (np.zeros(0, dtype=np.float32), 8000)}
    with pytest.raises(ValueError, match=r"(?s)without samples.*in modality 'audio' of sample 'silent'"):
        WHOLE([*RAW, silent], jobs=2, chunk_size=2)
