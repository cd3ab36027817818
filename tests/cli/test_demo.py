"""The demo on a little data: every file is written, every number comes from the run."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mmgraph.cli.demo import DemoSize, run_demo
from mmgraph.graph import GraphSchema
from mmgraph.models import GraphFusion
from mmgraph.training import load_model


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    size = DemoSize()
    short = {"epochs": 1, "warmup_epochs": 0, "batch_size": 50}
    size = DemoSize(
        train=100,
        val=30,
        test=40,
        learned_from=100,
        graph_fusion=replace(size.graph_fusion, **short),
        concat_mlp=replace(size.concat_mlp, **short),
    )
    out = tmp_path_factory.mktemp("demo") / "run"
    return out, run_demo(out=out, seed=1, full=True, size=size)


def test_the_metrics_file_holds_what_the_run_returns(run: tuple[Path, dict[str, Any]]) -> None:
    out, metrics = run
    assert json.loads((out / "metrics.json").read_text()) == metrics
    assert metrics["gap"] == metrics["graph_fusion"]["test_accuracy"] - metrics["concat_mlp"]["test_accuracy"]
    assert 0 <= metrics["attention_grounding_auc"]["mean"] <= 1


def test_every_single_modality_and_every_pair_has_its_ceiling_beside_it(run: tuple[Path, dict[str, Any]]) -> None:
    ablations = run[1]["ablations"]
    assert set(ablations) == {"image", "text", "audio", "image + text", "image + audio", "text + audio"}
    assert all(row["ceiling"] <= 0.55 for row in ablations.values())


def test_the_checkpoint_gives_the_model_back(run: tuple[Path, dict[str, Any]]) -> None:
    out, metrics = run
    model = load_model(out / "model")
    assert sum(parameter.numel() for parameter in model.parameters()) == metrics["graph_fusion"]["parameters"]


def test_report_and_picture_are_written(run: tuple[Path, dict[str, Any]]) -> None:
    out, metrics = run
    report = (out / "report.md").read_text()
    assert f"{metrics['graph_fusion']['test_accuracy']:.3f}" in report
    assert "image + audio only" in report
    assert (out / "attention.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_shows_the_least_and_the_most_likely_answers(
    run: tuple[Path, dict[str, Any]],
) -> None:
    text = (run[0] / "page.html").read_text("utf-8")
    samples = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])["samples"]
    assert len(samples) == 12 and samples[0]["right"] is False
    assert all(sample["layers"] and sample["flow"] and sample["attributions"] for sample in samples)
    assert "[page.html](page.html)" in (run[0] / "report.md").read_text()


def test_an_interrupted_demo_leaves_no_metrics_of_another_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    model = GraphFusion(GraphSchema({"text": 3}), 10, dropout=0.0)
    scores = {"test_accuracy": 0.5}
    parts = {"build_splits": None, "_graph_fusion": (model, scores), "_concat_mlp": scores}
    for name, value in parts.items():
        monkeypatch.setattr(f"mmgraph.cli.demo.{name}", lambda *_, value=value: value)
    monkeypatch.setattr("mmgraph.cli.demo._grounding", interrupt)
    (tmp_path / "metrics.json").write_text("{}")  # of a run with another seed: other data, other words
    with pytest.raises(KeyboardInterrupt):
        run_demo(out=tmp_path, seed=1)
    assert (tmp_path / "model" / "state.json").exists() and not (tmp_path / "metrics.json").exists()
