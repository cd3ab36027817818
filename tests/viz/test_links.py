import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from mmgraph.explain import AttentionEdge, NodeRef
from mmgraph.viz.layout import Panel, plan
from mmgraph.viz.links import draw_links, link_ends, pair_of, thickest
from mmgraph.viz.style import pair_colors

ORDER = ["image", "text", "audio"]


def edge(source: tuple[str, int], destination: tuple[str, int], weight: float) -> AttentionEdge:
    relation = (source[0], "with", destination[0])
    return AttentionEdge("conv", "node", relation, "s1", NodeRef(*source), NodeRef(*destination), (weight, weight))


def drawn(sample, links):
    _, graph = sample(2, 2, 0, 4)
    layout = plan(
        [Panel("image", "regions", 4), Panel("text", "words", 0, drawn=False), Panel("audio", "time", 4)], 11.0
    )
    panels = [Panel("image", "regions", 4), Panel("audio", "time", 4)]
    ends = link_ends(panels, layout, graph, {"audio": 0.4})
    fig = Figure(figsize=(11, layout.height))
    draw_links(fig, links, ends, layout, ORDER)
    return fig, ends, layout


def artists(fig: Figure, gid: str):
    return next(artist for artist in fig.get_children() if artist.get_gid() == gid)


def test_width_and_opacity_grow_with_the_weight(sample):
    links = [edge(("image", i), ("audio", i), weight) for i, weight in enumerate((0.4, 0.1, 0.2))]
    fig, _, _ = drawn(sample, links)
    curves = artists(fig, "links image audio")
    assert isinstance(curves, PathCollection)
    widths, opacities = curves.get_linewidths(), curves.get_edgecolor()[:, 3]
    assert np.all(np.diff(widths) > 0) and np.all(np.diff(opacities) > 0)  # the strongest is drawn last, on top
    assert widths[-1] == pytest.approx(thickest(3)) and opacities[-1] == pytest.approx(0.9)
    assert np.allclose(curves.get_edgecolor()[:, :3], to_rgb(pair_colors(ORDER)["image", "audio"]))
    assert np.all(curves.get_facecolor()[:, 3:] == 0)


def test_links_end_at_their_nodes_and_a_dot_marks_the_destination(sample):
    fig, ends, layout = drawn(sample, [edge(("audio", 2), ("image", 0), 0.3)])
    (path,) = artists(fig, "links image audio").get_paths()
    assert path.vertices[0] == pytest.approx(layout.point(*ends["audio"][2].at(0.5)))
    assert path.vertices[-1] == pytest.approx(layout.point(*ends["image"][0].begin(0.5)))
    dot = artists(fig, "destinations image audio")
    assert dot.get_xydata()[0] == pytest.approx(layout.point(*ends["image"][0].at(0.5)))
    (lead,) = artists(fig, "leads image audio").get_segments()
    assert lead[0] == pytest.approx(layout.point(*ends["image"][0].at(0.5)))
    assert lead[1] == pytest.approx(layout.point(*ends["image"][0].begin(0.5)))


def test_links_of_one_node_lie_in_the_order_of_their_other_ends(sample):
    fig, _, _ = drawn(sample, [edge(("image", 1), ("audio", i), 0.1 + 0.01 * i) for i in (3, 0, 2)])
    paths = artists(fig, "links image audio").get_paths()
    stops = [path.vertices[-1, 0] for path in paths]
    starts = [path.vertices[0, 1] for path in paths]
    assert len(set(starts)) == 3
    assert np.argsort(stops).tolist() == np.argsort(starts).tolist()


def test_a_link_to_a_region_at_the_edge_needs_no_lead(sample):
    fig, _, _ = drawn(sample, [edge(("image", 1), ("audio", 0), 0.1)])
    assert artists(fig, "leads image audio").get_segments() == []


def test_a_pair_is_the_same_in_both_directions():
    there, back = edge(("text", 0), ("image", 0), 1), edge(("image", 0), ("text", 0), 1)
    assert pair_of(there, ORDER) == pair_of(back, ORDER) == ("image", "text")


def test_no_links_are_drawn_as_nothing(sample):
    fig, _, _ = drawn(sample, [])
    assert [child for child in fig.get_children() if child.get_gid()] == []


def test_frames_may_reach_beyond_the_sound(sample):
    _, graph = sample(1, 1, 0, 4)
    layout = plan([Panel("audio", "time", 4)], 11.0)
    place = layout.places["audio"]
    for length, last in ((0.1, place.right), (0.8, place.left + place.width / 2)):
        ends = link_ends([Panel("audio", "time", 4)], layout, graph, {"audio": length})["audio"]
        assert ends[-1].high[0] == pytest.approx(last)


def test_weights_of_zero_are_drawn_thin(sample):
    fig, _, _ = drawn(sample, [edge(("image", 0), ("audio", 0), 0.0)])
    assert artists(fig, "links image audio").get_linewidths()[0] == pytest.approx(0.4)
