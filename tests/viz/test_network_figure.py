"""The attention graph of a sample, a column per modality."""

import matplotlib
import networkx
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from mmgraph.viz import draw_attention_graph
from mmgraph.viz.network import LABELS, column_layout, edge_curve, strongest_edges
from mmgraph.viz.style import MUTED, pair_colors

NAMES = ["image", "text", "audio"]


def drawn(ax, name: str):
    return next(artist for artist in ax.collections if artist.get_gid() == name)


def test_modalities_are_columns_and_nodes_stand_in_their_order(sample, record):
    _, graph = sample()
    network = record(graph).to_networkx(0)
    places = column_layout(network)
    for x, name in enumerate(NAMES):
        nodes = [node for node, data in network.nodes(data=True) if data["modality"] == name]
        assert {places[node][0] for node in nodes} == {x}
        heights = [places[node][1] for node in nodes]
        assert heights == pytest.approx(np.linspace(1, 0, len(nodes)).tolist())
        dots = np.asarray(drawn(draw_attention_graph(network), name).get_offsets())
        assert dots.tolist() == [pytest.approx(places[node]) for node in nodes]


def test_the_strongest_edges_of_each_node_are_kept(sample, record):
    _, graph = sample()
    network = record(graph).to_networkx(0)
    kept = strongest_edges(network, 2, 1000)
    for node in network:
        own = sorted((weight for _, dst, weight in kept if dst == node), reverse=True)
        every = sorted((data["weight"] for _, _, data in network.in_edges(node, data=True)), reverse=True)
        assert own == every[:2]
    weights = [weight for _, _, weight in kept]
    assert weights == sorted(weights, reverse=True)
    assert strongest_edges(network, 2, 3) == kept[:3]


def test_edges_are_drawn_between_their_nodes_in_the_colour_of_their_pair(sample, record):
    _, graph = sample()
    network = record(graph).to_networkx(0)
    ax, places = draw_attention_graph(network), column_layout(network)
    modality, colors = dict(network.nodes(data="modality")), pair_colors(NAMES)
    curves, kept = drawn(ax, "edges"), strongest_edges(network, 2, 150)[::-1]
    stops = np.asarray(drawn(ax, "attends").get_offsets())
    assert len(curves.get_paths()) == len(stops) == len(kept)
    widths = curves.get_linewidth()
    assert list(widths) == sorted(widths) and widths[-1] == pytest.approx(2.6)
    for path, color, stop, (src, dst, _) in zip(curves.get_paths(), curves.get_edgecolor(), stops, kept, strict=True):
        assert path.vertices[0].tolist() == pytest.approx(places[src])
        assert path.vertices[-1].tolist() == stop.tolist() == pytest.approx(places[dst])
        pair = tuple(sorted((modality[src], modality[dst]), key=NAMES.index))
        assert to_hex(color).upper() == (MUTED if pair[0] == pair[1] else colors[pair]).upper()


def test_edges_within_a_modality_bend_away_from_the_names():
    first, last = edge_curve((0.0, 1.0), (0.0, 0.5)), edge_curve((2.0, 1.0), (2.0, 0.5))
    assert first[1:3, 0].min() > 0 and last[1:3, 0].max() < 2


def test_nodes_are_named_by_text_time_or_number(sample, record):
    _, graph = sample()
    texts = [text.get_text() for text in draw_attention_graph(record(graph).to_networkx(0)).texts]
    assert {*NAMES, "which", "0.00-0.10 s", "3"} < set(texts)
    assert texts[-1].startswith("26 of 169 edges, the largest weight 0.")


def test_names_of_five_hundred_regions_do_not_overlap():
    network = networkx.MultiDiGraph()
    network.add_nodes_from(
        (f"image {i}", {"modality": "image", "index": i, "label": "", "x1": 0.0}) for i in range(500)
    )
    network.add_nodes_from((f"text {i}", {"modality": "text", "index": i, "label": "word"}) for i in range(3))
    network.add_weighted_edges_from((f"image {i}", f"text {i % 3}", 1 / (i + 1)) for i in range(500))
    ax = draw_attention_graph(network, top=100)
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text().isdigit()]
    assert 20 < len(boxes) <= LABELS
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_a_network_without_edges_and_with_one_node_is_drawn():
    network = networkx.MultiDiGraph()
    network.add_node("a", modality="talk", index=0, label="$x$ and a very long label that goes on")
    ax = Figure().subplots()
    assert draw_attention_graph(network, ax) is ax
    assert [text.get_text() for text in ax.texts] == ["talk", "$x$ and a very long l…", "0 of 0 edges"]
    ax.figure.draw_without_rendering()


def test_settings_and_the_network_stay_as_they_are(sample, record):
    _, graph = sample()
    network, settings = record(graph).to_networkx(0), dict(matplotlib.rcParams)
    before = (dict(network.nodes(data=True)), list(network.edges(data=True)))
    draw_attention_graph(network)
    assert before == (dict(network.nodes(data=True)), list(network.edges(data=True)))
    assert dict(matplotlib.rcParams) == settings


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="top=0 and limit=150 are at least 1"):
        draw_attention_graph(networkx.MultiDiGraph(), top=0)
    with pytest.raises(ValueError, match="the network has no node to draw"):
        draw_attention_graph(networkx.MultiDiGraph())
