"""Changes of sounds, for `Augmented`: noise, shift in time, loudness, masked parts of the spectrum."""

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import NDArray

from mmgraph.features.augment import Sample, check_range
from mmgraph.features.sound import checked_sound

WINDOW = 0.032  # seconds


@dataclass(frozen=True)
class Noise:
    """Adds white noise, so that sound is `low` to `high` decibels above it; a silent sound stays silent.

    Args:
        key: of the sound in a sample; a missing one stays missing.
        low: least distance, decibels.
        high: largest distance.

    Raises:
        ValueError: if not -60 <= low <= high <= 120; when called, on a sound as `LogMel` does.

    Example:
        >>> sound = (np.sin(np.arange(800) / 3).astype(np.float32), 8000)
        >>> noisy = Noise("audio", 20, 20)({"audio": sound}, np.random.default_rng(0))["audio"][0]
        >>> round(10 * np.log10(np.square(sound[0]).mean() / np.square(noisy - sound[0]).mean()))
        20
    """

    key: str
    low: float = 10.0
    high: float = 40.0

    def __post_init__(self) -> None:
        if not -60 <= self.low <= self.high <= 120:
            raise ValueError(f"low={self.low}, high={self.high}: take -60 <= low <= high <= 120 dB")

    def __call__(self, sample: Sample, random: np.random.Generator) -> Sample:
        """The sample with its sound changed."""
        decibels = random.uniform(self.low, self.high)
        if sample.get(self.key) is None:
            return sample
        samples, rate = checked_sound(sample[self.key])
        noise = random.standard_normal(samples.shape)
        level = math.sqrt(float(np.square(samples, dtype=np.float64).mean()) / float(np.square(noise).mean()))
        return {**sample, self.key: ((samples + noise * level * 10 ** (-decibels / 20)).astype(np.float32), rate)}


@dataclass(frozen=True)
class Shift:
    """Moves a sound in time; silence comes in at one end, and as much goes at the other.

    Where other inputs of the sample have times of their own, those of words say, they no longer agree with the sound.

    Args:
        key: of the sound in a sample.
        seconds: at most, either way; at most half of the sound.

    Raises:
        ValueError: if seconds are negative or not finite; when called, on a sound as `LogMel` does.

    Example:
        >>> sound = (np.ones(4, dtype=np.float32), 8)
        >>> Shift("audio", 0.25)({"audio": sound}, np.random.default_rng(0))["audio"][0].tolist()
        [0.0, 1.0, 1.0, 1.0]
    """

    key: str
    seconds: float = 0.1

    def __post_init__(self) -> None:
        check_range("seconds", self.seconds, 0, 1e6)

    def __call__(self, sample: Sample, random: np.random.Generator) -> Sample:
        """The sample with its sound changed."""
        part = random.uniform(-1, 1)
        if sample.get(self.key) is None:
            return sample
        samples, rate = checked_sound(sample[self.key])
        by = round(part * min(self.seconds * rate, len(samples) / 2))
        moved = np.zeros_like(samples)
        if by >= 0:
            moved[by:] = samples[: len(samples) - by]
        else:
            moved[:by] = samples[-by:]
        return {**sample, self.key: (moved, rate)}


@dataclass(frozen=True)
class Loudness:
    """Makes a sound louder or quieter.

    Args:
        key: of the sound in a sample.
        decibels: at most, either way.

    Raises:
        ValueError: if decibels are not in 0..60; when called, on a sound as `LogMel` does.

    Example:
        >>> sound = (np.ones(4, dtype=np.float32), 8)
        >>> bool(0.5 <= Loudness("audio", 6)({"audio": sound}, np.random.default_rng(0))["audio"][0][0] <= 2)
        True
    """

    key: str
    decibels: float = 6.0

    def __post_init__(self) -> None:
        check_range("decibels", self.decibels, 0, 60)

    def __call__(self, sample: Sample, random: np.random.Generator) -> Sample:
        """The sample with its sound changed."""
        factor = 10 ** (random.uniform(-self.decibels, self.decibels) / 20)
        if sample.get(self.key) is None:
            return sample
        samples, rate = checked_sound(sample[self.key])
        return {**sample, self.key: ((samples * factor).astype(np.float32), rate)}


@dataclass(frozen=True)
class MaskSpectrum:
    """Silences bands of frequency and stretches of time (as SpecAugment, Park et al. 2019, but in the sound itself).

    Works with every front end of sounds, since what is masked is gone from the samples. A band is masked throughout the
    sound, a stretch in all frequencies; each has a random width up to the largest.

    Args:
        key: of the sound in a sample.
        bands: how many bands.
        hertz: largest width of a band.
        stretches: how many stretches.
        seconds: largest length of a stretch; at most a quarter of the sound.

    Raises:
        ValueError: on negative numbers; when called, on a sound as `LogMel` does.

    Example:
        >>> sound = (np.random.default_rng(0).standard_normal(800).astype(np.float32), 8000)
        >>> masked = MaskSpectrum("audio", hertz=2000)({"audio": sound}, np.random.default_rng(0))["audio"][0]
        >>> masked.shape, bool(np.square(masked).sum() < np.square(sound[0]).sum())
        ((800,), True)
    """

    key: str
    _: KW_ONLY
    bands: int = 1
    hertz: float = 800.0
    stretches: int = 1
    seconds: float = 0.1

    def __post_init__(self) -> None:
        for name in ("bands", "hertz", "stretches", "seconds"):
            check_range(name, getattr(self, name), 0, 1e6)

    def __call__(self, sample: Sample, random: np.random.Generator) -> Sample:
        """The sample with its sound changed."""
        bands, stretches = random.random((self.bands, 2)), random.random((self.stretches, 2))
        if sample.get(self.key) is None:
            return sample
        samples, rate = checked_sound(sample[self.key])
        masked = samples.astype(np.float32, copy=True)
        if self.bands:
            masked = _without_bands(masked, rate, bands, self.hertz)
        for place, width in stretches:
            length = width * min(self.seconds * rate, len(masked) / 4)
            start = place * (len(masked) - length)
            masked[round(start) : round(start + length)] = 0
        return {**sample, self.key: (masked, rate)}


def _without_bands(
    samples: NDArray[np.float32], rate: int, bands: NDArray[np.float64], hertz: float
) -> NDArray[np.float32]:
    """The sound without bands of random place and width, each given by two numbers in 0..1."""
    from scipy.signal import istft, stft

    size = min(round(WINDOW * rate), len(samples))
    if size < 8:  # too short to have a spectrum
        return samples
    frequencies, _, spectrum = stft(samples.T, rate, nperseg=size)  # [(channels,) bins, hops]
    for place, width in bands:
        span = width * min(hertz, rate / 2)
        low = place * (rate / 2 - span)
        spectrum[..., (frequencies >= low) & (frequencies <= low + span), :] = 0
    back = np.asarray(istft(spectrum, rate, nperseg=size)[1]).T
    found = np.zeros_like(samples)
    found[: len(back)] = back[: len(samples)]
    return found
