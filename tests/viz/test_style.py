import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from mmgraph.viz.style import (
    PAIR_COLORS,
    TINT,
    heading,
    ink_on,
    mix,
    new_axes,
    pair_colors,
    quiet,
    shade,
    tints,
)


def luminance(rgb) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_every_pair_of_up_to_four_modalities_has_a_colour_of_its_own():
    colors = pair_colors(["a", "b", "c", "d"])
    assert len(colors) == len(set(colors.values())) == 6
    assert TINT not in PAIR_COLORS


def test_the_colour_of_a_pair_depends_on_the_schema_alone():
    assert pair_colors(["a", "b", "c"])["a", "b"] == pair_colors(["a", "b"])["a", "b"]


def test_tints_are_shares_of_the_largest():
    assert tints(torch.tensor([0.1, 0.4, 0.0])).tolist() == pytest.approx([0.25, 1, 0])
    assert tints(torch.zeros(0)).tolist() == []
    assert tints(torch.tensor([0.1, 0.4]), 0.8).tolist() == pytest.approx([0.125, 0.5])
    assert tints(torch.tensor([0.1]), 0.0).tolist() == [0]


def test_black_text_is_readable_on_every_tint():
    for strength in np.linspace(0, 1, 5):
        assert (luminance(mix(float(strength))) + 0.05) / 0.06 > 7  # contrast of WCAG level AAA


def test_headings_count_and_name_the_largest_flow():
    assert heading("scan", 1, "region", torch.tensor([0.25])) == "scan · 1 region · attention flow up to 0.250"
    assert heading("talk", 1200, "frame", None) == "talk · 1,200 frames"
    assert heading("talk", 0, "frame", torch.zeros(0)) == "talk · 0 frames"


def test_cells_get_darker_with_every_step_and_their_numbers_stay_readable():
    colors = [shade(float(step)) for step in np.linspace(0, 1, 21)]
    light = [luminance(color) for color in colors]
    assert light == sorted(light, reverse=True) and light[0] > 0.99 and light[-1] < 0.03
    for color in colors:
        pair = sorted((luminance(color), luminance(to_rgb(ink_on(color)))))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) > 4


def test_a_new_axes_has_its_size_and_a_quiet_one_two_borders():
    ax = new_axes(4, 2)
    quiet(ax)
    assert ax.figure.get_size_inches().tolist() == [4, 2]
    assert [name for name, spine in ax.spines.items() if spine.get_visible()] == ["left", "bottom"]
