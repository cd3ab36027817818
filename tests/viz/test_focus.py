import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from mmgraph.explain import AttentionRecord, LayerAttention, flow_to_nodes
from mmgraph.graph import GraphBatch
from mmgraph.viz import Focus, draw_focus, focus
from mmgraph.viz.style import mix


def panel(fig: Figure, name: str):
    return next(ax for ax in fig.axes if ax.get_label() == name)


def said(fig: Figure) -> str:
    return " ".join(" ".join(text.get_text() for text in fig.texts).split())


def test_weights_are_those_of_the_edges_into_the_node(sample, record):
    _, graph = sample()
    made = record(graph)
    found = focus(made, "s1", "text", 2)
    expected = {name: torch.zeros(graph.nodes[name].num_nodes) for name in graph.nodes}
    for edge in made.edges(0, 0):
        if (edge.destination.modality, edge.destination.index) == ("text", 2):
            expected[edge.source.modality][edge.source.index] += edge.mean
    assert sum(float(weight.sum()) for weight in found.weights.values()) == pytest.approx(1)
    for name, weight in found.weights.items():
        assert weight.tolist() == pytest.approx(expected[name].tolist(), abs=1e-6)
        assert found.share(name) == pytest.approx(float(expected[name].sum()), abs=1e-6)


def test_a_head_alone_is_that_head(sample, record):
    _, graph = sample()
    made = record(graph)
    heads = [focus(made, "s1", "audio", 1, head=head).weights for head in range(2)]
    mean = focus(made, "s1", "audio", 1).weights
    for name in graph.nodes:
        assert torch.allclose((heads[0][name] + heads[1][name]) / 2, mean[name])
    assert "head 2 of 2" in focus(made, "s1", "audio", 1, head=1).caption


def test_the_flow_through_all_layers_leaves_out_what_stays(sample, record):
    _, graph = sample()
    made = record(graph)
    found = focus(made, "s1", "image", 3, layer=None)
    flow = flow_to_nodes(made, 0)[3]
    assert found.kept == pytest.approx(float(flow[3])) and found.weights["image"][3] == 0
    assert sum(float(weight.sum()) for weight in found.weights.values()) == pytest.approx(1 - found.kept)


def test_one_sample_equals_itself_in_a_batch(sample, record):
    _, graph = sample()
    _, other = sample(3, 1, 2, 6)
    ids = type(graph.ids).of(["s0"])
    both = GraphBatch.concat([GraphBatch(other.schema, ids, other.nodes, other.edges, other.targets), graph])
    made = record(both)
    found, alone = focus(made, "s1", "text", 4), focus(made.single(1), "s1", "text", 4)
    assert all(torch.equal(found.weights[name], alone.weights[name]) for name in graph.nodes)
    assert found.node == alone.node


def test_tints_have_one_scale_over_all_panels(sample, record):
    raw, graph = sample()
    found = focus(record(graph), "s1", "text", 2)
    fig = draw_focus(raw, graph, found)
    words = [patch.get_facecolor()[:3] for patch in panel(fig, "text").patches]
    assert np.allclose(words, [mix(float(w) / found.largest) for w in found.weights["text"]])
    frames = next(c for c in panel(fig, "audio").collections if c.get_gid() == "frames")
    assert np.allclose(frames.get_facecolor()[:, :3], [mix(float(w) / found.largest) for w in found.weights["audio"]])
    regions = next(c for c in panel(fig, "image").collections if c.get_gid() == "flow")
    assert np.allclose(regions.get_facecolor()[:, 3], 0.5 * found.weights["image"] / found.largest)


@pytest.mark.parametrize(("modality", "index"), [("image", 1), ("text", 2), ("audio", 3)])
def test_the_node_that_attends_has_a_frame(sample, record, modality, index):
    raw, graph = sample()
    fig = draw_focus(raw, graph, focus(record(graph), "s1", modality, index))
    marked = [(ax.get_label(), patch) for ax in fig.axes for patch in ax.patches if patch.get_gid() == "focus"]
    ((name, patch),) = marked
    assert name == modality and patch.get_linewidth() > 2
    if modality == "image":
        corners = patch.get_path().vertices
        found = [*corners.min(0), *corners.max(0)]
        assert found == pytest.approx(graph.nodes["image"].attribute("box")[1].tolist())
    elif modality == "audio":
        assert patch.get_x() == pytest.approx(0.3) and patch.get_width() == pytest.approx(0.1)
    else:
        assert patch is panel(fig, "text").patches[2]


def test_title_headings_and_caption_say_what_is_shown(sample, record):
    raw, graph = sample()
    found = focus(record(graph), "s1", "text", 2)
    fig = draw_focus(raw, graph, found)
    text = said(fig)
    assert "What “is” (text 2) attends to" in text and "sample s1" in text
    assert f"image · 4 regions · {found.share('image'):.2f} of the attention" in text
    assert "attention weight (layer 1 of 1, blocks.0.conv, mean over heads); sums to 1" in text
    name = max(found.weights, key=lambda modality: float(found.weights[modality].max()))
    assert f"{found.largest:.3f}" in text and f"{name} {int(found.weights[name].argmax())}" in text
    assert "importance" not in text


def test_a_node_that_no_edge_enters_is_said_to_have_none():
    edges = {("text", "next", "text"): torch.tensor([[0], [1]])}
    graph = GraphBatch.single(
        {"text": torch.ones(2, 1)}, edges, attributes={"text": {"text": ["two", "dogs"]}}, id="s1"
    )
    layer = LayerAttention("conv", "node", graph.schema.edge_types, torch.ones(1, 1), graph.flat)
    found = focus(AttentionRecord(graph, (layer,), ()), "s1", "text", 0)
    fig = draw_focus({"id": "s1", "text": "two dogs"}, graph, found)
    assert found.largest == 0 and "No edge enters this node." in said(fig)
    fig.draw_without_rendering()


@pytest.mark.parametrize("missing", ["image", "text"])
def test_an_absent_modality_is_said_to_be_absent(sample, record, missing):
    raw, graph = sample(*{"image": (0, 0, 5, 4), "text": (2, 2, 0, 4)}[missing])
    fig = draw_focus(raw, graph, focus(record(graph), "s1", "audio", 0))
    assert [text.get_text() for text in panel(fig, missing).texts] == ["absent from this sample"]
    fig.draw_without_rendering()


def test_five_hundred_regions_are_drawn(sample, record):
    raw, graph = sample(20, 25, 12, 10)
    fig = draw_focus(raw, graph, focus(record(graph), "s1", "image", 499))
    assert len(panel(fig, "image").collections[-1].get_paths()) == 500
    fig.draw_without_rendering()


def test_a_given_figure_keeps_its_width_and_settings_stay(sample, record):
    raw, graph = sample()
    fig, settings = Figure(figsize=(8, 1)), dict(matplotlib.rcParams)
    assert draw_focus(raw, graph, focus(record(graph), "s1", "text", 0), fig=fig) is fig
    assert fig.get_figwidth() == 8 and dict(matplotlib.rcParams) == settings


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sample": "s9"}, "0 of 1 graphs have the id 's9'"),
        ({"modality": "smell"}, r"no modality 'smell': the graph has \['image', 'text', 'audio'\]"),
        ({"index": 5}, "no node 5 of 'text': the sample has 5"),
        ({"index": -1}, "no node -1 of 'text'"),
        ({"head": 2}, "no head 2: layer 'blocks.0.conv' has 2"),
        ({"layer": 1}, "no layer 1"),
        ({"layer": None, "head": 0}, "head=0 is of one layer"),
    ],
)
def test_what_is_not_there_is_refused(sample, record, changed, message):
    _, graph = sample()
    with pytest.raises(ValueError, match=message):
        focus(record(graph), **{"sample": "s1", "modality": "text", "index": 0, **changed})


def test_weights_that_cannot_be_compared_are_refused(sample, record):
    _, graph = sample()
    (layer,) = record(graph).layers
    own = LayerAttention("conv", "relation", layer.relations, layer.alpha, layer.graph)
    with pytest.raises(ValueError, match="cannot be added up or compared"):
        focus(AttentionRecord(graph, (own,), ()), "s1", "text", 0)


def test_the_focus_of_another_sample_is_refused(sample, record):
    raw, graph = sample()
    found = focus(record(graph), "s1", "text", 0)
    with pytest.raises(ValueError, match="the attention is of sample 's7', the sample is 's1'"):
        draw_focus(raw, graph, Focus("s7", found.node, found.weights))
