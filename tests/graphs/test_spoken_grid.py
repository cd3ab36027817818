"""The recipe of SpokenGrid's graphs."""

import runpy

import pytest
import torch

from mmgraph.datasets import SpokenGrid
from mmgraph.graph import GraphBatch
from mmgraph.graphs import spoken_grid  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def batch() -> GraphBatch:
    train, test = SpokenGrid("train", 60), SpokenGrid("test", 20)
    return spoken_grid.build().fit(train)(test)


def test_a_sample_of_the_data_set_is_a_small_graph_with_all_modalities(batch: GraphBatch) -> None:
    assert bool(batch.present.all())
    assert batch.nodes["image"].counts.unique().tolist() == [16]
    assert 3 <= int(batch.nodes["text"].counts.min()) <= int(batch.nodes["text"].counts.max()) <= 20
    assert 4 <= int(batch.nodes["audio"].counts.min()) <= int(batch.nodes["audio"].counts.max()) <= 25
    assert batch.targets["answer"].values.tolist() == [sample["answer"] for sample in SpokenGrid("test", 20)]


def test_every_node_is_reached_from_every_other_modality(batch: GraphBatch) -> None:
    for src in batch.nodes:
        for dst, nodes in batch.nodes.items():
            edges = batch.relation(
                (src, {"image": "beside", "text": "with", "audio": "near"}[src] if src == dst else "with", dst)
            )
            reached = torch.bincount(edges.dst + nodes.ptr[edges.graph], minlength=nodes.num_nodes)
            assert bool((reached > 0).all())


def test_the_words_and_the_loudness_of_training_fit_the_test(batch: GraphBatch) -> None:
    token = batch.nodes["text"].attribute("token")
    assert float((token > 0).float().mean()) > 0.9
    assert batch.nodes["audio"].x.mean().abs() < 0.5
    assert 0.5 < float(batch.nodes["audio"].x.std()) < 1.5


def test_settings_reach_the_front_ends_and_rules() -> None:
    raw = spoken_grid.sample()
    graph = spoken_grid.build(size=8, neighbours=4, reach=1, stack=8, mels=20).fit([raw])([raw])
    assert graph.nodes["image"].x.shape == (4, 64)
    assert graph.nodes["audio"].x.shape == (5, 160)
    assert graph.relation(("image", "beside", "image")).num_edges == 8
    assert graph.relation(("audio", "near", "audio")).num_edges == 13


def test_a_missing_sound_leaves_the_rest() -> None:
    raw = spoken_grid.sample()
    builder = spoken_grid.build().fit([raw])
    whole, silent = builder([raw]), builder([{**raw, "audio": None}])
    assert silent.present.tolist() == [[True, True, False]]
    assert torch.equal(silent.nodes["image"].x, whole.nodes["image"].x)
    assert silent.relation(("text", "with", "audio")).num_edges == 0


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_the_recipe_run_as_a_program_prints_its_sample(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_module("mmgraph.graphs.spoken_grid", run_name="__main__")
    printed = capsys.readouterr().out
    assert "16 nodes of image" in printed
    assert "edges text -> with -> image" in printed
