"""`Sentences`: a text as sentences."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
import torch

from mmgraph.features.hashing import check_grams, hashed_grams
from mmgraph.features.raw import Part, check_each, join, text_of
from mmgraph.features.words import tokens
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet

END = re.compile(r"""(?<=[.!?…])["'”’»)\]]*\s+(?=[^\s])|(?<=[。！？])["'”’»)\]」』]*|\n\s*\n""")
"""After a full stop and its like, with closing quotes, before a space; after a Chinese one; an empty line."""
ABBREVIATED = re.compile(r"(?:^|[\s(])(?:[^\W\d_]|Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|z\.B|d\.h|Nr|No|ca|bzw)\.$")


@dataclass(frozen=True)
class Sentences:
    """One node per sentence of a text, with the hashed character n-grams of its words as features.

    A sentence ends at `.`, `!`, `?` or `…` before a space, at `。`, `！`, `？`, and at an empty line; not after an
    initial or a common abbreviation such as "Dr.", and not before a lower-case letter. Nodes carry `position`, `text`,
    and `characters` int64 [2], where the sentence starts and ends in the text. `x` [sentences, channels] has length 1,
    or is 0 for a sentence without any word or mark; see `hashed_grams`.

    Args:
        channels: numbers that n-grams are hashed to.
        low: shortest n-gram, characters.
        high: longest n-gram.

    Raises:
        ValueError: on sizes that are not channels >= 1, 1 <= low <= high; when called, on inputs that are not str.

    Example:
        >>> Sentences(64)(["Dr. No is late. Is he? Yes!"]).attributes["text"].tolist()
        ['Dr. No is late.', 'Is he?', 'Yes!']
    """

    channels: int = 256
    _: KW_ONLY
    low: int = 3
    high: int = 4

    def __post_init__(self) -> None:
        check_grams(self.channels, self.low, self.high)

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`position`, `text`, `characters`."""
        standard = {name: STANDARD_ATTRIBUTES[name] for name in ("position", "text")}
        return {**standard, "characters": Field("int64", (2,))}

    def fit(self, raws: Iterable[Any]) -> Self:
        """Itself: there is nothing to learn."""
        return self

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The sentences of each text, none where it is None."""
        return join(check_each(raws, self._sentences), len(raws), self.channels, self.attributes)

    def _sentences(self, raw: object) -> Part:
        text = text_of(raw, "Sentences")
        places = sentence_places(text)
        parts = [text[start:end] for start, end in places]
        x = np.zeros((len(parts), self.channels), dtype=np.float32)
        for row, part in enumerate(parts):
            x[row] = hashed_grams(tokens(part), self.channels, self.low, self.high)
        characters = torch.tensor(places, dtype=torch.int64).view(-1, 2)
        return torch.from_numpy(x), {"position": torch.arange(len(parts)), "text": parts, "characters": characters}


def sentence_places(text: str) -> list[tuple[int, int]]:
    """Where each sentence of a text starts and ends, without the spaces around it.

    Example:
        >>> sentence_places("One. Two.")
        [(0, 4), (5, 9)]
    """
    places, start = [], 0
    for match in END.finditer(text):
        end, following = match.end(), text[match.end() : match.end() + 1]
        before = text[max(start, match.start() - 12) : match.start()]  # longer than any abbreviation
        if match.group().count("\n") < 2 and (following.islower() or ABBREVIATED.search(before)):
            continue
        places.append((start, end))
        start = end
    places.append((start, len(text)))
    return [trimmed for place in places if (trimmed := _trim(text, *place))]


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    part = text[start:end]
    if not part.strip():
        return None
    return start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())
