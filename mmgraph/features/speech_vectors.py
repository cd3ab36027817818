"""`SpeechVectors`: a sound as frames with vectors of a pretrained speech model."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from mmgraph.features.raw import Part, check_each, extra, join
from mmgraph.features.sound import mono
from mmgraph.features.weights import check_digest, weights_folder
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet

PACKAGE = "pyopen_wakeword"
RATE = 16_000
STEP = 1280  # samples from one vector to the next, 80 ms
SEEN = 76 * 160 + 240  # samples that a vector is computed from: 76 hops of 10 ms and the rest of a window
BEFORE = (SEEN - STEP) // 2


@dataclass(frozen=True)
class SpeechVectors:
    """One node per 80 ms of a sound, with a vector of Google's speech embedding model (Lin et al. 2020).

    The model listens to 0.78 s around the middle of a node, with silence beyond the ends of the sound. It was trained
    to tell spoken words apart, and comes with the installed package `pyopen-wakeword` as files for TensorFlow Lite,
    which the package brings too. `x` [frames, 96]. Nodes carry `span` in seconds and `position`. Sounds are converted
    to 16 kHz and to 16 bits, which is what the model takes; louder than -1..1 is cut.

    Args:
        path: folder with `melspectrogram.tflite` and `embedding_model.tflite`; None: the package's.
        digest: of its files; where it is given, other files are an error, see `TextVectors`.

    Raises:
        ValueError: on a folder that is not there or lacks a file, or files with another digest; when called, on a sound
            as `LogMel` does.
        ImportError: without pyopen-wakeword.

    Example:
        >>> tone = np.sin(2 * np.pi * 440 * np.arange(8000) / 16000).astype(np.float32)
        >>> frames = SpeechVectors()([(tone, 16000)])
        >>> frames.x.shape, [round(end, 2) for end in frames.attribute("span")[-1].tolist()]
        (torch.Size([7, 96]), [0.48, 0.5])
    """

    path: Path | str | None = None
    _: KW_ONLY
    digest: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", None if self.path is None else str(self.path))
        for name in ("melspectrogram.tflite", "embedding_model.tflite"):
            if not (self._folder / name).is_file():
                raise ValueError(f"{self._folder}: {name} is not there")
        object.__setattr__(self, "digest", check_digest(self._folder, self.digest))

    @property
    def channels(self) -> int:
        """96."""
        return 96

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`span`, `position`."""
        return {name: STANDARD_ATTRIBUTES[name] for name in ("span", "position")}

    def fit(self, raws: Iterable[Any]) -> Self:
        """Itself: the model does not learn."""
        return self

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The frames of each sound, none where it is None."""
        sounds = check_each(raws, lambda raw: mono(raw, RATE))
        parts = [(index, self._frames(samples)) for index, samples in sounds]
        return join(parts, len(raws), self.channels, self.attributes)

    @property
    def _folder(self) -> Path:
        return weights_folder(self.path, PACKAGE, "models", extra("pyopen-wakeword", "speech"))

    def _frames(self, samples: NDArray[np.float32]) -> Part:
        try:
            from pyopen_wakeword import OpenWakeWordFeatures
        except ImportError as error:
            raise ImportError(extra("pyopen-wakeword", "speech")) from error
        number = -(-len(samples) // STEP)
        filled = np.zeros(number * STEP + SEEN + STEP, dtype=np.float32)
        filled[BEFORE : BEFORE + len(samples)] = samples
        data = np.round(np.clip(filled, -1, 1) * 32767).astype(np.int16)
        # A model of its own for each sound: it keeps what it heard, and starts with seconds of silence, unless told.
        listener = OpenWakeWordFeatures.from_builtin(self._folder)
        listener.new_audio_samples = 0
        try:
            pieces = (data[at : at + STEP].tobytes() for at in range(0, len(data) - STEP + 1, STEP))
            found = [vectors.reshape(-1, 96) for piece in pieces for vectors in listener.process_streaming(piece)]
        finally:
            listener.close()
        x = np.concatenate(found)[:number]
        start = torch.arange(number) * STEP
        span = torch.stack([start, (start + STEP).clamp(max=len(samples))], 1).double() / RATE
        return torch.from_numpy(x.copy()), {"span": span.float(), "position": torch.arange(number)}
