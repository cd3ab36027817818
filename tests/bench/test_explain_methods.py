"""The benchmark of methods of explanation: how it pools models, and that it writes what it read."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("explain_methods")


def test_intervals_are_over_models_and_samples(script):
    draw = np.random.default_rng(0)
    alike = [draw.normal(0.5, 0.1, 50).tolist() for _ in range(3)]
    apart = [(np.array(values) + shift).tolist() for values, shift in zip(alike, (-0.2, 0.0, 0.2), strict=True)]
    narrow, wide = script._pooled(alike), script._pooled(apart)
    assert narrow[0] == pytest.approx(wide[0], abs=1e-4) == pytest.approx(np.mean(alike), abs=1e-4)
    assert narrow[2] - narrow[1] < 0.08 < 0.2 < wide[2] - wide[1]
    assert script._pooled([[None], [1.0, None]])[0] == 1.0 and script._pooled([[None]]) is None


def test_what_was_measured_before_is_read_and_written_as_tables(script, tmp_path, monkeypatch, capsys):
    measured = {"sparsity": [0.25, 0.75], "grounding AUC": [1.0, None], "seconds": [0.5]}
    for seed in range(2):
        folder = tmp_path / f"grid4-seed{seed}"
        folder.mkdir()
        found = {"accuracy": 0.9, "nodes": {"by hand": measured, "random": measured}}
        (folder / "explained-2-0.json").write_text(json.dumps(found))
    out = tmp_path / "report"
    options = ["--runs", tmp_path, "--cases", "grid4", "--seeds", 2, "--samples", 2, "--edge-samples", 0, "--out", out]
    monkeypatch.setattr("sys.argv", ["explain_methods.py", *map(str, options)])
    script.main()
    text, numbers = out.with_suffix(".md").read_text(), json.loads(out.with_suffix(".json").read_text())
    assert "| by hand | 0.500 (0.250 to 0.750) | 1.000 (1.000 to 1.000) | 0.5000 |" in text
    assert "Grounding AUC of each model: by hand 1.000 1.000; random 1.000 1.000." in text
    assert numbers["cases"]["grid4"]["nodes"]["by hand"]["sparsity"] == [0.5, 0.25, 0.75]
    assert "grid4, seed 1: accuracy 0.900" in capsys.readouterr().out
