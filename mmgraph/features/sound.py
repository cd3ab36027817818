"""Raw sound: checked, one channel, at the sampling rate that is wanted."""

import numpy as np
from numpy.typing import NDArray

MAX_SOUND_CHANNELS = 32  # more is taken for a transposed array


def mono(raw: object, rate: int) -> NDArray[np.float32]:
    """Samples [n] at `rate` Hz of a pair `(samples, rate)`; several channels become their mean.

    Another rate is converted by polyphase filtering, which removes what the new rate cannot hold.

    Raises:
        ValueError: if it is no such pair, the samples are not floating point, not [n] or [n, channels], none, or not
            finite, or the rate is not a whole number of Hz.

    Example:
        >>> mono((np.zeros((1600, 2)), 16000), 8000).shape
        (800,)
    """
    if not isinstance(raw, tuple | list) or len(raw) != 2:
        raise ValueError(f"LogMel takes (samples, rate in Hz), got {type(raw).__name__}")
    samples, given = np.asarray(raw[0]), _rate(raw[1])
    if samples.dtype.kind != "f":
        raise ValueError(f"LogMel takes floats in -1..1, got {samples.dtype}; divide whole numbers by their range")
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and not 1 <= samples.shape[1] <= MAX_SOUND_CHANNELS):
        raise ValueError(f"LogMel takes samples [n] or [n, channels], got shape {samples.shape}; is it transposed?")
    if samples.shape[0] == 0:
        raise ValueError("LogMel got a sound without samples; a missing sound is None")
    if not np.isfinite(samples).all():
        where = int(np.flatnonzero(~np.isfinite(samples).reshape(len(samples), -1).all(1))[0])
        raise ValueError(f"LogMel takes finite samples, got {samples[where]} at sample {where} ({where / given:.3f} s)")
    if samples.ndim == 2:
        samples = samples.mean(1)
    if given != rate:
        from scipy.signal import resample_poly

        divisor = int(np.gcd(given, rate))
        samples = resample_poly(samples, rate // divisor, given // divisor)
    return samples.astype(np.float32)


def _rate(rate: object) -> int:
    if not isinstance(rate, int | float | np.integer | np.floating) or rate < 1 or not float(rate).is_integer():
        raise ValueError(f"LogMel takes (samples, rate) with a rate in whole Hz, got rate={rate!r}")
    return int(rate)
