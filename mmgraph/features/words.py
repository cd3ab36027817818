"""`Words`: a text as words and punctuation."""

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cache, cached_property
from typing import Any, Self

import torch

from mmgraph.features.raw import check_each, text_of
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet, Texts
from mmgraph.graph.ragged import gather_rows


@dataclass(frozen=True)
class Words:
    """One token per word or punctuation mark of a text; a model embeds the number of the token.

    With the vocabulary `("which", "is", "left", "?")`::

        text       Which   cat   is   left   ?
        token          1     0    2      3   4      0: not in the vocabulary
        position       0     1    2      3   4

    A word is a run of letters, digits, underscores and their accents (Unicode categories L, N, M), with apostrophes
    inside; every other character that is not a space is a token of its own. `x` has no channels. Nodes carry `token`
    (looked up in lower case), `position`, and `text` as it was written. A text without any token has no nodes, as
    a missing one. Languages that write no spaces need a segmenter first.

    Args:
        vocabulary: lower-case tokens; token i of it gets number i + 1. Learn it with `fit`.
        max_size: `fit` keeps at most that many tokens, None: all.
        min_count: `fit` keeps tokens that occur at least that often.

    Raises:
        ValueError: on a vocabulary with repeated, empty or upper-case entries, on a size or count below 1; when called,
            on an empty vocabulary and on inputs that are not str.

    Example:
        >>> words = Words(min_count=2).fit(["Left of the cat", "the cat's left ear", "Is it the cat?"])
        >>> words.vocabulary
        ('the', 'cat', 'left')
        >>> tokens = words(["Left dog, right cat!"])
        >>> tokens.attribute("token").tolist(), tokens.attributes["text"].tolist()
        ([3, 0, 0, 0, 2, 0], ['Left', 'dog', ',', 'right', 'cat', '!'])
    """

    vocabulary: Sequence[str] = field(default=(), repr=False)
    _: KW_ONLY
    max_size: int | None = None
    min_count: int = 1

    def __post_init__(self) -> None:
        if isinstance(self.vocabulary, str):
            raise ValueError(f"vocabulary={self.vocabulary!r} is one text; give a list of tokens, or learn it with fit")
        object.__setattr__(self, "vocabulary", tuple(self.vocabulary))
        wrong = [
            word for word, times in Counter(self.vocabulary).items() if times > 1 or not word or word != word.lower()
        ]
        if wrong:
            raise ValueError(f"vocabulary has entries that are repeated, empty or not in lower case: {wrong[:8]}")
        if self.min_count < 1 or (self.max_size is not None and self.max_size < 1):
            raise ValueError(f"min_count={self.min_count}, max_size={self.max_size}: give at least 1")

    @property
    def channels(self) -> int:
        """None: the features of a token are learned by the model."""
        return 0

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`token`, `position`, `text`."""
        token = Field("int64", num_classes=len(self.vocabulary) + 1)
        return {"token": token, **{name: STANDARD_ATTRIBUTES[name] for name in ("position", "text")}}

    def fit(self, raws: Iterable[Any]) -> Self:
        """The same with the vocabulary of these texts: most frequent tokens first, then in the order of the alphabet.

        Raises:
            ValueError: if no token is left, or an input is not a str.
        """
        counts = Counter(token.lower() for raw in raws for token in tokens(text_of(raw, "Words")))
        ordered = sorted((-times, word) for word, times in counts.items() if times >= self.min_count)
        if not ordered:
            raise ValueError(f"Words found no token that occurs min_count={self.min_count} times in these texts")
        return replace(self, vocabulary=tuple(word for _, word in ordered[: self.max_size]))

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The tokens of each text, none where it is None."""
        if not self.vocabulary:
            raise ValueError("Words has no vocabulary: learn it with Words().fit(texts) or GraphBuilder.fit(train)")
        found: list[list[str]] = [[] for _ in raws]
        for index, text in check_each(raws, lambda raw: text_of(raw, "Words")):
            found[index] = tokens(text)
        counts = torch.tensor([len(part) for part in found], dtype=torch.int64)
        flat = [token for part in found for token in part]
        number = self._number
        token = torch.tensor([number.get(word.lower(), 0) for word in flat], dtype=torch.int64)
        position, ptr = gather_rows(torch.zeros_like(counts), counts)
        return NodeSet(torch.zeros(len(flat), 0), ptr, {"token": token, "position": position, "text": Texts.of(flat)})

    @cached_property
    def _number(self) -> dict[str, int]:
        return {word: index + 1 for index, word in enumerate(self.vocabulary)}


def tokens(text: str) -> list[str]:
    """Words and punctuation marks of a text, in order, composed (Unicode NFC) and as they were written.

    Example:
        >>> tokens("Isn't it größer, 3x?")
        ["Isn't", 'it', 'größer', ',', '3x', '?']
    """
    if text.isascii():
        return _pattern("").findall(text)
    return _pattern(_marks()).findall(unicodedata.normalize("NFC", text))


@cache
def _pattern(marks: str) -> re.Pattern[str]:
    # \w alone ends a word at a combining mark, and so would cut Hindi words at their vowels.
    word = rf"\w[\w{marks}]*"
    return re.compile(rf"{word}(?:['’]{word})*|[^\w\s]" + (rf"[{marks}]*" if marks else ""))


@cache
def _marks() -> str:
    """All combining marks; looked up once, and only if a text is not ASCII."""
    return "".join(chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] == "M")
