"""Changes of texts, for `Augmented`: words left out."""

from dataclasses import dataclass

import numpy as np

from mmgraph.features.augment import Sample, check_range
from mmgraph.features.raw import text_of


@dataclass(frozen=True)
class DropWords:
    """Leaves out words of a text, each with the same chance, but not all; words are what stands between spaces.

    Args:
        key: of the text in a sample; a missing one stays missing.
        rate: chance of a word.

    Raises:
        ValueError: if the rate is not in 0..1; when called, on an input that is not a str.

    Example:
        >>> DropWords("text", 0.5)({"text": "one two three four"}, np.random.default_rng(0))["text"]
        'one'
    """

    key: str
    rate: float = 0.1

    def __post_init__(self) -> None:
        check_range("rate", self.rate, 0, 1)

    def __call__(self, sample: Sample, random: np.random.Generator) -> Sample:
        """The sample with its text changed."""
        if sample.get(self.key) is None:
            return sample
        words = text_of(sample[self.key], "DropWords").split()
        kept = random.random(len(words)) >= self.rate
        if len(words) and not kept.any():
            kept[random.integers(len(words))] = True
        return {**sample, self.key: " ".join(word for word, keep in zip(words, kept, strict=True) if keep)}
