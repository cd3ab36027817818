"""`MFCC`: a sound as frames of mel-frequency cepstral coefficients."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.features.log_mel import LogMel
from mmgraph.features.scaling import check_statistics, running_statistics
from mmgraph.graph import Field, NodeSet
from mmgraph.graph.ragged import gather_rows, segment_of_row

REACH = 2  # hops on either side that a change is measured over


@dataclass(frozen=True)
class MFCC:
    """Frames of a sound with the shape of its spectrum in few numbers, and how it changes.

    Frames and spectra are those of `LogMel`; see there for `stack`, spans and silence. The cosine transform of a hop's
    log mel energies (orthonormal DCT-II; Davis and Mermelstein 1980) gives its coefficients, the first is loudness.
    With `deltas` their slope over two hops on either side follows, in units per hop, with the first and the last hop
    repeated at the ends. `x` [frames, stack * coefficients * (1 or 2)] is hop after hop; after `fit` each coefficient
    has mean 0 and deviation 1 over the training sounds. Nodes carry `span` in seconds and `position`.

    Args:
        rate: samples per second; sounds at another rate are converted.
        coefficients: the lowest that many are kept, at most `mels`.
        deltas: whether slopes are given too.
        mels: bands of the mel scale.
        window: length of a spectrum's Hann window, seconds.
        hop: seconds from one spectrum to the next.
        stack: hops in a frame.
        low: lower edge of the bands, Hz.
        high: upper edge, Hz; None: half of `rate`, the most.
        floor: added to the energy before the logarithm.
        mean: mean of each coefficient and slope, learned by `fit`.
        std: standard deviation of each, learned by `fit`.

    Raises:
        ValueError: as `LogMel`; on coefficients that are not 1..mels, or statistics that are not one per coefficient.

    Example:
        >>> tone = np.sin(2 * np.pi * 440 * np.arange(4000) / 8000).astype(np.float32)
        >>> frames = MFCC(8000, stack=10)([(tone, 8000), None])
        >>> frames.x.shape, frames.counts.tolist()
        (torch.Size([5, 260]), [5, 0])
    """

    rate: int = 8000
    _: KW_ONLY
    coefficients: int = 13
    deltas: bool = True
    mels: int = 40
    window: float = 0.025
    hop: float = 0.01
    stack: int = 4
    low: float = 20.0
    high: float | None = None
    floor: float = 1e-8
    mean: Sequence[float] = field(default=(), repr=False)
    std: Sequence[float] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", tuple(self.mean))
        object.__setattr__(self, "std", tuple(self.std))
        if not 1 <= self.coefficients <= self.mels:
            raise ValueError(f"coefficients={self.coefficients}: give 1 to mels={self.mels}")
        check_statistics(self.mean, self.std, self._width)
        self._log_mel  # noqa: B018 - checks the other settings

    @property
    def channels(self) -> int:
        """Hops of a frame times coefficients and slopes."""
        return self.stack * self._width

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`span`, `position`."""
        return self._log_mel.attributes

    def fit(self, raws: Iterable[Any]) -> Self:
        """The same with mean and standard deviation of each coefficient over these sounds.

        Raises:
            ValueError: if there is no sound, or for a sound as in a call.
        """
        plain = replace(self, mean=(), std=())
        tables = (plain([raw]).x.view(-1, self._width) for raw in raws)
        mean, std = running_statistics(tables, self._width, "MFCC", least=1e-3)
        return replace(self, mean=mean, std=std)

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The frames of each sound, none where it is None."""
        frames = self._log_mel(raws)
        ptr = frames.ptr * self.stack  # hops of each sound
        values = frames.x.reshape(-1, self.mels) @ self._cosines
        if self.deltas:
            values = torch.cat([values, _slopes(values, ptr)], 1)
        if self.mean:
            values = (values - torch.tensor(self.mean)) / torch.tensor(self.std)
        return NodeSet(values.reshape(-1, self.channels), frames.ptr, frames.attributes)

    @property
    def _width(self) -> int:
        """Numbers of a hop."""
        return self.coefficients * (1 + self.deltas)

    @cached_property
    def _log_mel(self) -> LogMel:
        names = ("mels", "window", "hop", "stack", "low", "high", "floor")
        return LogMel(self.rate, **{name: getattr(self, name) for name in names})

    @cached_property
    def _cosines(self) -> Float[Tensor, "mels coefficients"]:
        row, column = np.arange(self.mels)[:, None], np.arange(self.coefficients)
        waves = np.cos(np.pi / self.mels * (row + 0.5) * column) * math.sqrt(2 / self.mels)
        waves[:, 0] /= math.sqrt(2)
        return torch.from_numpy(waves.astype(np.float32))


def _slopes(values: Tensor, ptr: Tensor) -> Tensor:
    """Slope of the line through a hop and its neighbours, fitted by least squares; rows of a sound are `ptr`'s."""
    hops, _ = gather_rows(ptr[:-1], ptr.diff())
    sound = segment_of_row(ptr)
    first, last = ptr[sound], ptr[sound + 1] - 1
    change = torch.zeros_like(values)
    for step in range(1, REACH + 1):
        change += step * (values[(hops + step).minimum(last)] - values[(hops - step).maximum(first)])
    return change / (2 * sum(step * step for step in range(1, REACH + 1)))
