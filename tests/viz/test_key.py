import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mmgraph.explain import AttentionEdge, NodeRef, SampleAttention
from mmgraph.viz.key import draw_key, key_height
from mmgraph.viz.layout import MARGIN, Layout
from mmgraph.viz.style import pair_colors

ORDER = ["image", "text", "audio"]
LINK = AttentionEdge("c", "node", ("text", "with", "audio"), "s", NodeRef("text", 0), NodeRef("audio", 0), (0.2, 0.6))


def draw(attention: SampleAttention, width: float = 11.0) -> Figure:
    below = key_height(attention, ORDER, width)
    fig = Figure(figsize=(width, 5))
    draw_key(fig, attention, Layout(width, 5.0, {}, (1, 2), (1, 2), below), ORDER)
    return fig


def said(fig: Figure) -> list[str]:
    return [text.get_text() for text in fig.texts]


def test_only_pairs_that_are_drawn_are_named():
    fig = draw(SampleAttention("s", (LINK,), {}, "caption"))
    assert said(fig) == ["text – audio", "attention weight", "0.100", "0.400", "caption"]
    lines = [artist for artist in fig.artists if isinstance(artist, Line2D)]
    assert lines[0].get_color() == pair_colors(ORDER)["text", "audio"]
    assert lines[1].get_linewidth() < lines[2].get_linewidth()


def test_the_tint_is_explained_where_there_is_one():
    fig = draw(SampleAttention("s", (), {"text": torch.ones(1)}, "caption"))
    assert said(fig) == ["attention flow  0", "largest of the panel", "caption"]
    assert len(fig.axes) == 1


def test_a_narrow_figure_has_a_higher_key_and_nothing_runs_over_its_edge():
    attention = SampleAttention("s", (LINK,), {"text": torch.ones(1)}, "a long caption " * 20)
    assert key_height(attention, ORDER, 5.0) > key_height(attention, ORDER, 11.0)
    for width in (5.0, 11.0):
        fig = draw(attention, width)
        fig.draw_without_rendering()
        for text in fig.texts:
            box = text.get_window_extent().transformed(fig.dpi_scale_trans.inverted())
            assert box.x0 >= MARGIN - 0.01 and box.x1 <= width - 0.1
            assert box.y0 >= 0


def test_without_attention_there_is_only_a_margin():
    assert key_height(None, ORDER, 11.0) < 0.3
