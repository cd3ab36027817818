import pytest
import torch

from mmgraph.explain import DonorFill, MeanFill, Removed
from mmgraph.graph import GraphBatch


def mask_of(batch: GraphBatch, seed: int = 0) -> torch.Tensor:
    return torch.rand(batch.num_nodes, generator=torch.Generator().manual_seed(seed)) < 0.5


@pytest.mark.parametrize("kind", ["mean", "donors"])
def test_what_is_not_masked_stays_and_so_do_places_and_edges(typed: GraphBatch, kind: str):
    fill = MeanFill.of(typed) if kind == "mean" else DonorFill(typed)
    mask = mask_of(typed)
    made = fill(typed, mask, 3)
    assert made.edges is typed.edges and made.ids is typed.ids
    for (name, before), own in zip(typed.nodes.items(), mask.split(typed.flat.num_nodes), strict=True):
        after = made.nodes[name]
        assert torch.equal(after.x[~own], before.x[~own])
        assert torch.equal(after.ptr, before.ptr)
        if name == "text":
            assert torch.equal(after.attribute("token")[~own], before.attribute("token")[~own])
        if name == "image":
            assert torch.equal(after.attribute("box"), before.attribute("box"))


def test_the_mean_is_that_of_the_modality_and_words_become_unknown(typed: GraphBatch):
    made = MeanFill.of(typed)(typed, torch.ones(typed.num_nodes, dtype=torch.bool), 0)
    torch.testing.assert_close(made.nodes["image"].x, typed.nodes["image"].x.mean(0).expand(7, 4))
    assert made.nodes["text"].attribute("token").tolist() == [0] * 12


def test_donors_are_nodes_of_the_same_modality_other_ones_in_each_draw(typed: GraphBatch):
    fill, mask = DonorFill(typed[3], draws=4), torch.ones(typed.num_nodes, dtype=torch.bool)
    draws = [fill(typed, mask, draw).nodes["audio"].x for draw in range(4)]
    source = {tuple(row) for row in typed[3].nodes["audio"].x.tolist()}
    assert all({tuple(row) for row in x.tolist()} <= source for x in draws)
    assert not torch.equal(draws[0], draws[1])
    assert torch.equal(draws[2], fill(typed, mask, 2).nodes["audio"].x)
    assert not torch.equal(draws[0], DonorFill(typed[3], seed=1)(typed, mask, 0).nodes["audio"].x)


def test_removed_nodes_are_gone(typed: GraphBatch):
    mask = mask_of(typed)
    assert Removed()(typed, mask, 0).num_nodes == int((~mask).sum())


def test_donors_that_are_not_there_are_missed(typed: GraphBatch):
    mask = torch.ones(typed.num_nodes, dtype=torch.bool)
    with pytest.raises(ValueError, match="no donor graph has nodes of 'image'"):
        DonorFill(typed[2])(typed, mask, 0)
    with pytest.raises(ValueError, match="draws=0 is at least 1"):
        DonorFill(typed, draws=0)
