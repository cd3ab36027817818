"""The mel scale: bands of about equal width to the ear."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def mel_bands(rate: int, size: int, mels: int, low: float, high: float) -> Float[Tensor, "bins mels"]:
    r"""Weights that add up the bins of a spectrum into triangular bands, equally wide on the mel scale.

    $\mathrm{mel}(f) = 2595 \log_{10}(1 + f / 700)$ (O'Shaughnessy 1987, as in HTK); each band rises from the centre of
    the one before to 1 at its own and falls to the centre of the next.

    Args:
        rate: samples per second.
        size: samples of the Fourier transform; the spectrum has size // 2 + 1 bins.
        mels: number of bands.
        low: lower edge of the first band, Hz.
        high: upper edge of the last band, Hz.

    Raises:
        ValueError: if a band is so narrow that it lies between two bins.

    Example:
        >>> mel_bands(8000, 256, 20, 0.0, 4000.0).shape
        torch.Size([129, 20])
    """
    edges = 700 * (10 ** (np.linspace(_mel(low), _mel(high), mels + 2) / 2595) - 1)
    bins = np.arange(size // 2 + 1)[:, None] * rate / size
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    bands = np.maximum(0, np.minimum(rising, falling))
    empty = np.flatnonzero(bands.max(0) == 0)
    if empty.size:
        band = f"{edges[empty[0]]:.0f} to {edges[empty[0] + 2]:.0f} Hz"
        raise ValueError(f"{mels=} are too many: the band {band} lies between two bins; take fewer, or a longer window")
    return torch.from_numpy(bands.astype(np.float32))


def _mel(frequency: float) -> float:
    return 2595 * float(np.log10(1 + frequency / 700))
