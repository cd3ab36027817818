"""`VoiceSegments`: the loud parts of a sound, such as words or phrases between pauses."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from mmgraph.features.log_mel import LogMel
from mmgraph.features.raw import Part, check_each, join
from mmgraph.features.scaling import check_statistics, running_statistics
from mmgraph.features.sound import mono
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet

HOP = 0.01  # seconds


@dataclass(frozen=True)
class VoiceSegments:
    """One node per stretch of a sound that is loud, with its mean spectrum and how much that varies.

    A hop of 10 ms is loud where its mean square is within `depth` decibels of the loudest hop of the sound, and above
    `floor`. Loud hops less than `pause` apart belong together, and what then is shorter than `least` is left out::

        energy     .:|||:|||:....::.|....:||||:...
        segments     |--- 0 --|           |- 1 -|

    This is a measure of energy, not of speech: music and steady noise are segments too. A silent sound has no nodes.
    `x` [segments, 2 * mels] is the mean and the deviation of each band's log energy over the hops of the segment; after
    `fit` each column has mean 0 and deviation 1 over the training sounds. Nodes carry `span` in seconds and `position`.

    Args:
        rate: samples per second; sounds at another rate are converted.
        depth: decibels below the loudest hop.
        floor: decibels below a sine of full scale; what is fainter is silence, however quiet the rest is.
        pause: seconds.
        least: seconds.
        mels: bands of the mel scale, 20 Hz to half of `rate`.
        mean: of each column, learned by `fit`.
        std: standard deviation of each column, learned by `fit`.

    Raises:
        ValueError: on numbers that are negative or not finite, as `LogMel` on rate and mels, or statistics that are not
            one per column; when called, on a sound as `LogMel` does.

    Example:
        >>> beep = np.sin(2 * np.pi * 440 * np.arange(1600) / 8000).astype(np.float32)
        >>> sound = np.concatenate([np.zeros(800), beep, np.zeros(2400), beep]).astype(np.float32)
        >>> segments = VoiceSegments()([(sound, 8000)])
        >>> [[round(end, 1) for end in span] for span in segments.attribute("span").tolist()]
        [[0.1, 0.3], [0.6, 0.8]]
    """

    rate: int = 8000
    _: KW_ONLY
    depth: float = 35.0
    floor: float = 70.0
    pause: float = 0.1
    least: float = 0.03
    mels: int = 40
    mean: Sequence[float] = field(default=(), repr=False)
    std: Sequence[float] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", tuple(self.mean))
        object.__setattr__(self, "std", tuple(self.std))
        for name in ("depth", "floor", "pause", "least"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name}={getattr(self, name)}: give a finite number from 0")
        check_statistics(self.mean, self.std, self.channels)
        self._log_mel  # noqa: B018 - checks rate and mels

    @property
    def channels(self) -> int:
        """Mean and deviation of each band."""
        return 2 * self.mels

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`span`, `position`."""
        return {name: STANDARD_ATTRIBUTES[name] for name in ("span", "position")}

    def fit(self, raws: Iterable[Any]) -> Self:
        """The same with mean and standard deviation of each column over the segments of these sounds.

        Raises:
            ValueError: if no sound has a segment, or for a sound as in a call.
        """
        plain = replace(self, mean=(), std=())
        mean, std = running_statistics((plain([raw]).x for raw in raws), self.channels, "VoiceSegments", least=1e-3)
        return replace(self, mean=mean, std=std)

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The segments of each sound, none where it is None."""
        return join(check_each(raws, self._segments), len(raws), self.channels, self.attributes)

    @cached_property
    def _log_mel(self) -> LogMel:
        return LogMel(self.rate, mels=self.mels, stack=1, hop=HOP)

    def _segments(self, raw: object) -> Part:
        samples = mono(raw, self.rate)
        log_energy = self._log_mel([(samples, self.rate)]).x  # [hops, mels]
        loudness = _decibels(samples, round(HOP * self.rate))
        runs = self._runs(torch.from_numpy(loudness > max(loudness.max() - self.depth, -self.floor)))
        x = torch.zeros(len(runs), self.channels)
        for row, (start, stop) in enumerate(runs.tolist()):
            part = log_energy[start:stop]
            x[row] = torch.cat([part.mean(0), part.std(0, correction=0)])
        if self.mean:
            x = (x - torch.tensor(self.mean)) / torch.tensor(self.std)
        span = (runs.double() * round(HOP * self.rate)).clamp(max=len(samples)) / self.rate
        return x, {"span": span.float(), "position": torch.arange(len(runs))}

    def _runs(self, loud: Tensor) -> Int[Tensor, "runs 2"]:
        """First hop of each segment, and the hop after its last."""
        step = torch.cat([torch.zeros(1), loud.float(), torch.zeros(1)]).diff()
        start, stop = torch.nonzero(step > 0).squeeze(1), torch.nonzero(step < 0).squeeze(1)
        apart = (start[1:] - stop[:-1]) * HOP >= self.pause - 1e-9
        first = torch.cat([torch.ones(min(len(start), 1), dtype=torch.bool), apart])
        last = torch.cat([apart, torch.ones(min(len(start), 1), dtype=torch.bool)])
        runs = torch.stack([start[first], stop[last]], 1)
        return runs[(runs[:, 1] - runs[:, 0]) * HOP >= self.least - 1e-9]


def _decibels(samples: NDArray[np.float32], hop: int) -> Float[np.ndarray, " hops"]:
    """Mean square of each hop without the sound's constant part, in decibels; 0 is a sine of full scale."""
    square = np.square(samples.astype(np.float64) - samples.mean(dtype=np.float64))
    starts = np.arange(0, len(samples), hop)
    mean = np.add.reduceat(square, starts) / np.diff(starts, append=len(samples))
    return 10 * np.log10(2 * mean + 1e-30)
