"""The drawing of a schema: a box per modality, an arrow per pair, names of relations."""

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import ArrowStyle, FancyArrowPatch
from matplotlib.path import Path

from mmgraph.graph import GraphSchema
from mmgraph.viz import draw_schema
from mmgraph.viz.style import pair_colors


def arrows(ax: Axes) -> list[FancyArrowPatch]:
    return [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]


def test_every_modality_and_every_pair_with_relations_is_drawn_once() -> None:
    relations = [("a", "x", "b"), ("a", "y", "b"), ("b", "x", "a"), ("b", "z", "b")]
    ax = draw_schema(GraphSchema({"a": 1, "b": 3, "c": 0}, relations), Figure().subplots())
    assert [text.get_text() for text in ax.texts] == ["a\n1 feature", "b\n3 features", "c", "z", "x, y", "x"]
    assert len(arrows(ax)) == 3


def test_relations_of_the_same_names_both_ways_are_one_arrow_with_two_heads() -> None:
    both = draw_schema(GraphSchema({"a": 1, "b": 1}, [("a", "x", "b"), ("b", "x", "a")]))
    one = draw_schema(GraphSchema({"a": 1, "b": 1}, [("b", "x", "a")]))
    (two_heads,), (one_head,) = arrows(both), arrows(one)
    assert isinstance(two_heads.get_arrowstyle(), ArrowStyle.CurveFilledAB)
    assert isinstance(one_head.get_arrowstyle(), ArrowStyle.CurveFilledB)
    assert [text.get_text() for text in both.texts][2:] == ["x"]


def test_an_arrow_points_from_source_to_destination_in_the_colour_of_its_pair() -> None:
    ax = draw_schema(GraphSchema({"a": 1, "b": 1, "c": 1}, [("c", "x", "b")]))
    places = {text.get_text()[0]: text.get_position() for text in ax.texts[:3]}
    (arrow,) = arrows(ax)
    points = ax.transData.inverted().transform(arrow.get_transform().transform(arrow.get_path().vertices))
    start, stop = (np.hypot(*(points - places[name]).T).min() for name in "cb")
    length = np.hypot(*np.subtract(places["c"], places["b"]))
    assert start < length / 3 and stop < length / 3
    assert to_hex(arrow.get_edgecolor()).upper() == pair_colors("abc")["b", "c"]


def test_of_many_relations_the_rest_is_counted() -> None:
    ax = draw_schema(GraphSchema({"a": 1}, [("a", f"r{i}", "a") for i in range(9)]), Figure().subplots(), names=2)
    assert ax.texts[1].get_text() == "r0, r1, 7 more"
    with pytest.raises(ValueError, match="names=0 relations are named on an arrow: give at least 1"):
        draw_schema(GraphSchema({"a": 1}), names=0)


def test_long_names_are_not_cut_and_stand_clear_of_the_box() -> None:
    names = [f"speaker_{who}_to_speaker_{whom}_past" for who in "AB" for whom in "AB"]
    ax = draw_schema(GraphSchema({"utterance": 300}, [("utterance", name, "utterance") for name in names]))
    box, label = ax.texts
    assert label.get_text().split(",\n") == names
    patch = box.get_bbox_patch()
    assert patch is not None and not label.get_window_extent().overlaps(patch.get_window_extent())


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6])
def test_texts_lie_within_the_axes_and_clear_of_boxes(count: int) -> None:
    names = [f"modality {i}" for i in range(count)]
    schema = GraphSchema(dict.fromkeys(names, 4), [(a, "with", b) for a in names for b in names])
    figure = Figure(figsize=(9, 8))
    ax = draw_schema(schema, figure.add_axes((0, 0, 1, 1)))
    figure.draw_without_rendering()
    extents = [text.get_window_extent() for text in ax.texts]
    for box in extents:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
    assert not any(label.overlaps(box) for label in extents[count:] for box in extents[:count])


def test_names_of_crossing_arrows_do_not_cover_each_other() -> None:
    names = [f"modality {i}" for i in range(6)]
    schema = GraphSchema(dict.fromkeys(names, 4), [(a, "with", b) for a in names for b in names if a != b])
    figure = Figure(figsize=(9, 8))
    ax = draw_schema(schema, figure.add_axes((0, 0, 1, 1)))
    labels = [text.get_window_extent() for text in ax.texts[6:]]
    assert len(labels) == 15
    assert not any(a.overlaps(b) for i, a in enumerate(labels) for b in labels[:i])


def test_arrows_end_at_the_boxes_once_drawn() -> None:
    figure = Figure(figsize=(9, 8))
    ax = draw_schema(GraphSchema({"a": 1, "b": 1}, [("a", "x", "b")]), figure.add_axes((0, 0, 1, 1)))
    figure.draw_without_rendering()
    (arrow,) = arrows(ax)
    path = arrow.get_path()
    shown = arrow.get_transform().transform(path.vertices[path.codes != Path.CLOSEPOLY])
    for text, at in zip(ax.texts[:2], (shown[:, 0].min(), shown[:, 0].max()), strict=True):
        box = text.get_bbox_patch()
        assert box is not None
        edges = box.get_window_extent().intervalx
        assert np.abs(edges - at).min() < 8  # pixels


def test_a_schema_is_drawn_without_changing_global_settings() -> None:
    settings = dict(matplotlib.rcParams)
    figure = Figure()
    ax = figure.subplots()
    assert draw_schema(GraphSchema({"$a$": 0}, [("$a$", "a_$x$", "$a$")]), ax) is ax
    figure.draw_without_rendering()
    assert dict(matplotlib.rcParams) == settings
    assert not any(text.get_parse_math() for text in ax.texts)
