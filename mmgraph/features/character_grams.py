"""`CharacterGrams`: words with features from their spelling."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
import torch

from mmgraph.features.hashing import check_grams, hashed_grams
from mmgraph.features.raw import Part, check_each, join, text_of
from mmgraph.features.words import tokens
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet


@dataclass(frozen=True)
class CharacterGrams:
    """One node per word or punctuation mark, with hashed character n-grams as features.

    Nothing is learned, there are no unknown words, and words that are spelled alike have similar features: "größer" is
    near "größte". Words are cut as by `Words`; see there. Nodes carry `position` and `text`. `x` [words, channels] has
    length 1; see `hashed_grams`.

    Args:
        channels: numbers that n-grams are hashed to.
        low: shortest n-gram, characters.
        high: longest n-gram.

    Raises:
        ValueError: on sizes that are not channels >= 1, 1 <= low <= high; when called, on inputs that are not str.

    Example:
        >>> words = CharacterGrams(64)(["largest larger ?"])
        >>> words.x.shape, bool(words.x[0] @ words.x[1] > words.x[0] @ words.x[2] + 0.3)
        (torch.Size([3, 64]), True)
    """

    channels: int = 256
    _: KW_ONLY
    low: int = 3
    high: int = 4

    def __post_init__(self) -> None:
        check_grams(self.channels, self.low, self.high)

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`position`, `text`."""
        return {name: STANDARD_ATTRIBUTES[name] for name in ("position", "text")}

    def fit(self, raws: Iterable[Any]) -> Self:
        """Itself: there is nothing to learn."""
        return self

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The words of each text, none where it is None."""
        return join(check_each(raws, self._words), len(raws), self.channels, self.attributes)

    def _words(self, raw: object) -> Part:
        words = tokens(text_of(raw, "CharacterGrams"))
        x = np.zeros((len(words), self.channels), dtype=np.float32)
        for row, word in enumerate(words):
            x[row] = hashed_grams([word], self.channels, self.low, self.high)
        return torch.from_numpy(x), {"position": torch.arange(len(words)), "text": words}
