from dataclasses import replace

import pytest
import torch

from mmgraph.explain import (
    ClassScore,
    EdgeOcclusion,
    Estimate,
    Evaluation,
    FeatureNorm,
    GradientInput,
    IntegratedGradients,
    Measures,
    ModalityShapley,
    NodeOcclusion,
    OutputScore,
    RandomScores,
    Truth,
    evaluate,
    standard_methods,
)
from mmgraph.explain.evaluation import BETTER
from mmgraph.graph import GraphBatch, GraphSchema


@pytest.fixture
def additive_graphs(ragged):
    schema = GraphSchema({"a": 3, "b": 3}, [("a", "to", "b")])
    return ragged(schema, [{"a": 5, "b": 4}] * 12, seed=3)


def test_the_method_that_is_right_is_told_from_chance(additive_graphs: GraphBatch, additive):
    model = additive(additive_graphs.schema, 0.3)
    methods = {"exact": IntegratedGradients(steps=1), "norm": FeatureNorm()}
    found = evaluate(model, additive_graphs, methods, score=OutputScore())
    assert list(found.estimates) == ["exact", "norm", "random"]
    for measure, good in BETTER.items():
        if good in ("larger", "smaller") and measure in found.estimates["exact"] and measure != "stability":
            assert found.best(measure) == "exact"
            above = found.against_random("exact", measure)
            assert (above.low > 0) if good == "larger" else (above.high < 0)
    assert found.estimates["random"]["randomisation"].mean == pytest.approx(1)


def test_the_predicted_class_is_explained_in_log_odds_and_judged_in_probability(typed: GraphBatch, fusion):
    measures = Measures(points=3, sanity=False)
    given = evaluate(fusion, typed, {"g": GradientInput()}, measures=measures)
    chosen = ClassScore.predicted(fusion, typed)
    judge = ClassScore(chosen.classes, "probability")
    expected = evaluate(fusion, typed, {"g": GradientInput()}, score=chosen, judge=judge, measures=measures)
    for name, value in given.estimates["g"].items():
        assert torch.equal(value.per_graph, expected.estimates["g"][name].per_graph)
    assert 0 <= given.estimates["g"]["deletion area"].mean <= 1


def test_edges_are_measured_too(typed: GraphBatch, fusion):
    measures = Measures("edges", points=3)
    found = evaluate(fusion, typed, {"edges": EdgeOcclusion(), "random": RandomScores(7)}, measures=measures)
    assert list(found.estimates) == ["edges", "random"]
    assert set(found.estimates["edges"]) == set(BETTER) - {"grounding AUC", "precision"}
    assert found.num_graphs == 4 and found.seconds["edges"] > 0


def test_grounding_is_measured_where_the_truth_is_known(typed: GraphBatch, fusion):
    boxes = [typed[0].nodes["image"].attribute("box")[:1], None, None, typed[3].nodes["image"].attribute("box")[:1]]
    measures = Measures(points=2, sanity=False)
    found = evaluate(fusion, typed, {"o": NodeOcclusion()}, truth=Truth("image", boxes), measures=measures)
    assert 0 <= found.estimates["o"]["grounding AUC"].mean <= 1 and "stability" not in found.estimates["o"]


def test_tables_have_a_row_per_method():
    value = Estimate.of(torch.tensor([0.25]))
    estimates = {"m": {"fidelity+": value}, "random": {"fidelity+": value}}
    found = Evaluation(estimates, {"m": 0.5, "random": 0}, Measures(), 1)
    assert found.to_markdown().splitlines() == [
        "| method | fidelity+ | seconds |",
        "| --- | --- | --- |",
        "| better: | larger |  |",
        "| m | 0.250 (0.250 to 0.250) | 0.5000 |",
        "| random | 0.250 (0.250 to 0.250) | 0.0000 |",
    ]
    assert str(found).splitlines()[1] == "m       0.250 (0.250 to 0.250)  0.5000"


def test_an_error_says_which_method_made_it(typed: GraphBatch, fusion):
    with pytest.raises(ValueError, match="gives no nodes, only modalities") as caught:
        evaluate(fusion, typed, {"share": ModalityShapley()})
    assert caught.value.__notes__ == ["by method 'share'"]


def test_what_was_not_measured_is_refused(typed: GraphBatch, fusion):
    found = evaluate(fusion, typed, {}, measures=Measures(points=2, sanity=False))
    with pytest.raises(ValueError, match="'stability' of 'random' was not measured"):
        found.against_random("random", "stability")
    with pytest.raises(ValueError, match="no best method by 'sparsity'"):
        found.best("sparsity")


def test_a_method_whose_measure_is_not_defined_is_not_the_best():
    nowhere, somewhere = (Estimate.of(torch.tensor([value])) for value in (float("nan"), 0.5))
    measured = {"constant": {"stability": nowhere}, "other": {"stability": somewhere}}
    assert Evaluation(measured, {}, Measures(), 1).best("stability") == "other"
    with pytest.raises(ValueError, match="no best method by 'stability'"):
        Evaluation({"constant": {"stability": nowhere}}, {}, Measures(), 1).best("stability")


def test_the_standard_methods_all_run(typed: GraphBatch, fusion):
    methods = standard_methods(fusion, typed, draws=1)
    methods["learned masks"] = replace(methods["learned masks"], steps=5)  # its settings are tested elsewhere
    for method in methods.values():
        assert method(fusion, typed[:1], OutputScore(1)).nodes.isfinite().all()
    assert "random" in methods and len(methods) == 9
