"""Raw sound: checked, one channel, at the sampling rate that is wanted."""

from fractions import Fraction

import numpy as np
from jaxtyping import Float

MAX_SOUND_CHANNELS = 32  # more is taken for a transposed array
MAX_RATE = 768_000  # Hz, twice the highest rate of any recorder; a filter between two rates is as long as they are high
MAX_TERM = 1 << 15  # of the ratio between two rates
MAX_SAMPLES = 1 << 28  # after conversion: nine hours at 8 kHz
MAX_VALUE = 2.0**31  # whole numbers of any width; squares of much more are infinite in float32


def checked_sound(raw: object) -> tuple[Float[np.ndarray, "samples *channels"], int]:
    """Samples [n] or [n, channels], float32 or float64, and whole rate of a pair `(samples, rate)`.

    Raises:
        ValueError: if it is no such pair, the samples are not floating point, not [n] or [n, channels], none, not
            finite, far beyond -1..1 or too many, or the rate is not a whole number of Hz up to `MAX_RATE`.

    Example:
        >>> checked_sound((np.zeros((1600, 2)), 16000.0))[1]
        16000
    """
    if not isinstance(raw, tuple | list) or len(raw) != 2:
        raise ValueError(f"a sound is (samples, rate in Hz), got {type(raw).__name__}")
    samples, rate = np.asarray(raw[0]), _rate(raw[1])
    if samples.dtype.kind != "f":
        raise ValueError(f"samples are floats in -1..1, got {samples.dtype}; divide whole numbers by their range")
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and not 1 <= samples.shape[1] <= MAX_SOUND_CHANNELS):
        raise ValueError(f"samples are [n] or [n, channels], got shape {samples.shape}; is it transposed?")
    if samples.shape[0] == 0:
        raise ValueError("got a sound without samples; a missing sound is None")
    if not np.isfinite(samples).all():
        where = int(np.flatnonzero(~np.isfinite(samples).reshape(len(samples), -1).all(1))[0])
        raise ValueError(f"samples are finite, got {samples[where]} at sample {where} ({where / rate:.3f} s)")
    if samples.dtype == np.float16:  # which cannot hold the limit that follows, nor sums over channels
        samples = samples.astype(np.float32)
    if np.abs(samples).max() > MAX_VALUE:
        raise ValueError(f"samples are in -1..1, got {np.abs(samples).max():g}; divide them by their range")
    return samples, rate


def mono(raw: object, rate: int) -> Float[np.ndarray, " samples"]:
    """Samples [n] at `rate` Hz of a pair `(samples, rate)`; several channels become their mean.

    Another rate is converted by polyphase filtering, which removes what the new rate cannot hold.

    Raises:
        ValueError: as `checked_sound`, and on more than `MAX_SAMPLES` samples.

    Example:
        >>> mono((np.zeros((1600, 2)), 16000), 8000).shape
        (800,)
    """
    samples, given = checked_sound(raw)
    if len(samples) * max(rate / given, 1) > MAX_SAMPLES:
        raise ValueError(f"{len(samples)} samples at {given} Hz last {len(samples) / given:.0f} s; cut the sound first")
    if samples.ndim == 2:
        samples = samples.mean(1)
    if given != rate:
        from scipy.signal import resample_poly

        ratio = _ratio(rate, given)
        samples = resample_poly(samples, ratio.numerator, ratio.denominator)
    return samples.astype(np.float32)


def _ratio(rate: int, given: int) -> Fraction:
    """New rate over old one. The filter is as long as its terms are large, so those of odd rates are approximated."""
    ratio = Fraction(rate, given)
    # Off by 1e-5 at most, 36 ms in an hour; the usual rates are exact.
    return ratio.limit_denominator(max(MAX_TERM, 8 * -(-given // rate))) if max(rate, given) > MAX_TERM else ratio


def _rate(rate: object) -> int:
    if (
        not isinstance(rate, int | float | np.integer | np.floating)
        or isinstance(rate, bool)
        or not 1 <= rate <= MAX_RATE
        or not float(rate).is_integer()
    ):
        raise ValueError(f"a sound is (samples, rate) with a rate in whole Hz up to {MAX_RATE}, got rate={rate!r}")
    return int(rate)
