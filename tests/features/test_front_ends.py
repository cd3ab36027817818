"""What holds for every front end; a new one is asked here before its author writes a test."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import mmgraph.features
from mmgraph.features import (
    MFCC,
    Boxes,
    Cached,
    CharacterGrams,
    Features,
    LogMel,
    Objects,
    ParsedWords,
    Patches,
    Sentences,
    SoundWindows,
    SpeechVectors,
    Subwords,
    Superpixels,
    Table,
    TextVectors,
    TimeSeries,
    Utterances,
    Video,
    VoiceSegments,
    Words,
)
from mmgraph.graph import GraphBatch, GraphSchema, NodeSet
from mmgraph.relations import FrontEnd

MADE = tempfile.TemporaryDirectory()  # gone when the tests end


def image(seed: int) -> Any:
    random = np.random.default_rng(seed)
    return random.random(random.integers(1, 7, 2), dtype=np.float32)


def boxes(seed: int) -> Any:
    random = np.random.default_rng(seed)
    corners = np.sort(random.random((random.integers(1, 4), 2, 2)), axis=1).reshape(-1, 4)
    labels = [str(label) for label in random.choice(["cat", "dog"], len(corners))]
    return {"image": image(seed), "box": corners, "label": labels}


def sound(seed: int) -> Any:
    random = np.random.default_rng(seed)
    return random.standard_normal(random.integers(1, 900)).astype(np.float32) / 9, int(
        random.choice([8000, 8000, 11025])
    )


def text(seed: int) -> Any:
    random = np.random.default_rng(seed)
    return " ".join(random.choice(["left", "Right", "größer", "?", "8"], random.integers(1, 7)))


def talk(seed: int) -> Any:
    return [{"text": text(seed), "speaker": "Ann"}, text(seed + 1)]


def table(seed: int) -> Any:
    random = np.random.default_rng(seed)
    return random.standard_normal((random.integers(1, 6), 3)).astype(np.float32)


def series(seed: int) -> Any:
    return table(seed), 2.0


def row(seed: int) -> Any:
    random = np.random.default_rng(seed)
    return {"age": float(random.integers(20, 90)), "smoker": str(random.choice(["yes", "no"]))}


def video(seed: int) -> Any:
    random = np.random.default_rng(seed)
    return random.random((random.integers(1, 7), 4, 4), dtype=np.float32), 5


def tiny_yolos() -> str:
    """A detector with random weights: what it finds is by chance."""
    from transformers import YolosConfig, YolosForObjectDetection

    torch.manual_seed(0)
    sizes: dict[str, Any] = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = YolosConfig(hidden_size=8, image_size=[32, 32], num_detection_tokens=5, **sizes)
    YolosForObjectDetection(config).save_pretrained(f"{MADE.name}/yolos")
    return f"{MADE.name}/yolos"


EMPTY = (np.zeros(0, dtype=np.float32), 8000)
FRONT_ENDS: dict[str, tuple[Callable[[], Any], Callable[[int], Any], Any]] = {
    "boxes": (lambda: Boxes(2, colours=1), boxes, {"image": np.zeros((2, 2)), "box": [[0.5, 0, 0.5, 1]]}),
    "cached": (lambda: Cached(Patches(2), f"{MADE.name}/cache"), image, np.zeros((2, 2), dtype=np.int64)),
    "grams": (lambda: CharacterGrams(32), text, 7),
    "features": (lambda: Features(3, rate=10, standardise=True), table, [[0, 0, float("nan")]]),
    "mel": (lambda: LogMel(mels=10, stack=2), sound, EMPTY),
    "mfcc": (lambda: MFCC(mels=10, coefficients=5, stack=2), sound, EMPTY),
    "objects": (lambda: Objects(tiny_yolos(), threshold=0, number=3, shorter=32), image, np.zeros(2)),
    "patches": (lambda: Patches((2, 3)), image, np.zeros((2, 2), dtype=np.int64)),
    "sentences": (lambda: Sentences(32), text, 7),
    "windows": (lambda: SoundWindows(window=0.02, hop=0.01), sound, EMPTY),
    "speech": (SpeechVectors, sound, EMPTY),
    "subwords": (lambda: Subwords("wordpiece").fit(["left right"]), text, 7),
    "superpixels": (lambda: Superpixels(4, colours=1), image, np.zeros((2, 2, 3))),
    "syntax": (ParsedWords, text, 7),
    "table": (lambda: Table(["age"], ["smoker"]), row, {"height": 2}),
    "vectors": (lambda: TextVectors(per="sentence"), text, 7),
    "series": (lambda: TimeSeries(3, window=1.0, hop=0.5), series, (np.zeros((2, 3)), 0)),
    "utterances": (lambda: Utterances(32), talk, "hello"),
    "video": (lambda: Video(Superpixels(3, colours=1), rate=2), video, (np.zeros((0, 4, 4)), 5)),
    "voice": (lambda: VoiceSegments(mels=10, least=0), sound, EMPTY),
    "words": (lambda: Words(("left", "right")), text, 7),
}
names = pytest.mark.parametrize("name", FRONT_ENDS)
seeds = st.lists(st.one_of(st.none(), st.integers(0, 99)), min_size=1, max_size=6)


def same(a: NodeSet, b: NodeSet) -> bool:
    """The same nodes; features up to the rounding of a product with another number of rows."""
    if not torch.equal(a.ptr, b.ptr) or not torch.allclose(a.x, b.x, atol=1e-5, rtol=1e-5):
        return False
    pairs = [(a.attributes[name], b.attributes[name]) for name in (*a.attributes, *b.attributes)]
    return all(
        torch.equal(x, y) if isinstance(x, torch.Tensor) and isinstance(y, torch.Tensor) else x == y for x, y in pairs
    )


@cache
def made(name: str) -> FrontEnd:
    front_end: FrontEnd = FRONT_ENDS[name][0]()
    return front_end


def rebuilt(value: Any) -> Any:
    """The same front end from its fields, after a way through JSON."""
    parts = {field.name: getattr(value, field.name) for field in fields(value)}
    plain = {name: part for name, part in parts.items() if not is_dataclass(part)}
    inner = {name: rebuilt(part) for name, part in parts.items() if is_dataclass(part)}
    return type(value)(**json.loads(json.dumps(plain)), **inner)


def test_every_front_end_is_asked_here() -> None:
    exported = (getattr(mmgraph.features, name) for name in mmgraph.features.__all__)
    assert {type(made(name)) for name in FRONT_ENDS} == {kind for kind in exported if hasattr(kind, "channels")} | {
        Features
    }


@names
@settings(max_examples=5)
@given(seeds)
def test_a_batch_equals_its_inputs_one_by_one_and_none_gives_no_node(name: str, seeds: list[int | None]) -> None:
    front_end, make = made(name), FRONT_ENDS[name][1]
    raws = [None if seed is None else make(seed) for seed in seeds]
    together = front_end(raws)
    assert (together.counts == 0).tolist() == [raw is None for raw in raws]
    assert same(together, NodeSet.concat([front_end([raw]) for raw in raws]))


@names
def test_the_nodes_are_what_the_front_end_declares(name: str) -> None:
    front_end, make = made(name), FRONT_ENDS[name][1]
    nodes = front_end([make(0), make(1)])
    schema = GraphSchema({"m": front_end.channels}, attributes={"m": front_end.attributes})
    assert GraphBatch.build(schema, {"m": nodes}, {}).num_graphs == 2
    assert nodes.x.dtype == torch.float32


@names
def test_missing_inputs_alone_are_an_empty_node_set(name: str) -> None:
    front_end = made(name)
    nodes = front_end([None, None])
    assert nodes.ptr.tolist() == [0, 0, 0]
    assert nodes.x.shape == (0, front_end.channels)
    assert set(nodes.attributes) == set(front_end.attributes)


@names
def test_an_input_of_many_that_is_wrong_is_named_by_its_position(name: str) -> None:
    front_end, (_, make, wrong) = made(name), FRONT_ENDS[name]
    with pytest.raises(ValueError, match=r"(?s)in input 2 of 3$"):
        front_end([make(0), None, wrong])
    with pytest.raises(ValueError, match=r"^[^\n]*$"):
        front_end([wrong])


@names
def test_a_fitted_front_end_is_a_value_that_json_carries(name: str) -> None:
    front_end, make = made(name), FRONT_ENDS[name][1]
    fitted = front_end.fit([make(seed) for seed in range(5)])
    again = rebuilt(fitted)
    assert again == fitted
    assert hash(again) == hash(fitted)
    assert same(again([make(7)]), fitted([make(7)]))
