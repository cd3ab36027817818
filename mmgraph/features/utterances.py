"""`Utterances`: a conversation as what was said in turn."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch

from mmgraph.features.boxes import check_names
from mmgraph.features.hashing import check_grams, hashed_grams
from mmgraph.features.raw import Part, check_each, join, rows_of
from mmgraph.features.words import tokens
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet


@dataclass(frozen=True)
class Utterances:
    """One node per utterance of a conversation, with the hashed character n-grams of its words as features.

    A raw input is a list of utterances, each a mapping with `text`, and where they are known `speaker` (a string) and
    `start` and `end` in seconds; or just a string. Nodes carry `position`, `text`, `speaker` (its number in `speakers`
    from 1; 0 is unknown or not given) and, with `times`, `span`. An utterance without any word has zeros in `x`
    [utterances, channels], the others have length 1; see `hashed_grams`.

    Args:
        channels: numbers that n-grams are hashed to.
        low: shortest n-gram, characters.
        high: longest n-gram.
        times: whether every utterance has `start` and `end`, and nodes carry `span`.
        speakers: name i of it gets number i + 1. Learn them with `fit`.

    Raises:
        ValueError: on sizes that are not channels >= 1, 1 <= low <= high, on empty or repeated speakers; when called,
            on an input of another form, and with `times` on an utterance without times, or one that ends before it
            starts. The utterance is named.

    Example:
        >>> talk = [{"text": "Ready?", "speaker": "Ann"}, {"text": "Nearly.", "speaker": "Bob"}, "Well, well."]
        >>> front_end = Utterances(64).fit([talk])
        >>> front_end.speakers, front_end([talk]).attribute("speaker").tolist()
        (('Ann', 'Bob'), [1, 2, 0])
    """

    channels: int = 256
    _: KW_ONLY
    low: int = 3
    high: int = 4
    times: bool = False
    speakers: Sequence[str] = ()

    def __post_init__(self) -> None:
        check_grams(self.channels, self.low, self.high)
        object.__setattr__(self, "speakers", check_names(self.speakers, "speakers"))

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`position`, `text`, `speaker`, and with `times` `span`."""
        names = ("position", "text", "span") if self.times else ("position", "text")
        speaker = Field("int64", num_classes=len(self.speakers) + 1)
        return {**{name: STANDARD_ATTRIBUTES[name] for name in names}, "speaker": speaker}

    def fit(self, raws: Iterable[Any]) -> Self:
        """The same with the speakers of these conversations, most frequent first, then in the order of the alphabet.

        Raises:
            ValueError: for an input of another form.
        """
        counts = Counter(one["speaker"] for raw in raws for one in _each(raw) if one.get("speaker"))
        return replace(self, speakers=tuple(name for _, name in sorted((-n, name) for name, n in counts.items())))

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The utterances of each conversation, none where it is None."""
        return join(check_each(raws, self._utterances), len(raws), self.channels, self.attributes)

    def _utterances(self, raw: object) -> Part:
        found = list(_each(raw))
        x = np.zeros((len(found), self.channels), dtype=np.float32)
        for row, one in enumerate(found):
            x[row] = hashed_grams(tokens(one["text"]), self.channels, self.low, self.high)
        attributes: dict[str, Any] = {
            "position": torch.arange(len(found)),
            "text": [one["text"] for one in found],
            "speaker": torch.tensor([self._number.get(one.get("speaker") or "", 0) for one in found]).long(),
        }
        if self.times:
            attributes["span"] = _spans(found)
        return torch.from_numpy(x), attributes

    @cached_property
    def _number(self) -> dict[str, int]:
        return {name: index + 1 for index, name in enumerate(self.speakers)}


def _each(raw: object) -> Iterator[Mapping[str, Any]]:
    """Each utterance as a mapping."""
    if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
        raise ValueError(f"Utterances takes a list of utterances, got {type(raw).__name__}")
    for index, one in enumerate(raw):
        given = {"text": one} if isinstance(one, str) else one
        if not isinstance(given, Mapping) or not isinstance(given.get("text"), str):
            raise ValueError(f"utterance {index} is a str or a mapping with a str under 'text', got {one!r:.80}")
        if not isinstance(given.get("speaker"), str | None):
            raise ValueError(f"utterance {index}: speaker is a string, got {given['speaker']!r}")
        yield given


def _spans(found: Sequence[Mapping[str, Any]]) -> torch.Tensor:
    for index, one in enumerate(found):
        if not all(isinstance(one.get(end), int | float | np.number) for end in ("start", "end")):
            raise ValueError(f"utterance {index} has no 'start' and 'end' in seconds; give them, or times=False")
    span = rows_of([[one["start"], one["end"]] for one in found], 2, "span")
    late = span[:, 1] < span[:, 0]
    if late.any():
        raise ValueError(f"utterance {int(late.argmax())} ends before it starts: {span[late][0].tolist()} s")
    return torch.from_numpy(span)
