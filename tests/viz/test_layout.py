from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.viz.layout import MARGIN, Panel, Rect, plan, right_column
from mmgraph.viz.tokens import wrap_tokens


def words(name: str, tokens: int, width: float, roles: list[str]) -> Panel:
    return Panel(
        name, "words", tokens, words=tuple(wrap_tokens(["token"] * tokens, right_column(roles, width)[1], 9.0))
    )


@st.composite
def figures(draw):
    width = draw(st.floats(6.0, 16.0))
    roles = draw(st.lists(st.sampled_from(["regions", "words", "time"]), min_size=1, max_size=5))
    panels = []
    for number, role in enumerate(roles):
        if role == "words":
            panel = words(str(number), draw(st.integers(0, 90)), width, roles)
        else:
            panel = Panel(str(number), role, 3, aspect=draw(st.floats(0.2, 4.0)))
        absent = draw(st.booleans())
        panels.append(Panel(panel.modality, role, 0, drawn=False) if absent else panel)
    return panels, width


def apart(a: Rect, b: Rect) -> bool:
    return a.right <= b.left or b.right <= a.left or a.top <= b.bottom or b.top <= a.bottom


@settings(max_examples=20)
@given(figures(), st.floats(0.2, 2.0))
def test_panels_stay_within_the_figure_and_apart(figure, below):
    panels, width = figure
    layout = plan(panels, width, below)
    assert set(layout.places) == {panel.modality for panel in panels}
    for rect in layout.places.values():
        assert rect.left >= MARGIN - 1e-9 and rect.right <= width - MARGIN + 1e-9
        assert rect.bottom >= below - 1e-9 and rect.top < layout.height
        assert rect.width > 0 and rect.height > 0
    assert all(apart(a, b) for a, b in combinations(layout.places.values(), 2))


@settings(max_examples=20)
@given(figures())
def test_links_have_room_between_the_panels(figure):
    panels, width = figure
    layout = plan(panels, width)
    roles = {panel.modality: panel.role for panel in panels}
    low, high = layout.gap
    for modality, rect in layout.places.items():
        if roles[modality] == "words":
            assert rect.bottom >= high - 1e-9
        if roles[modality] == "time":
            assert rect.top <= low
        if roles[modality] == "regions":
            assert rect.right <= layout.gutter[0] + 1e-9
    if len(set(roles.values())) > 1:
        assert high - low >= 1
        assert "regions" not in roles.values() or layout.gutter[1] - layout.gutter[0] > 0.5


@pytest.mark.parametrize("aspect", [0.5, 1.0, 3.0])
def test_an_image_keeps_its_shape(aspect):
    place = plan([Panel("a", "regions", 1, aspect=aspect), Panel("b", "time", 1)], 11.0).places["a"]
    assert place.height / place.width == pytest.approx(aspect)


def test_fractions_are_of_the_figure():
    layout = plan([Panel("a", "time", 1)], 10.0, 1.0)
    assert layout.point(10.0, layout.height) == (1.0, 1.0)
    left, _, width, _ = layout.fraction(layout.places["a"])
    assert left == pytest.approx(MARGIN / 10) and width < 1 - 2 * MARGIN / 10
