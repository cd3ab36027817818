import math

import pytest
import torch

from mmgraph.explain import ClassScore, OutputScore, SimilarityScore
from mmgraph.training import predict

OUTPUTS = torch.tensor([[0.0, math.log(2), math.log(5)], [math.log(2), math.log(5), 0.0]], dtype=torch.float64)


def test_scores_of_a_class_on_paper():
    classes, graphs = torch.tensor([2, 0]), torch.tensor([0, 1])
    probability = ClassScore(classes, "probability")(OUTPUTS, graphs)
    torch.testing.assert_close(probability, torch.tensor([5 / 8, 2 / 8], dtype=torch.float64))
    odds = ClassScore(classes)(OUTPUTS, graphs)
    torch.testing.assert_close(odds, (probability / (1 - probability)).log())
    assert ClassScore(classes, "logit")(OUTPUTS, graphs).tolist() == [math.log(5), math.log(2)]


def test_a_row_asks_for_the_class_of_its_own_graph():
    score = ClassScore(torch.tensor([2, 0]), "logit")
    assert score(OUTPUTS, torch.tensor([1, 1])).tolist() == [0.0, math.log(2)]


def test_the_predicted_class_is_the_largest_output(typed, fusion):
    assert torch.equal(ClassScore.predicted(fusion, typed).classes, predict(fusion, typed).argmax(1))


def test_log_odds_have_a_gradient_where_a_probability_has_none():
    outputs = torch.tensor([[60.0, 0.0]], requires_grad=True)
    gradients = [
        torch.autograd.grad(ClassScore(torch.tensor([0]), kind)(outputs, torch.tensor([0])).sum(), outputs)[0]
        for kind in ("log_odds", "probability")
    ]
    assert gradients[0][0, 0] == 1 and gradients[1][0, 0] < 1e-6


def test_similarity_is_the_cosine_to_the_partner_of_the_graph():
    score = SimilarityScore(torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
    assert score(torch.tensor([[3.0, 4.0]]), torch.tensor([1])).item() == pytest.approx(0.8)


@pytest.mark.unchecked
def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="kind='margin' is not one of log_odds, logit, probability"):
        ClassScore(torch.tensor([0]), "margin")  # type: ignore[arg-type]


def test_what_the_outputs_do_not_have_is_refused():
    with pytest.raises(ValueError, match="have 3 classes, the score asks for"):
        ClassScore(torch.tensor([3, 0]))(OUTPUTS, torch.tensor([0, 1]))
    for kind in ("log_odds", "probability"):  # of the only class: infinite, and 1
        with pytest.raises(ValueError, match=f"no choice between classes and has no {kind}: take OutputScore"):
            ClassScore(torch.tensor([0]), kind)(OUTPUTS[:, :1], torch.tensor([0, 0]))
    with pytest.raises(ValueError, match="column=3: the outputs have columns 0 to 2"):
        OutputScore(3)(OUTPUTS, torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="have 3 channels, the reference 2"):
        SimilarityScore(torch.ones(2, 2))(OUTPUTS, torch.tensor([0, 1]))
