"""What can be told about the stamps without understanding any: the baselines to report beside every result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64

from mmgraph.datasets.groups import grouped_folds
from mmgraph.datasets.retrieval import pair_auc, recall_at, retrieval_ranks
from mmgraph.datasets.stamp_consistency import StampConsistency, spoken_seconds, text_lengths
from mmgraph.datasets.stamp_table import FOLDS
from mmgraph.datasets.stamps import Stamps

BANDS = 24
"""Bands of the spectrum of room tone."""
_WINDOW, _QUIETEST = 0.032, 0.1


@dataclass(frozen=True)
class Control:
    """Accuracy of a baseline, over all samples, each predicted by the model of the folds that do not hold it.

    Attributes:
        accuracy: of the baseline.
        majority: of guessing the most frequent label.
        samples: how many there are.

    Example:
        >>> print(Control(0.25, 0.2, 100))
        accuracy 0.250, majority 0.200, 100 samples
    """

    accuracy: float
    majority: float
    samples: int

    def __str__(self) -> str:
        return f"accuracy {self.accuracy:.3f}, majority {self.majority:.3f}, {self.samples} samples"


@dataclass(frozen=True)
class LengthRetrieval:
    """How well the length of a text finds the sound of it.

    Attributes:
        recall_at_1: share of texts whose sound is the first candidate.
        recall_at_10: share whose sound is among the first ten.
        auc: probability that the right pair fits better than a wrong one.
        candidates: how many there are.

    Example:
        >>> print(LengthRetrieval(0.08, 0.4, 0.84, 130))
        R@1 0.080, R@10 0.400, pair AUC 0.840, 130 candidates
    """

    recall_at_1: float
    recall_at_10: float
    auc: float
    candidates: int

    def __str__(self) -> str:
        return (
            f"R@1 {self.recall_at_1:.3f}, R@10 {self.recall_at_10:.3f}, pair AUC {self.auc:.3f}, "
            f"{self.candidates} candidates"
        )


def room_tone(samples: Float[np.ndarray, " samples"], rate: int) -> Float32[np.ndarray, " bands"]:
    """The spectrum of the quietest tenth of a recording: what is heard when nobody speaks.

    Windows of 32 ms, half of them overlapping; log power (dB) in `BANDS` bands, equally wide on a logarithmic scale
    from 50 Hz to half the rate.

    Raises:
        ValueError: if the recording is shorter than a window.

    Example:
        >>> hiss = np.random.default_rng(0).normal(0, 0.01, 8000)
        >>> speech = np.concatenate([hiss, np.sin(np.arange(8000))])
        >>> bool(np.allclose(room_tone(speech, 8000), room_tone(hiss, 8000), atol=6))
        True
    """
    window = int(_WINDOW * rate)
    if len(samples) < window:
        raise ValueError(f"{len(samples)} samples at {rate} Hz are shorter than {_WINDOW} s")
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[:: window // 2]
    energy = (frames.astype(np.float64) ** 2).mean(axis=1)
    quiet = frames[np.argsort(energy, kind="stable")[: max(1, int(_QUIETEST * len(frames)))]]
    power = (np.abs(np.fft.rfft(quiet * np.hanning(window), axis=1)) ** 2).mean(axis=0)
    frequencies = np.fft.rfftfreq(window, 1 / rate)
    bands = np.digitize(frequencies, np.geomspace(50, rate / 2, BANDS + 1)[1:-1])
    mean = np.bincount(bands, weights=power, minlength=BANDS) / np.maximum(np.bincount(bands, minlength=BANDS), 1)
    return (10 * np.log10(mean + 1e-12)).astype(np.float32)


def room_tone_control(task: str = "folder", speech: str = "es", root: str | Path | None = None) -> Control:
    """How well the label is told by room tone alone, with logistic regression on the recordings as they are.

    Raises:
        ValueError: as `Stamps` does.

    Example:
        >>> room_tone_control.__name__
        'room_tone_control'
    """
    parts = [Stamps("test", task=task, speech=speech, fold=fold, root=root) for fold in range(FOLDS)]
    tones = [_tones(part) for part in parts]
    return _cross_validated(
        np.concatenate(tones).astype(np.float64),
        np.concatenate([part.labels for part in parts]),
        np.repeat(np.arange(FOLDS), [len(part) for part in parts]),
    )


def _tones(stamps: Stamps) -> Float32[np.ndarray, "stamps bands"]:
    tones = np.zeros((len(stamps), BANDS), dtype=np.float32)
    for i in range(len(stamps)):
        samples, rate = stamps.sound(i, recorded=True)
        tones[i] = room_tone(samples if samples.ndim == 1 else samples.mean(axis=1), rate)
    return tones


def length_retrieval(train: Stamps, test: Stamps) -> LengthRetrieval:
    """How well a text finds its sound by length alone: a line from characters to seconds, learned from `train`.

    Args:
        train: where the line is learned.
        test: text and speech of one language.

    Raises:
        ValueError: if text and speech of `test` are of different languages.

    Example:
        >>> length_retrieval.__name__
        'length_retrieval'
    """
    if test.text != test.speech:
        raise ValueError(f"text={test.text!r}, speech={test.speech!r}: retrieval is within one language")
    slope, start = np.polyfit(text_lengths(train), spoken_seconds(train), 1)
    scores = -np.abs(start + slope * text_lengths(test)[:, None] - spoken_seconds(test)[None, :])
    texts = [stamp.texts[test.text] for stamp in test.stamps]
    ranks = retrieval_ranks(scores, texts, texts)
    return LengthRetrieval(recall_at(ranks, 1), recall_at(ranks, 10), pair_auc(scores, texts, texts), len(texts))


def length_control(consistency: StampConsistency) -> Control:
    """How well lengths alone tell what was swapped: characters, seconds, and what is left of seconds after a line.

    Cross-validated within the samples given, a stamp's four samples and its group in one fold. It should be at chance,
    .25; more than that is what length-matched swaps still give away.

    Raises:
        ValueError: if a file is damaged.

    Example:
        >>> length_control.__name__
        'length_control'
    """
    stamps = consistency.stamps
    texts, seconds = text_lengths(stamps), spoken_seconds(stamps)
    own = np.repeat(np.arange(len(stamps)), 4)
    kind = np.tile(np.arange(4), len(stamps))
    characters = texts[np.where(kind == 2, consistency.others, own)]
    durations = seconds[np.where(kind == 3, consistency.others, own)]
    slope, start = np.polyfit(texts, seconds, 1)
    left = durations - start - slope * characters
    features = np.stack([characters, durations, left, np.abs(left)], axis=1)
    groups = stamps.groups[own]
    return _cross_validated(features, kind, grouped_folds(groups, np.zeros_like(groups), FOLDS))


def _cross_validated(
    features: Float64[np.ndarray, "samples features"],
    labels: Int64[np.ndarray, " samples"],
    folds: Int64[np.ndarray, " samples"],
) -> Control:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    right = np.zeros(len(labels), dtype=bool)
    for fold in np.unique(folds):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        model.fit(features[folds != fold], labels[folds != fold])
        right[folds == fold] = model.predict(features[folds == fold]) == labels[folds == fold]
    return Control(float(right.mean()), float(np.bincount(labels).max() / len(labels)), len(labels))
