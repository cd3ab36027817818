"""The page of a run: of the demo, of a fit, of two models; and what cannot be shown is said."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from mmgraph.cli import app
from mmgraph.cli.page import demo_samples, model_folder, run_page, show
from mmgraph.datasets import SpokenGrid
from mmgraph.graph import GraphBatch
from mmgraph.graphs.spoken_grid import build
from mmgraph.models import ConcatMLP, GraphFusion
from mmgraph.training import Blueprint, save_model


def data_of(path: Path) -> dict[str, Any]:
    return json.loads(re.search(r'id="data">(.*?)</script>', path.read_text("utf-8"), re.DOTALL)[1])


def save(folder: Path, graphs: GraphBatch, **settings: Any) -> Path:
    blueprint = Blueprint.of(
        GraphFusion, schema=graphs.schema, out_channels=10, hidden_channels=8, num_layers=2, heads=2, **settings
    )
    save_model(blueprint.build(), folder, blueprint)
    return folder


@pytest.fixture(scope="module")
def graphs() -> GraphBatch:
    test = SpokenGrid("test", 4, seed=3)
    return build(size=8).fit(SpokenGrid("train", 5, seed=3)[:])(test[:])


@pytest.fixture(scope="module")
def run(graphs: GraphBatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `mmgraph demo` leaves, with a model that has learned nothing."""
    folder = tmp_path_factory.mktemp("run")
    save(folder / "model", graphs)
    metrics = {"seed": 3, "samples": {"train": 5, "val": 1, "test": 4}}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder


def test_a_run_of_the_demo_is_shown_with_picture_sound_flow_and_gradient(run: Path, tmp_path: Path) -> None:
    names = ["test-3-000002", "test-3-000000"]
    arguments = ["page", str(run), "--out", str(tmp_path / "page.html"), *(f"--sample={name}" for name in names)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"Written: {tmp_path / 'page.html'} (") and result.stdout.count("\n") == 1
    data = data_of(tmp_path / "page.html")
    assert [sample["id"] for sample in data["samples"]] == names
    for sample in data["samples"]:
        assert len(sample["layers"]) == 2 and sample["flow"] and sample["attributions"][0]["name"] == "gradient x input"
        assert sample["truth"] == str(SpokenGrid("test", 4, seed=3)[int(sample["id"][-1])]["answer"])
        assert re.fullmatch(r"\d \(\d+%\)", sample["prediction"])
        assert sample["right"] == (sample["prediction"].split()[0] == sample["truth"])
    assert {media["type"] for media in data["media"]} == {"image/png", "audio/flac"}


def test_without_a_name_the_first_sample_is_shown(run: Path, tmp_path: Path) -> None:
    run_page(run, samples=[], out=tmp_path / "page.html")
    assert [sample["id"] for sample in data_of(tmp_path / "page.html")["samples"]] == ["test-3-000000"]


def test_two_models_are_shown_side_by_side(run: Path, graphs: GraphBatch, tmp_path: Path) -> None:
    other = save(tmp_path / "other", graphs)
    run_page(run, samples=["test-3-000001"], out=tmp_path / "page.html", compare=other)
    data = data_of(tmp_path / "page.html")
    assert [(s["id"], s["model"]) for s in data["samples"]] == [("test-3-000001", name) for name in (run.name, "other")]
    assert data["start"] == {"with": "test-3-000001", "withmodel": "other"}


def test_graphs_from_a_file_are_shown_without_pictures_and_that_is_said(
    graphs: GraphBatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "best", graphs)
    graphs.save(tmp_path / "graphs.safetensors")
    run_page(tmp_path, samples=[], out=tmp_path / "page.html", graphs=tmp_path / "graphs.safetensors")
    assert "no pictures and sounds: graphs.safetensors holds graphs only" in capsys.readouterr().out
    data = data_of(tmp_path / "page.html")
    assert data["media"] == [] and data["note"].startswith("No pictures and sounds: ")
    assert data["samples"][0]["panels"][1]["labels"]


def test_what_a_model_does_not_allow_is_left_out_and_said(graphs: GraphBatch) -> None:
    torch.manual_seed(0)
    model = GraphFusion(graphs.schema, 1, hidden_channels=8, num_layers=1, heads=1, scope="relation")
    shown = show(model, graphs[:2], demo_like(2))
    assert len(shown.missing) == 1 and shown.missing[0].startswith("no attention flow: ")
    assert shown.samples[0].flow is None and shown.samples[0].layers and shown.samples[0].attributions
    assert shown.samples[0].right is None and re.fullmatch(r"-?\d.*", shown.samples[0].prediction)


def test_a_model_without_attention_is_refused(graphs: GraphBatch) -> None:
    lengths = {name: int(nodes.counts.max()) for name, nodes in graphs.nodes.items()}
    with pytest.raises(ValueError, match="ConcatMLP has no layer with attention"):
        show(ConcatMLP(graphs.schema, 10, lengths, hidden_channels=8), graphs, demo_like(4))


def demo_like(number: int) -> list[dict[str, Any]]:
    return SpokenGrid("test", 4, seed=3)[:number]


def test_raw_samples_of_the_demo_are_composed_from_its_seed(run: Path) -> None:
    assert [sample["text"] for sample in demo_samples(run, [3, 1])] == [demo_like(4)[i]["text"] for i in (3, 1)]


def test_a_mistake_is_one_line(run: Path, tmp_path: Path) -> None:
    page = ["--out", str(tmp_path / "page.html")]
    result = CliRunner().invoke(app, ["page", str(run), "--sample", "none", *page])
    assert result.exit_code == 2 and result.stderr.startswith("mmgraph: 0 of 4 graphs have the id 'none'")
    result = CliRunner().invoke(app, ["page", str(run), "--compare", str(tmp_path), *page])
    assert result.exit_code == 2 and "holds no model: give the folder of `mmgraph demo`" in result.stderr
    with pytest.raises(ValueError, match="holds no model"):
        model_folder(tmp_path)
    assert not (tmp_path / "page.html").exists()
