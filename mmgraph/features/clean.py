"""Steps for `Cleaned`: raw inputs made alike, without chance."""

import unicodedata
from dataclasses import KW_ONLY, dataclass

import numpy as np

from mmgraph.features.augment import Sample, check_range
from mmgraph.features.augment_image import resized
from mmgraph.features.picture import picture
from mmgraph.features.raw import text_of
from mmgraph.features.sound import checked_sound


@dataclass(frozen=True)
class TidyText:
    """A text in Unicode NFC, with one space for every run of spaces and control characters, and none at the ends.

    Args:
        key: of the text in a sample; a missing one stays missing.

    Raises:
        ValueError: when called, on an input that is not a str.

    Example:
        >>> TidyText("text")({"text": " one" + chr(9) + chr(0) + "two "})["text"]
        'one two'
    """

    key: str

    def __call__(self, sample: Sample) -> Sample:
        """The sample with its text changed."""
        if sample.get(self.key) is None:
            return sample
        text = unicodedata.normalize("NFC", text_of(sample[self.key], "TidyText"))
        plain = (" " if unicodedata.category(letter) == "Cc" else letter for letter in text)
        return {**sample, self.key: " ".join("".join(plain).split())}


@dataclass(frozen=True)
class TrimSilence:
    """A sound without the silence at its ends; time starts anew at its first loud hop.

    A hop of 10 ms is loud within `depth` decibels of the loudest. A sound that is silent throughout stays as it is.

    Args:
        key: of the sound in a sample.
        depth: decibels.
        margin: seconds of silence that stay at either end.

    Raises:
        ValueError: if a number is negative; when called, on a sound as `LogMel` does.

    Example:
        >>> beep = np.sin(2 * np.pi * 500 * np.arange(800) / 8000)
        >>> samples = np.concatenate([np.zeros(4000), beep, np.zeros(4000)])
        >>> len(TrimSilence("audio", margin=0)({"audio": (samples, 8000)})["audio"][0])
        800
    """

    key: str
    _: KW_ONLY
    depth: float = 40.0
    margin: float = 0.02

    def __post_init__(self) -> None:
        check_range("depth", self.depth, 0, 200)
        check_range("margin", self.margin, 0, 1e6)

    def __call__(self, sample: Sample) -> Sample:
        """The sample with its sound changed."""
        if sample.get(self.key) is None:
            return sample
        samples, rate = checked_sound(sample[self.key])
        mixed = samples if samples.ndim == 1 else samples.mean(1)
        square, hop = np.square(mixed - mixed.mean()), max(round(rate / 100), 1)
        starts = np.arange(0, len(square), hop)
        energy = np.add.reduceat(square, starts) / np.diff(starts, append=len(square))
        loud = np.flatnonzero((energy > energy.max() * 10 ** (-self.depth / 10)) & (energy > 0))
        if not len(loud):
            return sample
        margin = round(self.margin * rate)
        start, stop = max(loud[0] * hop - margin, 0), min((loud[-1] + 1) * hop + margin, len(samples))
        return {**sample, self.key: (samples[start:stop], rate)}


@dataclass(frozen=True)
class LevelSound:
    """A sound without its constant part, at one loudness; where it would be cut off it stays quieter.

    Args:
        key: of the sound in a sample.
        decibels: of its mean square, 0 for a sine of full scale.

    Raises:
        ValueError: if decibels are not in -120..0; when called, on a sound as `LogMel` does.

    Example:
        >>> quiet = (0.01 * np.sin(np.arange(8000) / 3), 8000)
        >>> level = LevelSound("audio", -20.0)({"audio": quiet})["audio"][0]
        >>> round(float(10 * np.log10(2 * np.square(level).mean())))
        -20
    """

    key: str
    decibels: float = -20.0

    def __post_init__(self) -> None:
        check_range("decibels", self.decibels, -120, 0)

    def __call__(self, sample: Sample) -> Sample:
        """The sample with its sound changed."""
        if sample.get(self.key) is None:
            return sample
        samples, rate = checked_sound(sample[self.key])
        level = samples - samples.mean(0, dtype=np.float64)
        square, peak = float(np.square(level).mean()), float(np.abs(level).max())
        if square > 0:
            level = level * min(10 ** (self.decibels / 20) / np.sqrt(2 * square), 1 / peak)
        return {**sample, self.key: (level.astype(np.float32), rate)}


@dataclass(frozen=True)
class FitImage:
    """An image whose longer side has at most so many pixels; larger ones are scaled down by area.

    Args:
        key: of the image in a sample.
        longest: pixels.

    Raises:
        ValueError: if `longest` is below 1; when called, on an image as `Patches` does.

    Example:
        >>> FitImage("image", 4)({"image": np.zeros((8, 6))})["image"].shape
        (4, 3)
    """

    key: str
    longest: int = 512

    def __post_init__(self) -> None:
        if self.longest < 1:
            raise ValueError(f"longest={self.longest}: give at least 1")

    def __call__(self, sample: Sample) -> Sample:
        """The sample with its image changed."""
        raw = sample.get(self.key)
        if raw is None:
            return sample
        image = picture(raw, 1 if np.ndim(raw) == 2 else 3, "FitImage")
        if max(image.shape[:2]) <= self.longest:
            return sample
        small = resized(image, self.longest / max(image.shape[:2]))
        return {**sample, self.key: small[:, :, 0] if small.shape[2] == 1 else small}
