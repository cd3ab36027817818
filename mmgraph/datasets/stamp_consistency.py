"""Do picture, text and speech belong together? Stamps of which one modality was swapped."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, SupportsIndex, overload

import numpy as np
from jaxtyping import Float64, Int64

from mmgraph.datasets.stamps import Stamps

SWAPPED = ("nothing", "image", "text", "speech")
"""What was swapped, in the order of the labels."""
_NEAREST = 5


@dataclass(frozen=True)
class StampConsistency(Sequence[dict[str, Any]]):
    """Every stamp four times: as it is, and with its image, its text or its speech swapped for another stamp's.

    **Data set card**

    - *Source, licence*: as `Stamps`.
    - *Splits*: as `Stamps`; the other stamp is of the same split.
    - *Size*: four samples per stamp.
    - *Known confounds*: those of `Stamps`; a swapped description may be of another recording session than the picture's
      folder. Lengths tell next to nothing (.252 in training, .272 in the test of Spanish, where chance is .25).

    The other stamp is of the same split and another group. A text is swapped for one of the five that are closest in
    length, a description for one of the five closest in duration, so that lengths say next to nothing about what was
    swapped; `length_control` says how much they still do. An image is swapped for any.

    A sample is as one of `Stamps`, with `id` as in `animals/birds/owl#text`, `label` (0 nothing, 1 image, 2 text, 3
    speech) and `truth` with what was swapped and the other stamp's name.

    Args:
        stamps: text and speech should be of one language, as in `Stamps("train", task="all", text="es")`.
        seed: draws the other stamps.

    Attributes:
        others: number of the other stamp of each sample, its own where nothing was swapped.

    Raises:
        ValueError: if text and speech are of different languages, seed is negative, or a stamp has no stamp of another
            group beside it.

    Example:
        >>> try:
        ...     StampConsistency(Stamps("test", root="nowhere"))
        ... except ValueError as error:
        ...     print(str(error)[:25])
        'nowhere' is no folder of
    """

    stamps: Stamps
    seed: int = 0
    others: Int64[np.ndarray, " samples"] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        stamps = self.stamps
        if stamps.text != stamps.speech or self.seed < 0:
            raise ValueError(
                f"text={stamps.text!r}, speech={stamps.speech!r}, seed={self.seed}: one language, seed >= 0"
            )
        if len(np.unique(stamps.groups)) < 2:
            raise ValueError(f"split={stamps.split!r} has one group only: there is nothing to swap with")
        uniform = np.random.default_rng((self.seed, *stamps.split.encode())).random((len(stamps), 3))
        texts, durations = text_lengths(stamps), spoken_seconds(stamps)
        others = np.repeat(np.arange(len(stamps)), len(SWAPPED))
        for i in range(len(stamps)):
            allowed = np.flatnonzero(stamps.groups != stamps.groups[i])
            choices = [allowed, _closest(texts, i, allowed), _closest(durations, i, allowed)]
            for kind, choice in enumerate(choices):
                others[len(SWAPPED) * i + kind + 1] = choice[int(uniform[i, kind] * len(choice))]
        object.__setattr__(self, "others", others)

    def __len__(self) -> int:
        return len(self.others)

    @overload
    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> dict[str, Any] | list[dict[str, Any]]:
        """One sample, or the list of a slice."""
        if isinstance(index, slice):
            return [self._sample(i) for i in range(*index.indices(len(self)))]
        return self._sample(range(len(self))[operator.index(index)])

    def _sample(self, number: int) -> dict[str, Any]:
        i, kind = divmod(number, len(SWAPPED))
        other, stamps = int(self.others[number]), self.stamps
        of = {name: other if name == SWAPPED[kind] else i for name in SWAPPED}
        return {
            "id": f"{stamps.stamps[i].name}#{SWAPPED[kind]}",
            "image": stamps.picture(of["image"]),
            "text": stamps.stamps[of["text"]].texts[stamps.text],
            "audio": stamps.sound(of["speech"]),
            "label": kind,
            "truth": {"swapped": SWAPPED[kind], "other": stamps.stamps[other].name},
        }


def _closest(
    values: Float64[np.ndarray, " stamps"], i: int, allowed: Int64[np.ndarray, " allowed"]
) -> Int64[np.ndarray, " closest"]:
    return allowed[np.argsort(np.abs(values[allowed] - values[i]), kind="stable")[:_NEAREST]]


def text_lengths(stamps: Stamps) -> Float64[np.ndarray, " stamps"]:
    """Characters of each stamp's text.

    Example:
        >>> text_lengths.__name__
        'text_lengths'
    """
    return np.array([len(stamp.texts[stamps.text]) for stamp in stamps.stamps], dtype=np.float64)


def spoken_seconds(stamps: Stamps) -> Float64[np.ndarray, " stamps"]:
    """Duration of each stamp's description, in seconds.

    Raises:
        ValueError: naming the file, if one is damaged.

    Example:
        >>> spoken_seconds.__name__
        'spoken_seconds'
    """
    sounds = (stamps.sound(i, recorded=True) for i in range(len(stamps)))
    return np.array([len(samples) / rate for samples, rate in sounds], dtype=np.float64)
