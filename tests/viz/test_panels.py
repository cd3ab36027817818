import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from mmgraph.graph import Field, GraphBatch, GraphSchema, NodeSet
from mmgraph.viz.layout import plan
from mmgraph.viz.panels import draw_panels, graph_of, outlines_of, panels_of, raw_inputs


def test_roles_follow_from_attributes(sample):
    raw, graph = sample()
    panels = panels_of(graph, raw_inputs(raw, graph, None), 11.0)
    assert [(panel.modality, panel.role, panel.count) for panel in panels] == [
        ("image", "regions", 4),
        ("text", "words", 5),
        ("audio", "time", 4),
    ]


def test_panels_get_the_titles_and_the_common_scale_that_are_given(sample):
    raw, graph = sample()
    fig, inputs = Figure(figsize=(11, 6)), raw_inputs(raw, graph, None)
    panels = panels_of(graph, inputs, 11.0)
    flow = {"text": torch.full((5,), 0.5), "image": torch.full((4,), 0.25)}
    axes = draw_panels(fig, plan(panels, 11.0), panels, graph, inputs, flow, largest=1.0, titles={"text": "words"})
    tints = next(c for c in axes["image"].collections if c.get_gid() == "flow")
    assert tints.get_facecolor()[:, 3].tolist() == pytest.approx([0.125] * 4)
    assert "words" in [text.get_text() for text in fig.texts]
    alone = draw_panels(Figure(figsize=(11, 6)), plan(panels, 11.0), panels, graph, inputs, flow)
    assert alone["text"].patches[0].get_facecolor()[2] < axes["text"].patches[0].get_facecolor()[2]


def test_regions_with_an_outline_are_drawn_with_it():
    corners = torch.rand(2, 5, 2)
    schema = GraphSchema(
        {"scan": 1}, attributes={"scan": {"box": Field("float32", (4,)), "outline": Field("float32", (5, 2))}}
    )
    boxes = torch.tensor([[0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0]])
    attributes = {"scan": {"box": boxes, "outline": corners}}
    graph = GraphBatch.single({"scan": torch.ones(2, 1)}, {}, schema=schema, attributes=attributes, id="s")
    inputs = raw_inputs({"id": "s", "scan": np.ones((4, 4))}, graph, None)
    panels = panels_of(graph, inputs, 11.0)
    axes = draw_panels(Figure(), plan(panels, 11.0), panels, graph, inputs, {})
    shown = [path.vertices[:5] for path in axes["scan"].collections[-1].get_paths()]
    assert np.allclose(shown, corners.numpy())


def test_an_outline_of_another_form_is_none():
    ones = torch.ones(2, 1)
    assert outlines_of(NodeSet.of([ones], outline=[torch.ones(2, 7)])) is None
    assert outlines_of(NodeSet.of([ones])) is None


def test_the_sample_is_found_by_its_id(sample):
    raw, graph = sample()
    assert graph_of(raw, graph, "s1").num_nodes == graph.num_nodes
    with pytest.raises(ValueError, match="0 graphs of the batch have the id 's2' of the sample; one is needed"):
        graph_of({"id": "s2"}, graph, None)
    with pytest.raises(ValueError, match="the attention is of sample 's2', the sample is 's1'"):
        graph_of(raw, graph, "s2")
