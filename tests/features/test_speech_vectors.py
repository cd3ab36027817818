"""`SpeechVectors`; what every front end promises is asked in test_front_ends.py."""

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmgraph.features import SpeechVectors


def silence_with_click(seconds: float, at: float) -> tuple[Any, int]:
    samples = np.zeros(round(seconds * 16000), dtype=np.float32)
    start = round(at * 16000)
    samples[start : start + 160] = np.random.default_rng(0).standard_normal(160)[: len(samples[start:])] / 3
    return samples, 16000


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (1280, 1), (1281, 2), (16000, 13)])
def test_there_is_a_vector_per_80_ms(samples: int, frames: int) -> None:
    nodes = SpeechVectors()([(np.zeros(samples, dtype=np.float32), 16000)])
    assert nodes.x.shape == (frames, 96)
    assert nodes.attribute("span")[-1].tolist() == pytest.approx([0.08 * (frames - 1), samples / 16000])


@pytest.mark.parametrize("at", [0.8, 1.2, 1.61])
def test_what_is_heard_is_around_the_node(at: float) -> None:
    click, quiet = (SpeechVectors()([sound]) for sound in (silence_with_click(2.4, at), silence_with_click(2.4, 99)))
    changed = torch.nonzero((click.x - quiet.x).abs().amax(1) > 1e-3).squeeze(1)
    heard = click.attribute("span")[changed]
    middle = float(heard[0, 0] + heard[-1, 1]) / 2
    assert middle == pytest.approx(at + 0.005, abs=0.08)
    assert float(heard[-1, 1] - heard[0, 0]) == pytest.approx(0.78, abs=0.17)


def test_a_sound_does_not_depend_on_those_before_it() -> None:
    sounds = [silence_with_click(0.5, 0.1), silence_with_click(0.3, 0.2)]
    both = SpeechVectors()(sounds)
    assert torch.equal(both.select(torch.tensor([1]))[0].x, SpeechVectors()(sounds[1:]).x)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"melspectrogram\.tflite is not there"):
        SpeechVectors(tmp_path)
    shutil.copytree(SpeechVectors()._folder, tmp_path / "copy")
    assert SpeechVectors(tmp_path / "copy").digest == SpeechVectors().digest
    (tmp_path / "copy" / "alexa.tflite").unlink()
    with pytest.raises(ValueError, match="they have changed"):
        SpeechVectors(tmp_path / "copy", digest=SpeechVectors().digest)


def test_without_the_package_the_way_to_install_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    front_end = SpeechVectors()
    monkeypatch.setitem(sys.modules, "pyopen_wakeword", None)
    with pytest.raises(ImportError, match=r'pyopen-wakeword is not installed: pip install "mmgraph\[speech\]"'):
        front_end([silence_with_click(0.1, 0)])
