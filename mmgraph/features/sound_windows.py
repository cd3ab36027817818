"""`SoundWindows`: a sound as pieces of its wave."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from mmgraph.features.raw import Part, check_each, join
from mmgraph.features.sound import mono
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet


@dataclass(frozen=True)
class SoundWindows:
    """One node per window of a sound, with the samples themselves as features, for models that learn their own filters.

    A window starts every `hop` seconds; the last one is the first that reaches the end, filled up with silence, and its
    span ends with the sound::

        sound      |~~~~~~~~~~~~~~~~~~~~~~~|
        windows    |---- 0 ----|
                         |---- 1 ----|
                               |---- 2 ----|

    `x` [windows, samples]. Nodes carry `span` in seconds and `position`.

    Args:
        rate: samples per second; sounds at another rate are converted.
        window: seconds.
        hop: seconds from one window to the next, at most `window`; None: `window`, side by side.

    Raises:
        ValueError: on a rate below 1, times that are not one sample <= hop <= window; when called, on a sound as
            `LogMel` does.

    Example:
        >>> windows = SoundWindows(8000, window=0.1)([(np.ones(2000, dtype=np.float32), 8000)])
        >>> windows.x.shape, [round(end, 2) for end in windows.attribute("span")[:, 1].tolist()]
        (torch.Size([3, 800]), [0.1, 0.2, 0.25])
    """

    rate: int = 8000
    _: KW_ONLY
    window: float = 0.1
    hop: float | None = None

    def __post_init__(self) -> None:
        if self.rate < 1:
            raise ValueError(f"rate={self.rate}: give at least 1")
        hop = self.window if self.hop is None else self.hop
        if not 1 / self.rate <= hop <= self.window < math.inf:
            raise ValueError(f"hop={hop}, window={self.window} s: take one sample <= hop <= window")

    @property
    def channels(self) -> int:
        """Samples of a window."""
        return round(self.window * self.rate)

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`span`, `position`."""
        return {name: STANDARD_ATTRIBUTES[name] for name in ("span", "position")}

    def fit(self, raws: Iterable[Any]) -> Self:
        """Itself: there is nothing to learn."""
        return self

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The windows of each sound, none where it is None."""
        sounds = check_each(raws, lambda raw: mono(raw, self.rate))
        parts = [(index, self._windows(samples)) for index, samples in sounds]
        return join(parts, len(raws), self.channels, self.attributes)

    def _windows(self, samples: NDArray[np.float32]) -> Part:
        size = self.channels
        step = size if self.hop is None else max(round(self.hop * self.rate), 1)
        number = 1 + max(0, -(-(len(samples) - size) // step))
        filled = np.zeros((number - 1) * step + size, dtype=np.float32)
        filled[: len(samples)] = samples
        windows = np.lib.stride_tricks.sliding_window_view(filled, size)[::step]
        start = torch.arange(number) * step
        span = torch.stack([start, (start + size).clamp(max=len(samples))], 1).double() / self.rate
        return torch.from_numpy(windows.copy()), {"span": span.float(), "position": torch.arange(number)}
