"""Whatever comes in, a front end gives valid nodes or says clearly what is wrong; it never hangs.

88 cases in an ordinary run, more with `make fuzz`, see tests/fuzz.py.
"""

import time
import warnings
from functools import cache
from typing import Any

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from PIL import Image

from mmgraph.features import (
    MFCC,
    Boxes,
    CharacterGrams,
    Features,
    LogMel,
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
from tests.fuzz import cases

SECONDS = 10.0  # far more than any case takes


def valid_or_refused(front_end: FrontEnd, raw: Any) -> None:
    started = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nodes = front_end([None, raw])
    except ValueError as error:
        assert str(error).strip()
        assert "in input 1 of 2" in getattr(error, "__notes__", []) or "input 1 of 2" in str(error)
        return
    finally:
        assert time.process_time() - started < SECONDS
    # A second modality, so that a graph may have no node of the first.
    schema = GraphSchema({"m": front_end.channels, "other": 1}, attributes={"m": front_end.attributes})
    other = NodeSet.of([torch.ones(1, 1), torch.ones(1, 1)])
    batch = GraphBatch.build(schema, {"m": nodes, "other": other}, {})
    assert batch.nodes["m"].counts[0] == 0


# Numbers that are easy to get wrong stand first, so that hypothesis tries them often.
numbers = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 255.0, np.nan, np.inf, -np.inf, 1e-320, 1e30, -3e38, 1e300]), st.floats(width=64)
)
dtypes = st.sampled_from(["f2", "f4", "f8", "u1", "i2", "i8", "?", "c8", "U1", "O"])
odd_things = st.one_of(
    st.sampled_from([7, "text", b"bytes", (), [], {}, object(), float("nan"), [[1], [1, 2]], {"image": None}]),
    st.sampled_from([True, "", "\ud800", (None, None), ([], 8000), {"features": None}, [None], np.array(3)]),
)


def arrays(shapes: st.SearchStrategy[tuple[int, ...]]) -> st.SearchStrategy[Any]:
    """Arrays of any dtype and content, among them many in 0..1 that are good input."""
    good = nps.arrays(np.float32, shapes, elements=st.floats(0, 1, width=32))
    bad = nps.arrays(np.float64, shapes, elements=numbers)
    odd = st.tuples(nps.arrays(np.int64, shapes, elements=st.integers(0, 9)), dtypes).map(_converted)
    return st.one_of(good, good, bad, odd)


def _converted(pair: tuple[Any, str]) -> Any:
    return pair[0].astype(pair[1])


def pillow_image(mode: str, width: int, height: int, seed: int) -> Image.Image:
    image = Image.new(mode, (width, height))
    pixels = np.random.default_rng(seed).integers(0, 256, len(image.tobytes())).astype(np.uint8)
    image.frombytes(pixels.tobytes())
    if seed % 2 and mode == "P":
        image.info["transparency"] = seed % 256
    return image


MODES = (
    "1",
    "L",
    "P",
    "RGB",
    "RGBA",
    "CMYK",
    "YCbCr",
    "LAB",
    "HSV",
    "I",
    "F",
    "LA",
    "PA",
    "RGBX",
    "RGBa",
    "La",
    "I;16",
)
pillow = st.builds(pillow_image, st.sampled_from(MODES), st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
image_shapes = st.one_of(nps.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=5), st.just((1, 1)))
images = st.one_of(arrays(image_shapes), pillow, odd_things)
boxes = st.one_of(arrays(st.sampled_from([(0, 4), (1, 4), (3, 4), (4,), (2, 3)])), odd_things)

IMAGE_FRONT_ENDS = (Patches(2), Patches((3, 1), colours=3), Superpixels(4), Superpixels(3, colours=1))


@cases(16)
@given(st.sampled_from(IMAGE_FRONT_ENDS), images)
def test_images(front_end: FrontEnd, raw: Any) -> None:
    valid_or_refused(front_end, raw)


@cases(7)
@given(images, boxes, st.one_of(st.none(), st.lists(st.text(max_size=2), max_size=3), odd_things), boxes)
def test_boxes(image: Any, box: Any, label: Any, score: Any) -> None:
    valid_or_refused(Boxes(2), {"image": image, "box": box, "label": label, "score": score})


@cases(5)
@given(st.one_of(st.tuples(st.lists(images, max_size=3), numbers), st.tuples(images, st.just(5)), odd_things))
def test_videos(raw: Any) -> None:
    valid_or_refused(Video(Patches(2, colours=3)), raw)


lengths = st.sampled_from([(0,), (1,), (2,), (79,), (801,), (1, 2), (9, 1), (100, 2), (3, 40), ()])
rates = st.sampled_from([8000, 16000.0, 44100, 11025, 7919, 1, 3, 767_999, 0, -1, 10**12, 8000.5, None, "8000", np.nan])


def sounds_at(some_rates: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.tuples(arrays(lengths), some_rates), st.tuples(arrays(lengths), st.just(8000)), odd_things)


sounds = sounds_at(rates)
SOUND_FRONT_ENDS: tuple[FrontEnd, ...] = (
    LogMel(),
    MFCC(),
    SoundWindows(),
    VoiceSegments(),
    SoundWindows(44100, window=1e-3),
)


@cases(18)
@given(st.sampled_from(SOUND_FRONT_ENDS), sounds)
@example(LogMel(), (np.zeros((500, 2), dtype=np.float32), 44101))
def test_sounds(front_end: FrontEnd, raw: Any) -> None:
    valid_or_refused(front_end, raw)


@cases(2)
@given(sounds_at(rates.filter(lambda rate: rate not in (1, 3))))
def test_sounds_of_the_speech_model(raw: Any) -> None:
    """Not at 1 or 3 Hz, where 801 samples are minutes of sound, which take the network their time."""
    valid_or_refused(SpeechVectors(), raw)


letters = st.characters(exclude_categories=())  # with lone surrogates
texts = st.one_of(
    st.text(letters, max_size=30),
    st.tuples(st.text(letters, min_size=1, max_size=6), st.integers(100, 500)).map(lambda pair: pair[0] * pair[1]),
    odd_things,
)


@cache
def text_front_ends() -> list[FrontEnd]:
    learned = ["left right größer 日本", "?"]
    subwords = [Subwords("bpe").fit(learned), Subwords("wordpiece").fit(learned)]
    return [Words(("left",)), *subwords, CharacterGrams(16), Sentences(16)]


@cases(16)
@given(st.integers(0, 4), texts)
def test_texts(index: int, raw: Any) -> None:
    valid_or_refused(text_front_ends()[index], raw)


@cases(4)
@given(st.sampled_from(["syntax", "token", "sentence"]), st.one_of(st.text(letters, max_size=200), odd_things))
def test_texts_of_the_pretrained_models(name: str, raw: Any) -> None:
    valid_or_refused(pretrained(name), raw)


@cache
def pretrained(name: Any) -> FrontEnd:
    return ParsedWords() if name == "syntax" else TextVectors(per=name)


utterance = st.one_of(texts, st.fixed_dictionaries({"text": texts, "speaker": texts, "start": numbers, "end": numbers}))


@cases(4)
@given(st.booleans(), st.one_of(st.lists(utterance, max_size=3), odd_things))
def test_conversations(times: bool, raw: Any) -> None:
    valid_or_refused(Utterances(16, times=times), raw)


tables = arrays(st.sampled_from([(0, 2), (1, 2), (4, 2), (2,), (2, 3), (0,)]))
names = st.one_of(st.none(), st.lists(st.text(letters, max_size=3), max_size=4), odd_things)


@cases(7)
@given(
    st.sampled_from([Features(2), Features(2, span=True, box=True, text=True), Features(2, rate=3, unknown="drop")]),
    st.one_of(tables, st.fixed_dictionaries({"features": tables, "span": tables, "box": boxes, "text": names})),
)
def test_precomputed_features(front_end: FrontEnd, raw: Any) -> None:
    valid_or_refused(front_end, raw)


@cases(5)
@given(
    st.sampled_from([TimeSeries(2, window=1.0), TimeSeries(2, window=1.0, hop=0.3, mean=(0, 0), std=(1e-30, 1))]),
    st.one_of(
        st.tuples(tables, numbers),
        st.fixed_dictionaries({"values": tables, "time": nps.arrays(np.float64, 4, elements=numbers)}),
        odd_things,
    ),
)
def test_time_series(front_end: FrontEnd, raw: Any) -> None:
    valid_or_refused(front_end, raw)


@cases(4)
@given(st.dictionaries(st.sampled_from(["age", "smoker", "height"]), st.one_of(numbers, texts, st.integers())))
def test_rows_of_tables(raw: Any) -> None:
    record = Table(["age"], ["smoker"], mean=[0], std=[1], values=[["yes"]])
    valid_or_refused(record, raw)
