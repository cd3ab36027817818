"""How much modalities attend to each other, as a table and as ribbons."""

from itertools import pairwise

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch

from mmgraph.explain import ModalityAttention, modality_attention
from mmgraph.viz import draw_flow, draw_flow_matrix
from mmgraph.viz.flow import SPACE, ribbon
from mmgraph.viz.style import MUTED, pair_colors

NAMES = ("image", "text", "audio")


def attention(graphs: int = 20, heads: int = 2, *, names: tuple[str, ...] = NAMES) -> ModalityAttention:
    generator = torch.Generator().manual_seed(0)
    size = len(names)
    layers = tuple(torch.randn(graphs, heads, size, size, generator=generator).softmax(-1) for _ in range(2))
    return ModalityAttention(names, ("first", "second"), layers, layers[0][:, 0])


def ribbons(ax: Axes) -> dict[tuple[str, str], PathPatch]:
    found = [patch for patch in ax.patches if isinstance(patch, PathPatch)]
    return {(gid[1], gid[2]): patch for patch in found if (gid := (patch.get_gid() or "").split())}


@pytest.mark.parametrize(("layer", "head"), [(None, None), (0, None), ("second", 1)])
def test_the_table_holds_means_and_intervals(layer, head):
    found = attention()
    ax = draw_flow_matrix(found, layer=layer, head=head)
    shown = np.asarray(ax.images[0].get_array())
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    for y, row in enumerate(NAMES):
        for x, column in enumerate(NAMES):
            estimate = found.estimate(layer, row, column, head)
            assert shown[y, x] == pytest.approx(estimate.mean)
            assert texts[x, y] == f"{estimate.mean:.2f}"
            assert texts[x, y + 0.08] == f"{estimate.low:.2f} to {estimate.high:.2f}"
    assert [label.get_text() for label in ax.get_yticklabels()] == list(NAMES)
    assert ax.images[0].norm.vmin == 0 and ax.images[0].norm.vmax == 1


def test_one_graph_has_no_interval():
    ax = draw_flow_matrix(attention(1))
    assert [text.get_text() for text in ax.texts].count("one graph") == 9


def test_a_modality_that_nothing_enters_is_said_to_be_so():
    found = attention()
    for layer in found.heads:
        layer[:, :, 2] = torch.nan
    ax = draw_flow_matrix(found, layer=0)
    assert [text.get_text() for text in ax.texts][-1] == "no edge enters" and len(ax.texts) == 13
    assert {row for _, row in ribbons(draw_flow(found, layer=0))} == {"image", "text"}


def test_labels_say_which_layer_and_head():
    assert draw_flow_matrix(attention()).get_ylabel() == "pooled, through all layers"
    assert draw_flow_matrix(attention(), layer=-1).get_ylabel() == "attends in layer 2 of 2, mean over 2 heads"
    assert draw_flow(attention(), layer="first", head=1).texts[-1].get_text() == "attends in layer 1 of 2, head 2 of 2"


def test_a_ribbon_is_as_wide_as_its_share():
    found = attention()
    drawn = ribbons(draw_flow(found, layer=1))
    assert len(drawn) == 9
    for (column, row), patch in drawn.items():
        points = patch.get_path().vertices
        share = found.estimate(1, row, column).mean
        assert points[0, 1] - points[7, 1] == pytest.approx(share)
        assert points[3, 1] - points[4, 1] == pytest.approx(share)


def test_ribbons_fill_the_bars_without_overlap():
    ax = draw_flow(attention())
    drawn = ribbons(ax)
    for side, (upper, lower) in enumerate([(0, 7), (3, 4)]):
        for name in NAMES:
            own = [patch.get_path().vertices for pair, patch in drawn.items() if pair[side] == name]
            spans = sorted((float(points[lower, 1]), float(points[upper, 1])) for points in own)
            assert all(a[1] == pytest.approx(b[0]) for a, b in pairwise(spans))
    right = sorted({round(float(patch.get_path().vertices[3, 1]), 6) for patch in drawn.values()}, reverse=True)
    assert right[0] == pytest.approx(3 + 2 * SPACE)


def test_colours_are_those_of_pairs_and_grey_within():
    for (column, row), patch in ribbons(draw_flow(attention())).items():
        pair = (column, row) if NAMES.index(column) < NAMES.index(row) else (row, column)
        color = MUTED if column == row else pair_colors(NAMES)[pair]
        assert to_hex(patch.get_facecolor()).upper() == color.upper()


def test_what_enters_the_left_bars_is_written_and_sums_to_the_modalities():
    texts = [text.get_text().split("  ") for text in draw_flow(attention()).texts[:3]]
    assert [name for name, _ in texts] == list(NAMES)
    assert sum(float(value) for _, value in texts) == pytest.approx(3, abs=0.02)


def test_numbers_of_neighbouring_ribbons_do_not_overlap():
    ax = draw_flow(attention(names=tuple("abcdef")))
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_ha() == "right" and text.get_size() == 8]
    assert len(boxes) > 12 and not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_the_outline_of_a_ribbon_has_one_width():
    points = ribbon(2.0, 5.0, 0.25)
    assert (points[:4, 1] - points[:3:-1, 1]).tolist() == [0.25] * 4


def test_what_is_not_there_is_refused():
    for draw in (draw_flow, draw_flow_matrix):
        with pytest.raises(ValueError, match="no layer 7"):
            draw(attention(), layer=7)
        with pytest.raises(ValueError, match="no head 5"):
            draw(attention(), layer=0, head=5)
        with pytest.raises(ValueError, match="no flow to the output"):
            draw(ModalityAttention(NAMES, ("first",), attention().heads[:1], None))


def test_a_recorded_sample_can_be_drawn(sample, record):
    _, graph = sample()
    found = modality_attention(record(graph))
    settings = dict(matplotlib.rcParams)
    for draw in (draw_flow, draw_flow_matrix):
        ax = Figure().subplots()
        assert draw(found, ax) is ax
        ax.figure.draw_without_rendering()
    assert dict(matplotlib.rcParams) == settings
