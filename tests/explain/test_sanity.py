import pytest
import torch
from torch import nn

from mmgraph.explain import Attribution, GradientInput, OutputScore, RandomScores, SanityChecks, shuffled
from mmgraph.explain.sanity import noisy
from mmgraph.graph import GraphBatch

SCORE = OutputScore()


def test_a_method_that_ignores_the_features_is_perfectly_stable(typed: GraphBatch, fusion):
    assert SanityChecks().stability(RandomScores(), fusion, typed, SCORE).mean == pytest.approx(1)


def test_more_noise_leaves_less_agreement(typed: GraphBatch, fusion):
    checks = [SanityChecks(noise=noise, draws=4) for noise in (0.01, 3.0)]
    little, much = (check.stability(GradientInput(), fusion, typed, SCORE).mean for check in checks)
    assert much < little and little > 0.9


def test_a_method_that_ignores_the_model_fails_the_randomisation(typed: GraphBatch, fusion):
    checks = SanityChecks()
    assert checks.randomisation(RandomScores(), fusion, typed, SCORE).mean == pytest.approx(1)
    assert checks.randomisation(GradientInput(), fusion, typed, SCORE).mean < 0.9


def test_noise_is_in_units_of_each_feature_and_categories_have_none():
    x = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 100.0])
    graph = GraphBatch.single({"a": x, "b": torch.zeros(3, 0)}, {})
    change = noisy(graph, 0.1, seed=1).nodes["a"].x - x
    torch.testing.assert_close(change.std(0), 0.1 * x.std(0), rtol=0.05, atol=0.0)
    assert torch.equal(noisy(graph, 0.1, seed=1).nodes["a"].x, noisy(graph, 0.1, seed=1).nodes["a"].x)


def test_shuffling_keeps_the_entries_of_each_weight_and_the_model(fusion):
    before = {name: value.clone() for name, value in fusion.named_parameters()}
    other = shuffled(fusion, seed=0)
    moved = 0
    for name, value in other.named_parameters():
        assert torch.equal(fusion.get_parameter(name), before[name])
        assert torch.equal(value.flatten().sort().values, before[name].flatten().sort().values)
        moved += int(not torch.equal(value, before[name]))
    assert moved > 0.8 * len(before)


def test_only_the_named_parts_are_shuffled(fusion):
    other = shuffled(fusion, seed=0, parts=["head", "blocks.1"])
    changed = {
        name.split(".")[0] if name.split(".")[0] != "blocks" else ".".join(name.split(".")[:2])
        for name, value in other.named_parameters()
        if not torch.equal(value, fusion.get_parameter(name))
    }
    assert changed == {"head", "blocks.1"}
    with pytest.raises(ValueError, match="no weight is in 'tail'; the model has the parts encoders, "):
        shuffled(fusion, seed=0, parts=["tail"])


def test_an_attribution_that_is_there_already_is_not_made_again(typed: GraphBatch, fusion):
    calls = []

    def method(model: nn.Module, graphs: GraphBatch, score) -> Attribution:
        calls.append(model)
        return RandomScores(len(calls))(model, graphs, score)

    found = method(fusion, typed, SCORE)
    SanityChecks(draws=3).stability(method, fusion, typed, SCORE, found)
    assert len(calls) == 4
    SanityChecks().randomisation(method, fusion, typed, SCORE, found)
    assert len(calls) == 5 and calls[-1] is not fusion


def test_settings_out_of_range_are_refused():
    for wrong in ({"noise": 0.0}, {"draws": 0}):
        with pytest.raises(ValueError, match="noise is more than 0 and draws at least 1"):
            SanityChecks(**wrong)
