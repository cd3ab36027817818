import pytest
import torch

from mmgraph.explain import flow_to_output
from mmgraph.graph import GraphBatch
from mmgraph.viz import NodeValues, PageSample, page_sample


def test_the_sample_is_found_in_a_batch_by_its_id(sample, record):
    raw, graph = sample()
    _, other = sample(3, 3)
    ids = type(graph.ids).of(["s0"])
    both = GraphBatch.concat([GraphBatch(other.schema, ids, other.nodes, other.edges, other.targets), graph])
    shown = page_sample(raw, both, record(both))
    assert shown.graph.equal(graph) and shown.layers[0].graph.num_nodes == graph.flat.num_nodes
    with pytest.raises(ValueError, match="0 graphs of the batch have the id 's9'"):
        page_sample({**raw, "id": "s9"}, both)


def test_the_flow_is_that_of_the_record_by_modality(sample, record):
    raw, graph = sample()
    shown = page_sample(raw, graph, record(graph))
    assert torch.equal(torch.cat(list(shown.flow.values.values())), flow_to_output(record(graph)))
    assert page_sample(raw, graph, record(graph), flow=False).flow is None
    assert page_sample(raw, graph).layers == ()


def test_a_flow_that_cannot_be_computed_is_an_error_that_says_how_to_go_on(sample, record):
    raw, graph = sample()
    found = record(graph)
    without_pool = type(found)(found.batch, found.layers, ())
    with pytest.raises(ValueError, match="0 attention pools") as caught:
        page_sample(raw, graph, without_pool)
    assert "flow=False shows the links" in caught.value.__notes__[0]
    assert page_sample(raw, graph, without_pool, flow=False).layers


@pytest.mark.parametrize(
    ("prediction", "truth", "right"), [(3, 3, True), (3, 4, False), (0.5, 0.5, None), (None, 3, None), (3, None, None)]
)
def test_right_and_wrong_follow_from_prediction_and_truth_unless_they_are_floats(sample, prediction, truth, right):
    raw, graph = sample()
    shown = page_sample(raw, graph, prediction=prediction, truth=truth)
    assert shown.right is right
    assert page_sample(raw, graph, prediction=0.5, truth=0.7, right=True).right is True


def test_raw_inputs_may_have_other_keys_and_may_be_missing(sample):
    raw, graph = sample()
    shown = page_sample({"id": "s1", "picture": raw["image"]}, graph, inputs={"image": "picture"})
    assert shown.raw["image"] is raw["image"] and shown.raw["audio"] is None


@pytest.mark.parametrize("values", [torch.ones(3), torch.ones(4, 1), torch.tensor([1.0, float("nan"), 0.0, 0.0])])
def test_values_that_are_not_one_finite_number_per_node_are_refused(sample, values):
    raw, graph = sample()
    with pytest.raises(ValueError, match="'random': 'image' has 4 nodes here; give one finite number for each"):
        page_sample(raw, graph, attributions=[NodeValues("random", {"image": values})])


def test_values_of_an_unknown_modality_are_refused(sample):
    _, graph = sample()
    with pytest.raises(ValueError, match="unknown modality 'smell'"):
        PageSample("s1", graph, attributions=(NodeValues("random", {"smell": torch.ones(4)}),))
