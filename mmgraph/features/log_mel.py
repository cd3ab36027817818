"""`LogMel`: a sound as frames of mel energies."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from mmgraph.features.mel import mel_bands
from mmgraph.features.raw import check_each
from mmgraph.features.sound import mono
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet
from mmgraph.graph.ragged import gather_rows, segment_of_row, to_ptr

MAX_HOPS = 1 << 14
"""Hops that are transformed together; bounds the memory for spectra."""


@dataclass(frozen=True)
class LogMel:
    """Frames of a sound with the logarithm of the energy in mel bands; longer sounds have more frames.

    A frame holds `stack` hops; each hop has a spectrum, of a window that is centred on the hop and reaches beyond it::

        sound    |~~~~~~~~~~~~~~~~~~~~~~~~~~~~~|
        hops     |. . . .|. . . .|. . . .|. . . .|    the last frame is filled up with silence,
        frames   |   0   |   1   |   2   |   3 |      but its span ends with the sound

    Spans of frames lie side by side and cover the sound. Even the shortest sound has one frame. Nodes carry `span` in
    seconds and `position`. `x` [frames, stack * mels] is hop after hop; after `fit` each band has mean 0 and
    deviation 1 over the training sounds, before it is the plain logarithm.

    Args:
        rate: samples per second; sounds at another rate are converted.
        mels: bands of the mel scale (as in HTK), each a triangle of height 1.
        window: length of a spectrum's Hann window, seconds.
        hop: seconds from one spectrum to the next.
        stack: hops in a frame.
        low: lower edge of the bands, Hz.
        high: upper edge, Hz; None: half of `rate`, the most.
        floor: added to the energy before the logarithm. Energies of all bands add up to the mean square of the sound,
            0.5 for a sine of full scale.
        mean: mean of each band, learned by `fit`.
        std: standard deviation of each band, learned by `fit`.

    Raises:
        ValueError: on sizes below 1, times that are not `0 < hop <= window`, edges that are not
            `0 <= low < high <= rate / 2`, bands that lie between two bins of the spectrum, statistics that are not one
            number per band; when called, on a sound without samples, or that is not `(samples, rate in Hz)` with finite
            samples [n] or [n, channels].

    Example:
        >>> tone = np.sin(2 * np.pi * 440 * np.arange(4000) / 8000).astype(np.float32)
        >>> frames = LogMel(8000, mels=20, stack=10)([(tone, 8000), None, (tone[:1200], 8000)])
        >>> frames.x.shape, frames.counts.tolist(), [round(t, 2) for t in frames.attribute("span")[-1].tolist()]
        (torch.Size([7, 200]), [5, 0, 2], [0.1, 0.15])
    """

    rate: int = 8000
    _: KW_ONLY
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
        for name in ("rate", "mels", "stack"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: give at least 1")
        if not self.hop <= self.window < math.inf or self._hop < 1:
            raise ValueError(f"hop={self.hop}, window={self.window} s: take one sample <= hop <= window")
        if not 0 <= self.low < self._high <= self.rate / 2:
            raise ValueError(f"low={self.low}, high={self.high} Hz: take 0 <= low < high <= rate / 2 = {self.rate / 2}")
        if not 0 < self.floor < math.inf:
            raise ValueError(f"floor={self.floor}: give a small positive number, the logarithm of 0 is infinite")
        for name, least in (("mean", -math.inf), ("std", 0)):
            values = getattr(self, name)
            if len(values) not in (0, self.mels) or not all(least < value < math.inf for value in values):
                raise ValueError(
                    f"{name} has {len(values)} values: give {self.mels} finite ones, std above 0, or use fit"
                )
        if len(self.mean) != len(self.std):
            raise ValueError(f"{len(self.mean)} values of mean and {len(self.std)} of std: give both or none")
        mel_bands(self.rate, self._size, self.mels, self.low, self._high)

    @property
    def channels(self) -> int:
        """Bands times hops of a frame."""
        return self.stack * self.mels

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`span`, `position`."""
        return {name: STANDARD_ATTRIBUTES[name] for name in ("span", "position")}

    def fit(self, raws: Iterable[Any]) -> Self:
        """The same with mean and standard deviation of each band over these sounds.

        Raises:
            ValueError: if there is no sound, or for a sound as in a call.
        """
        plain = replace(self, mean=(), std=())
        total, squares, number = torch.zeros(self.mels).double(), torch.zeros(self.mels).double(), 0
        sounds = (mono(raw, self.rate) for raw in raws)
        while some := list(islice(sounds, 256)):
            values = plain._energies(some, plain._frames(some)).double()
            total, squares, number = total + values.sum(0), squares + values.square().sum(0), number + len(values)
        if not number:
            raise ValueError("LogMel found no sound to learn from")
        mean = total / number
        std = (squares / number - mean.square()).clamp(min=0).sqrt()
        # A band that never changes, as in silence, would be divided by zero.
        return replace(self, mean=mean.tolist(), std=torch.where(std < 1e-3, 1.0, std).tolist())

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The frames of each sound, none where it is None."""
        found = check_each(raws, lambda raw: mono(raw, self.rate))
        sounds = [sound for _, sound in found]
        frames = self._frames(sounds)
        x = self._energies(sounds, frames).view(-1, self.channels)
        counts, ends = torch.zeros(len(raws), dtype=torch.int64), torch.zeros(len(raws), dtype=torch.int64)
        members = torch.tensor([index for index, _ in found], dtype=torch.int64)
        counts[members], ends[members] = frames, torch.tensor([len(sound) for sound in sounds], dtype=torch.int64)
        position, ptr = gather_rows(torch.zeros_like(counts), counts)
        borders = torch.stack([position, position + 1], 1) * (self._hop * self.stack)
        borders[:, 1] = torch.minimum(borders[:, 1], ends[segment_of_row(ptr)])
        span = (borders.double() / self.rate).float()
        return NodeSet(x, ptr, {"span": span, "position": position})

    @property
    def _hop(self) -> int:
        """Samples."""
        return round(self.hop * self.rate)

    @property
    def _high(self) -> float:
        return self.rate / 2 if self.high is None else self.high

    @property
    def _window(self) -> int:
        """Samples."""
        return max(round(self.window * self.rate), self._hop)

    @property
    def _size(self) -> int:
        """Samples of the Fourier transform: the next power of two."""
        return 1 << (self._window - 1).bit_length()

    @cached_property
    def _bands(self) -> Float[Tensor, "bins mels"]:
        return mel_bands(self.rate, self._size, self.mels, self.low, self._high)

    def _frames(self, sounds: Sequence[NDArray[np.float32]]) -> Int[Tensor, " sounds"]:
        """Frames of each sound."""
        lengths = torch.tensor([len(sound) for sound in sounds], dtype=torch.int64)
        step = self._hop * self.stack
        return (lengths + step - 1) // step

    def _energies(self, sounds: Sequence[NDArray[np.float32]], frames: Tensor) -> Float[Tensor, "hops mels"]:
        """Log energies, normalised after `fit`, of all hops of all sounds."""
        hop, size = self._hop, self._size
        hops = frames * self.stack
        # The sounds stand in one long signal, with so much silence between them that no window sees two.
        starts = to_ptr(hops + (size - hop + hop - 1) // hop)  # in hops
        signal = torch.zeros(int(starts[-1]) * hop + size)
        samples = signal.numpy()
        for sound, start in zip(sounds, (starts * hop + (size - hop) // 2).tolist(), strict=False):
            samples[start : start + len(sound)] = sound
        energies = torch.cat(list(self._spectra(signal, int(starts[-1]))))
        rows, _ = gather_rows(starts[:-1], hops)
        values = (energies[rows] + self.floor).log_()
        if not self.mean:
            return values
        return (values - torch.tensor(self.mean)) / torch.tensor(self.std)

    def _spectra(self, signal: Tensor, hops: int) -> Iterator[Float[Tensor, "hops mels"]]:
        """Energies in mel bands of all hops, in portions."""
        window = torch.hann_window(self._window)
        scale = 2 / (self._size * float(window.square().sum()))  # Parseval: energies are parts of the mean square
        yield torch.zeros(0, self.mels)
        for begin in range(0, hops, MAX_HOPS):
            end = min(begin + MAX_HOPS, hops)
            part = signal[begin * self._hop : (end - 1) * self._hop + self._size]
            spectrum = torch.stft(
                part, self._size, self._hop, self._window, window, center=False, return_complex=True
            )  # [bins, hops]
            yield (torch.view_as_real(spectrum).square().sum(2).T @ self._bands) * scale
