import math

import pytest
import torch

from mmgraph.explain import Attribution, Curve, DonorFill, Faithfulness, NodeOcclusion, OutputScore, sparsity, subgraph
from mmgraph.graph import GraphBatch
from mmgraph.training import predict

SCORE = OutputScore()


@pytest.fixture
def line(additive):
    """A graph whose output is the sum of 4, 3, 2 and 1, in two modalities, and its model."""
    x = torch.tensor([[2.0, 0, 0], [4.0, 0, 0], [1.0, 0, 0], [3.0, 0, 0]])
    graph = GraphBatch.single({"a": x[:2], "b": x[2:]}, {("a", "to", "b"): torch.tensor([[0, 1], [0, 1]])})
    return graph, additive(graph.schema)


def attribution(graphs: GraphBatch, values: list[float], level: str = "nodes") -> Attribution:
    return Attribution("by hand", "", graphs, **{level: torch.tensor(values)})


def test_curves_on_paper(line):
    graph, model = line
    right = attribution(graph, [2.0, 4.0, 1.0, 3.0])
    judged = Faithfulness(model, SCORE)
    assert judged.deletion(right, points=5).values.tolist() == [[10.0, 6.0, 3.0, 1.0, 0.0]]
    assert judged.insertion(right, points=5).values.tolist() == [[0.0, 4.0, 7.0, 9.0, 10.0]]
    assert judged.deletion(right, points=5).area.mean == pytest.approx((10 / 2 + 6 + 3 + 1) / 4)
    wrong = attribution(graph, [-2.0, -4.0, -1.0, -3.0])
    assert judged.deletion(wrong, points=5).values.tolist() == [[10.0, 9.0, 7.0, 4.0, 0.0]]


def test_fidelity_on_paper(line):
    graph, model = line
    judged = Faithfulness(model, SCORE)
    found = judged.fidelity(attribution(graph, [2.0, 4.0, 1.0, 3.0]), share=0.5)
    assert (found.plus.mean, found.minus.mean) == (7.0, 3.0)
    found = judged.fidelity(attribution(graph, [2.0, 4.0, 1.0, 3.0]), share=0.01)  # one node at least
    assert (found.plus.mean, found.minus.mean) == (4.0, 6.0)


def test_nodes_of_other_modalities_stay(line):
    graph, model = line
    judged = Faithfulness(model, SCORE, modalities=["b"])
    curve = judged.deletion(attribution(graph, [2.0, 4.0, 1.0, 3.0]), points=3)
    assert curve.values.tolist() == [[10.0, 7.0, 6.0]]


def test_edges_are_taken_away_too(additive):
    x = torch.tensor([[2.0, 0, 0], [4.0, 0, 0]])
    graph = GraphBatch.single({"a": x}, {("a", "to", "a"): torch.tensor([[0, 1], [1, 0]])})
    sources = [x[i, 0].item() for i in graph.flat.src.tolist()]
    judged = Faithfulness(additive(graph.schema, 1.0), SCORE, "edges")
    curve = judged.deletion(attribution(graph, sources, "edges"), points=3)
    assert curve.values.tolist() == [[12.0, 8.0, 6.0]]


def test_a_graph_in_a_batch_has_the_curve_of_its_own(typed: GraphBatch, fusion):
    found = NodeOcclusion()(fusion, typed, SCORE)
    whole = Faithfulness(fusion, SCORE, batch_size=7).deletion(found)
    for number, single in enumerate(typed):
        own = NodeOcclusion()(fusion, single, SCORE)
        alone = Faithfulness(fusion, SCORE).deletion(own)
        torch.testing.assert_close(whole.values[number : number + 1], alone.values, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(whole.values[:, 0], predict(fusion, typed)[:, 0])
    empty = subgraph(typed, torch.zeros(typed.num_nodes, dtype=torch.bool))
    torch.testing.assert_close(whole.values[:, -1], predict(fusion, empty)[:, 0])


def test_donors_stand_in_for_nodes(line):
    graph, model = line
    judged = Faithfulness(model, SCORE, fill=DonorFill(graph, draws=3))
    curve = judged.deletion(attribution(graph, [2.0, 4.0, 1.0, 3.0]), points=3)
    assert curve.values[0, 0] == 10 and 4 <= curve.values[0, -1] <= 14


def test_graphs_without_what_is_ranked_do_not_count(typed: GraphBatch, fusion):
    found = NodeOcclusion()(fusion, typed, SCORE)
    fidelity = Faithfulness(fusion, SCORE, modalities=["image"]).fidelity(found)
    assert fidelity.plus.num_graphs == 2 and fidelity.plus.per_graph.isnan().tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.0, 0.0, 0.0, 0.0], 1.0), ([1.0, -1.0, 1.0, 1.0], 0.0), ([1.0, 1.0, 0.0, 0.0], 1 - 1 / 3)],
)
def test_sparsity_on_paper(values: list[float], expected: float, line):
    assert sparsity(attribution(line[0], values)).mean == pytest.approx(expected)


def test_sparsity_of_nothing_does_not_count(line):
    assert math.isnan(sparsity(attribution(line[0], [0.0] * 4)).mean)
    assert sparsity(attribution(line[0], [1.0, 0.0], "edges"), "edges").mean == 1.0


def test_what_is_no_curve_is_refused(line):
    graph, model = line
    found = attribution(graph, [1.0] * 4)
    judged = Faithfulness(model, SCORE)
    with pytest.raises(ValueError, match="points=1: a curve has at least two"):
        judged.deletion(found, points=1)
    with pytest.raises(ValueError, match="share=1 lies between 0 and 1"):
        judged.fidelity(found, share=1)
    with pytest.raises(ValueError, match="by hand gives no edges"):
        Faithfulness(model, SCORE, "edges").insertion(found)


def test_the_area_is_per_graph():
    curve = Curve.of([0.0, 1.0], torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    assert curve.area.per_graph.tolist() == [0.5, 1.0]
