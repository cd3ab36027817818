"""`mmgraph graph`: recipes listed, counted, written and drawn."""

import json
from pathlib import Path

import networkx as nx
import pytest
from typer.testing import CliRunner

from mmgraph.cli import app
from mmgraph.cli.graph import names, sample_graph


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["graph", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_without_a_name_all_recipes_are_listed_with_their_titles() -> None:
    lines = run().splitlines()
    assert [line.split()[0] for line in lines] == names()
    assert any("three streams that are not aligned" in line for line in lines)


def test_a_recipe_is_counted_type_by_type() -> None:
    printed = run("vig")
    assert "16 nodes of image with 48 features" in printed and "144 edges image -> like -> image" in printed


@pytest.mark.parametrize("suffix", [".graphml", ".gexf", ".json"])
def test_what_is_written_holds_the_nodes_and_edges(suffix: str, tmp_path: Path) -> None:
    path, graph = tmp_path / f"graph{suffix}", sample_graph("mmgcn")
    assert f"wrote {path}" in run("mmgcn", "--out", str(path))
    if suffix == ".json":
        network = nx.node_link_graph(json.loads(path.read_text(encoding="utf-8")), edges="edges")
    else:
        network = nx.read_gexf(path) if suffix == ".gexf" else nx.read_graphml(path)
    assert (network.number_of_nodes(), network.number_of_edges()) == (graph.num_nodes, graph.num_edges)


def test_an_unknown_recipe_or_format_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["graph", "gnn"])
    assert result.exit_code == 2 and "'gnn' is no recipe: audio_text, beam" in result.output
    result = CliRunner().invoke(app, ["graph", "vig", "--out", str(tmp_path / "graph.png")])
    assert result.exit_code == 2 and "graph.png: the graph is written as .graphml, .gexf, .json" in result.output
    assert not any(tmp_path.iterdir())
