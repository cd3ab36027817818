"""What `mmgraph explain` prints, of a run of the demo and of any other."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mmgraph import ops
from mmgraph.cli.demo import DemoSize, build_splits
from mmgraph.cli.explain import Explained, choose, describe, load_run, run_explain
from mmgraph.explain import ClassScore, Method, RandomScores, standard_methods
from mmgraph.graph import GraphBatch
from mmgraph.models import GraphFusion
from mmgraph.training import Blueprint, save_model
from mmgraph.training.augment import keep_nodes


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the method that takes a hundred steps, and with one donor."""

    def few(*arguments: Any, **named: Any) -> dict[str, Method]:
        methods = standard_methods(*arguments, **named | {"draws": 1})
        return {name: method for name, method in methods.items() if name != "learned masks"}

    monkeypatch.setattr("mmgraph.cli.explain.standard_methods", few)


@pytest.fixture
def graphs() -> GraphBatch:
    """Eight graphs of two modalities."""
    draw = torch.Generator().manual_seed(0)
    edges = {("a", "to", "b"): torch.tensor([[0, 1, 2], [0, 1, 0]]), ("b", "to", "b"): torch.tensor([[0], [1]])}
    return GraphBatch.concat(
        [
            GraphBatch.single(
                {"a": torch.randn(3, 4, generator=draw), "b": torch.randn(2, 4, generator=draw)}, edges, id=f"s{i}"
            )
            for i in range(8)
        ]
    )


@pytest.fixture
def saved(tmp_path: Path, graphs: GraphBatch) -> Callable[..., Path]:
    """Writes a run with a model and its graphs; gives the folder."""

    def save(*, out_channels: int = 3, scope: str = "node") -> Path:
        plan = Blueprint.of(
            GraphFusion, schema=graphs.schema, out_channels=out_channels, hidden_channels=8, heads=2, scope=scope
        )
        save_model(plan.build(), tmp_path / "run" / "best", plan)
        graphs.save(tmp_path / "graphs.safetensors")
        return tmp_path / "run"

    return save


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_sample_is_explained_and_the_methods_are_measured(
    saved: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = saved()
    with ops.backend("reference"):
        found = run_explain(run, sample="s5", graphs=tmp_path / "graphs.safetensors", samples=4)
    lines = lines_of(capsys)
    assert lines[0] == "sample s5, GraphFusion" and lines[1].startswith("predicted class ")
    assert any(line.startswith("share of each modality in the log odds") for line in lines)
    assert any(line.startswith("  a -> to -> b") for line in lines)
    assert any(line.startswith("attention flow: ") for line in lines)
    assert f"over {found.num_graphs} graphs" in "".join(lines) and found.num_graphs == 4
    row = found.estimates["dependence, donors"]["fidelity+"]
    assert any(f"fidelity+      {row}" in line for line in lines)
    assert "grounding AUC" not in found.estimates["random"]


def test_a_number_is_explained_as_a_number(
    saved: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = saved(out_channels=1)
    with ops.backend("reference"):
        run_explain(run, graphs=tmp_path / "graphs.safetensors", samples=2)
    lines = lines_of(capsys)
    assert lines[0].startswith("sample s0") and lines[1].startswith("output ")


def test_attention_that_cannot_be_compared_is_not_shown(
    saved: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = saved(scope="relation")
    with ops.backend("reference"):
        found = run_explain(run, graphs=tmp_path / "graphs.safetensors", samples=2, column=2)
    text = "\n".join(lines_of(capsys))
    assert "attention flow" not in found.estimates
    assert "no attention flow: layer 'blocks.1.conv' has scope='relation'" in text and "scope='node'" in text


def test_the_run_of_a_demo_needs_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {"train": 100, "val": 5, "test": 10}
    size = DemoSize(train=sizes["train"], val=sizes["val"], test=sizes["test"])
    test = build_splits(size, seed=1).test  # what the demo evaluates
    plan = Blueprint.of(GraphFusion, schema=test.schema, out_channels=10, dropout=0.0)
    save_model(plan.build(), tmp_path / "model", plan)
    (tmp_path / "metrics.json").write_text(json.dumps({"seed": 1, "samples": sizes}))
    capsys.readouterr()
    found = run_explain(tmp_path, sample="test-1-000003", samples=2)
    assert lines_of(capsys)[0] == "sample test-1-000003, GraphFusion"
    assert "grounding AUC" in found.estimates["random"]
    assert load_run(tmp_path, None).graphs.equal(test)


def test_graphs_that_are_explained_are_not_their_own_reference(saved: Callable[..., Path], tmp_path: Path) -> None:
    found = load_run(saved(), tmp_path / "graphs.safetensors")
    chosen, reference = choose(found, 5, 3, seed=0)
    assert "s5" in chosen.graphs.ids.tolist() and len(chosen.graphs) == 3
    assert not set(chosen.graphs.ids.tolist()) & set(reference.ids.tolist()) and len(reference) == 5
    assert len(choose(found, 0, 99, seed=0)[1]) == 8


def test_the_reference_has_every_modality_that_some_graph_has(graphs: GraphBatch) -> None:
    without = keep_nodes(graphs, {"a": graphs.nodes["a"].graph == 0})  # only the first graph has nodes of "a"
    model = GraphFusion(graphs.schema, 2, hidden_channels=8)
    chosen, reference = choose(Explained(model, without), 0, 3, seed=0)
    assert "s0" in chosen.graphs.ids.tolist() and len(reference) == 8
    standard_methods(model, reference)


def test_nodes_of_any_text_take_one_line_each(graphs: GraphBatch) -> None:
    texts = ["two\nlines", "\x1b[2J\u202e", "word " * 100]
    one = GraphBatch.single({"text": torch.rand(3, 4)}, {}, attributes={"text": {"text": texts}})
    model = GraphFusion(one.schema, 2, hidden_channels=8)
    random = {"attention flow": RandomScores()}
    lines = describe(model, one, ClassScore(torch.tensor([0])), random, 5)[-3:]
    assert sorted(line[:12] for line in lines) == ["  text two l", "  text word ", "  text �[2J�"]
    assert all(line.isprintable() and len(line) < 80 for line in lines)


def test_what_is_missing_is_said(saved: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no model: give the folder of `mmgraph demo`"):
        run_explain(tmp_path)
    run, file = saved(), tmp_path / "graphs.safetensors"
    with pytest.raises(ValueError, match="does not say what it was tested on: give --graphs FILE"):
        run_explain(run)
    with pytest.raises(ValueError, match=r"none.safetensors is not a file"):
        run_explain(run, graphs=tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match="0 of 8 graphs have the id 'x'") as caught:
        run_explain(run, graphs=file, sample="x")
    assert caught.value.__notes__ == ["ids are s0, s1, s2, ..."]
    with ops.backend("reference"), pytest.raises(ValueError, match="column=3: the model has the columns 0 to 2"):
        run_explain(run, graphs=file, column=3, samples=2)
    (run / "metrics.json").write_text(json.dumps({"seed": 0}))
    with pytest.raises(ValueError, match=r"metrics.json is not of `mmgraph demo`"):
        run_explain(run)
