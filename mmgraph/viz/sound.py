"""`draw_sound`: a spectrogram with the frames above it, on a time axis in seconds."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from torch import Tensor

from mmgraph.viz.style import LINE, MUTED, mix, tints

STRIP = (1.03, 1.13)  # the frames, as fractions of the height of the axes: just above the spectrogram
SILENCE, RANGE = -120.0, 60.0  # decibels: drawn as none at all, and from white to black
Sound = tuple[np.ndarray, int]


def draw_sound(
    sound: Sound | None,
    spans: Sequence[Sequence[float]] | Tensor,
    *,
    flow: Float[Tensor, " frames"] | None = None,
    largest: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The spectrogram of a sound (dark is loud) and above it a cell per frame, tinted by flow, scaled to the largest.

    Does not show: phase, anything 60 dB below the loudest point, and how frames overlap: neighbours that do are parted
    in the middle of what they share.

    Args:
        sound: samples [n] or [n, channels] and their rate in Hz; None draws the frames alone.
        spans: start and end of each frame in seconds.
        flow: a number of at least 0 per frame.
        largest: the flow that has the full tint; the largest of the frames if not given.
        ax: where to draw; a new figure if not given.

    Raises:
        ValueError: if the sound is not samples and a rate above 0.

    Example:
        >>> ax = draw_sound((np.sin(np.arange(8000.0)), 8000), [[0.0, 0.5], [0.5, 1.0]])
        >>> ax.get_xlabel(), len(ax.images), len(ax.collections[0].get_paths())
        ('', 1, 2)
    """
    ax = Figure(figsize=(6, 2.2), layout="constrained").subplots() if ax is None else ax
    rows = np.asarray(spans, dtype=np.float64).reshape(-1, 2)
    end = max(sound_length(sound), float(rows.max(initial=0.0)))
    ax.set_xlim(0, end if end > 0 else 1)
    if sound is None or sound_length(sound) == 0:
        ax.set(ylim=(0, 1), yticks=[])
        ax.text(0.5, 0.5, "no waveform", transform=ax.transAxes, ha="center", va="center", size=8, color=MUTED)
    else:
        _spectrogram(ax, *sound)
    strength = np.zeros(len(rows)) if flow is None else tints(flow, largest)
    low, high = STRIP
    cells = [[(a, low), (b, low), (b, high), (a, high)] for a, b in frame_cells(rows)]
    width = 0.6 if len(cells) <= 60 else 0.25
    strip = PolyCollection(cells, facecolors=[mix(float(tint)) for tint in strength], edgecolors=LINE, linewidths=width)
    strip.set(transform=ax.get_xaxis_transform(), clip_on=False, gid="frames")
    ax.add_collection(strip, autolim=False)
    ax.tick_params(labelsize=7.5, colors=MUTED, length=2.5, width=0.6)
    for spine in ax.spines.values():
        spine.set(color=LINE, linewidth=0.6)
    return ax


def frame_cells(spans: Float[np.ndarray, "frames 2"]) -> Float[np.ndarray, "frames 2"]:
    """Start and end of each frame's cell: its span, but neighbours that overlap are parted in the middle of that.

    Example:
        >>> frame_cells(np.array([[0.0, 2.0], [1.0, 3.0], [4.0, 5.0]])).tolist()
        [[0.0, 1.5], [1.5, 3.0], [4.0, 5.0]]
    """
    cells = spans.copy()
    order = np.lexsort((spans[:, 1], spans[:, 0]))
    before, after = order[:-1], order[1:]
    # A frame inside another keeps its own span: to part the two would give it time that it does not cover.
    shared = (spans[before, 1] > spans[after, 0]) & (spans[before, 1] < spans[after, 1])
    middle = (spans[before, 1] + spans[after, 0]) / 2
    cells[before[shared], 1] = middle[shared]
    cells[after[shared], 0] = middle[shared]
    return cells


def sound_length(sound: Sound | None) -> float:
    """Seconds of a sound; 0 where there is none.

    Raises:
        ValueError: if it is not samples and a rate above 0.

    Example:
        >>> sound_length((np.zeros(4000), 8000))
        0.5
    """
    if sound is None:
        return 0.0
    if not isinstance(sound, tuple) or len(sound) != 2 or np.ndim(sound[0]) not in (1, 2) or not sound[1] > 0:
        raise ValueError(f"a sound is (samples [n] or [n, channels], rate in Hz), got {sound!r:.80}")
    return len(sound[0]) / sound[1]


def _spectrogram(ax: Axes, samples: np.ndarray, rate: int) -> None:
    power, hop = _power(samples, rate)
    decibel = 10 * np.log10(np.maximum(power, 10 ** (SILENCE / 10)))
    step = hop / rate
    extent = (-step / 2, (power.shape[1] - 0.5) * step, 0, rate / 2000)
    loudest = max(float(decibel.max()), SILENCE + RANGE)  # so that silence is white
    ax.imshow(
        decibel, origin="lower", aspect="auto", extent=extent, cmap="Greys", vmin=loudest - RANGE, vmax=loudest,
        interpolation="bilinear",
    )  # fmt: skip
    ax.set_ylim(0, rate / 2000)
    ax.yaxis.tick_right()  # the left side is where links pass
    ax.yaxis.set_label_position("right")
    ax.set_ylabel("kHz", size=7.5, color=MUTED, labelpad=2)


def _power(samples: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
    """Power by frequency and time, and the hop in samples: windows of 25 ms every 5 ms, at most about 2,000 of them."""
    values = torch.as_tensor(np.asarray(samples, dtype=np.float32))
    values = values if values.dim() == 1 else values.mean(1)
    window = max(16, round(0.025 * rate))
    hop = max(1, round(0.005 * rate), values.numel() // 2000)
    size = 1 << (window - 1).bit_length()
    spectrum = torch.stft(
        values, size, hop, window, torch.hann_window(window), center=True, pad_mode="constant", return_complex=True
    )
    return spectrum.abs().square().numpy(), hop
