import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.path import Path

from mmgraph.explain import SampleAttention, record_attention, sample_attention
from mmgraph.graph import STANDARD_ATTRIBUTES, GraphBatch, GraphSchema
from mmgraph.viz import draw_sample
from mmgraph.viz.style import pair_colors

ORDER = ["image", "text", "audio"]


def curves(fig: Figure) -> dict[tuple[str, ...], PathCollection]:
    found = [
        a for a in fig.get_children() if isinstance(a, PathCollection) and (a.get_gid() or "").startswith("links ")
    ]
    return {tuple(artist.get_gid().split()[1:]): artist for artist in found}


def panel(fig: Figure, name: str):
    return next(ax for ax in fig.axes if ax.get_label() == name)


def inches(fig: Figure, artist) -> np.ndarray:
    """x0, y0, x1, y1 of an artist that is no text."""
    return artist.get_window_extent().transformed(fig.dpi_scale_trans.inverted()).extents


def said(fig: Figure) -> list[str]:
    return [text.get_text() for text in fig.texts]


def test_every_link_is_drawn_once_in_the_colour_of_its_pair(sample, record):
    raw, graph = sample()
    attention = sample_attention(record(graph), "s1")
    drawn = curves(draw_sample(raw, graph, attention))
    pairs = [tuple(sorted((e.source.modality, e.destination.modality), key=ORDER.index)) for e in attention.links]
    assert {pair: len(artist.get_paths()) for pair, artist in drawn.items()} == {p: pairs.count(p) for p in set(pairs)}
    assert sum(len(artist.get_paths()) for artist in drawn.values()) == len(attention.links) > 10
    for pair, artist in drawn.items():
        assert {to_hex(color).upper() for color in artist.get_edgecolor()} == {pair_colors(ORDER)[pair]}


def test_links_end_at_tokens_regions_and_frames(sample, record):
    raw, graph = sample()
    fig = draw_sample(raw, graph, sample_attention(record(graph), "s1"))
    size = fig.get_size_inches()
    image, words, sound = (inches(fig, panel(fig, name)) for name in ORDER)
    borders = {
        "image": ("x", image[2]),
        "text": ("y", words[1]),
        "audio": ("y", sound[1] + 1.13 * (sound[3] - sound[1])),
    }
    for pair, artist in curves(fig).items():
        for path in artist.get_paths():
            reached = set()
            for x, y in path.vertices[[0, -1]] * size:
                reached |= {name for name, (axis, at) in borders.items() if abs((x if axis == "x" else y) - at) < 0.01}
            assert reached == set(pair)


@pytest.mark.parametrize("shape", [(2, 2, 5, 4), (4, 4, 30, 12), (6, 7, 60, 20), (3, 3, 12, 0), (0, 0, 30, 9)])
@pytest.mark.parametrize("width", [7.0, 11.0])
def test_links_run_over_no_word_and_no_spectrogram(sample, record, shape, width):
    raw, graph = sample(*shape)
    fig = draw_sample(raw, graph, sample_attention(record(graph), "s1"), fig=Figure(figsize=(width, 3)))
    words = [patch.get_window_extent().padded(-1) for patch in panel(fig, "text").patches]
    sounds = [panel(fig, "audio").get_window_extent()] if shape[3] else []
    image = [panel(fig, "image").get_window_extent().padded(-1)] if shape[0] else []
    for artist in curves(fig).values():
        for path in artist.get_paths():
            dense = Path(fig.transFigure.transform(along(path.vertices)))
            for box in (*words, *sounds, *image):
                inside = (dense.vertices > box.min).all(1) & (dense.vertices < box.max).all(1)
                assert not inside.any()


def along(points: np.ndarray, steps: int = 30) -> np.ndarray:
    """Points on a chain of cubic curves."""
    t = np.linspace(0, 1, steps)[:, None]
    parts = []
    for i in range(0, len(points) - 1, 3):
        a, b, c, d = points[i : i + 4]
        parts.append((1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c + t**3 * d)
    return np.concatenate(parts)


def test_roles_follow_from_attributes_not_from_names(sample, record):
    names = ("scan", "report", "heart beat")
    raw, graph = sample(names=names)
    fig = draw_sample(raw, graph, sample_attention(record(graph), "s1"))
    assert len(panel(fig, "scan").images) == 1 and len(panel(fig, "heart beat").images) == 1
    assert [text.get_text() for text in panel(fig, "report").texts] == ["which", "digit", "is", "larger", ","]
    assert any(text.startswith("scan · 4 regions · attention flow up to 0.") for text in said(fig))
    assert panel(fig, "heart beat").get_xlabel().startswith("heart beat · 4 frames")


def test_nodes_without_place_text_or_time_are_drawn_as_numbers():
    graph = GraphBatch.single({"speaker": torch.ones(3, 2)}, {}, id="s")
    fig = draw_sample({"id": "s"}, graph)
    assert [text.get_text() for text in panel(fig, "speaker").texts] == ["0", "1", "2"]
    assert "speaker · 3 nodes" in said(fig)


def test_several_modalities_may_have_one_role(record):
    box, text, span = (STANDARD_ATTRIBUTES[name] for name in ("box", "text", "span"))
    attributes = {"a": {"box": box}, "b": {"box": box}, "q": {"text": text}, "r": {"text": text}, "s": {"span": span}}
    attributes["t"] = {"span": span}
    names = list(attributes)
    schema = GraphSchema(dict.fromkeys(names, 1), [(x, "to", y) for x in names for y in names if x != y], attributes)
    values = {
        "box": torch.tensor([[0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0]]),
        "text": ["left", "right"],
        "span": torch.tensor([[0.0, 0.5], [0.5, 1.0]]),
    }
    pairs = torch.tensor([[0, 1, 0, 1], [0, 0, 1, 1]])
    graph = GraphBatch.single(
        {name: torch.ones(2, 1) for name in names},
        dict.fromkeys(schema.edge_types, pairs),
        schema=schema,
        attributes={name: {key: values[key] for key in fields} for name, fields in attributes.items()},
        id="s",
    )
    attention = sample_attention(record(graph), "s", top=3, limit=500)
    fig = draw_sample({"id": "s", "a": np.zeros((4, 4)), "b": None}, graph, attention)
    assert sum(len(artist.get_paths()) for artist in curves(fig).values()) == len(attention.links) == 36
    assert len(curves(fig)) > 10
    fig.draw_without_rendering()


@pytest.mark.parametrize("missing", ["image", "text", "audio"])
def test_an_absent_modality_is_said_to_be_absent(sample, record, missing):
    counts = {"image": (0, 0, 5, 4), "text": (2, 2, 0, 4), "audio": (2, 2, 5, 0)}
    raw, graph = sample(*counts[missing])
    fig = draw_sample(raw, graph, sample_attention(record(graph), "s1"))
    assert [text.get_text() for text in panel(fig, missing).texts] == ["absent from this sample"]
    assert all(missing not in pair for pair in curves(fig)) and curves(fig)
    fig.draw_without_rendering()


def test_nodes_without_their_raw_input_are_drawn_without_it(sample, record):
    _, graph = sample()
    fig = draw_sample({"id": "s1"}, graph, sample_attention(record(graph), "s1"))
    assert not panel(fig, "image").images and not panel(fig, "audio").images
    assert len(panel(fig, "image").collections[-1].get_paths()) == 4


def test_the_title_shows_prediction_and_truth(sample):
    raw, graph = sample()
    assert "predicted 7 · truth $x$" in said(draw_sample(raw, graph, prediction=7, truth="$x$"))
    assert "truth 0" in said(draw_sample(raw, graph, truth=0))
    assert said(draw_sample(raw, graph)).count("sample s1") == 1


def test_the_caption_and_the_panels_say_what_is_shown(sample, record):
    raw, graph = sample()
    attention = sample_attention(record(graph), "s1")
    fig = draw_sample(raw, graph, attention)
    assert " ".join(said(fig)[-2 if "sample s1" in said(fig)[-1] else -1].split()) == attention.caption
    assert not any("importance" in text for text in said(fig))
    without = draw_sample(raw, graph, sample_attention(record(graph), "s1", flow=False))
    assert not any("flow" in text for text in said(without))


def test_a_sample_without_attention_is_drawn_too(sample):
    raw, graph = sample()
    fig = draw_sample(raw, graph)
    assert [ax.get_label() for ax in fig.axes] == ORDER and not curves(fig)


def test_the_graph_is_found_in_a_data_set_by_the_id_of_the_sample(sample, record):
    raw, graph = sample()
    _, other = sample(3, 3)
    ids = type(graph.ids).of(["s0"])
    both = GraphBatch.concat([GraphBatch(other.schema, ids, other.nodes, other.edges, other.targets), graph])
    attention = sample_attention(record(both), "s1")
    fig = draw_sample(raw, both, attention)
    assert len(panel(fig, "image").collections[-1].get_paths()) == 4
    with pytest.raises(ValueError, match="0 graphs of the batch have the id 's9'"):
        draw_sample({**raw, "id": "s9"}, both)
    with pytest.raises(ValueError, match="the attention is of sample 's1', the sample is 's0'"):
        draw_sample({**raw, "id": "s0"}, both, attention)


def test_raw_inputs_may_have_other_keys(sample):
    raw, graph = sample()
    renamed = {"id": "s1", "picture": raw["image"], "sound": raw["audio"]}
    fig = draw_sample(renamed, graph, inputs={"image": "picture", "audio": "sound"})
    assert panel(fig, "image").images and panel(fig, "audio").images


def test_raw_inputs_of_another_form_are_refused(sample):
    raw, graph = sample()
    with pytest.raises(ValueError, match="an image is"):
        draw_sample({**raw, "image": np.zeros(3)}, graph)
    with pytest.raises(ValueError, match="a sound is"):
        draw_sample({**raw, "audio": (np.zeros(3), -1)}, graph)


def test_a_given_figure_keeps_its_width(sample):
    raw, graph = sample()
    fig = Figure(figsize=(8, 1))
    assert draw_sample(raw, graph, fig=fig) is fig
    assert fig.get_figwidth() == 8 and fig.get_figheight() > 3


def test_global_settings_and_inputs_stay_as_they_are(sample, record):
    raw, graph = sample()
    settings, picture = dict(matplotlib.rcParams), raw["image"].copy()
    draw_sample(raw, graph, sample_attention(record(graph), "s1"))
    assert dict(matplotlib.rcParams) == settings and np.array_equal(raw["image"], picture)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_figures_can_be_saved(sample, record, kind, tmp_path):
    raw, graph = sample()
    draw_sample(raw, graph, sample_attention(record(graph), "s1")).savefig(tmp_path / f"figure.{kind}", dpi=50)
    assert (tmp_path / f"figure.{kind}").stat().st_size > 5000


def test_five_hundred_regions_are_readable(sample, record):
    raw, graph = sample(20, 25, 12, 10)
    attention = sample_attention(record(graph), "s1", top=1)
    fig = draw_sample(raw, graph, attention)
    assert sum(len(artist.get_paths()) for artist in curves(fig).values()) == len(attention.links) == 60
    borders = panel(fig, "image").collections[-1]
    assert len(borders.get_paths()) == 500 and borders.get_linewidth()[0] < 0.5


def test_a_real_model_over_raw_samples_can_be_drawn():
    from mmgraph import ops
    from mmgraph.graphs.spoken_grid import build, sample
    from mmgraph.models import GraphFusion

    raw = sample()
    graph = build().fit([raw])([raw])
    model = GraphFusion(graph.schema, 10, hidden_channels=8, heads=2).eval()
    with ops.backend("reference"), record_attention(model) as records, torch.no_grad():
        model(graph)
    attention = sample_attention(records[0], raw["id"])
    fig = draw_sample(raw, graph, attention, prediction=3, truth=raw["answer"])
    assert isinstance(attention, SampleAttention)
    assert set(curves(fig)) <= {("image", "text"), ("image", "audio"), ("text", "audio")}
    assert sum(len(artist.get_paths()) for artist in curves(fig).values()) == len(attention.links) == 60
