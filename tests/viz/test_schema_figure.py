"""The drawing of a schema: a box per modality, an arrow per ordered pair, names of relations."""

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from mmgraph.graph import GraphSchema
from mmgraph.viz import draw_schema


def test_every_modality_and_every_pair_with_relations_is_drawn_once() -> None:
    relations = [("a", "x", "b"), ("a", "y", "b"), ("b", "x", "a"), ("b", "z", "b")]
    ax = draw_schema(GraphSchema({"a": 1, "b": 3, "c": 0}, relations), Figure().subplots())
    assert [text.get_text() for text in ax.texts] == ["a\n1 feature", "b\n3 features", "c", "x, y", "x", "z"]
    assert sum(isinstance(patch, FancyArrowPatch) for patch in ax.patches) == 3


def test_of_many_relations_the_rest_is_counted() -> None:
    ax = draw_schema(GraphSchema({"a": 1}, [("a", f"r{i}", "a") for i in range(9)]), Figure().subplots(), names=2)
    assert ax.texts[1].get_text() == "r0, r1, 7 more"


def test_texts_lie_within_the_axes() -> None:
    names = [f"modality {i}" for i in range(6)]
    schema = GraphSchema(dict.fromkeys(names, 4), [(a, "with", b) for a in names for b in names])
    figure = Figure(figsize=(9, 8))
    ax = draw_schema(schema, figure.add_axes((0, 0, 1, 1)))
    figure.draw_without_rendering()
    for text in ax.texts:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
