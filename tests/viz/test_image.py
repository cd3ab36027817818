import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from mmgraph.viz import draw_regions
from mmgraph.viz.image import pale

BOXES = torch.tensor([[0.0, 0.0, 0.5, 1.0], [0.5, 0.25, 1.0, 0.75]])


def collections(ax, name: str):
    return [c for c in ax.collections if c.get_gid() == name]


def test_regions_are_drawn_where_their_boxes_are():
    ax = draw_regions(np.zeros((4, 8)), BOXES)
    for borders in collections(ax, "regions"):
        corners = [path.get_extents().extents.tolist() for path in borders.get_paths()]
        assert corners == BOXES.tolist()
    assert ax.get_xlim() == (0, 1) and ax.get_ylim() == (1, 0)  # y grows downwards, as in the boxes
    assert list(ax.images[0].get_extent()) == [0, 1, 1, 0]


def test_the_picture_keeps_its_shape():
    ax = draw_regions(np.zeros((4, 8, 3), dtype=np.uint8), BOXES)
    assert ax.get_aspect() == 0.5


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        (np.array([[0, 255]], dtype=np.uint8), [0, 1]),
        (np.array([[0.0, 0.5]], dtype=np.float32), [0, 0.5]),
        (np.array([[4.0, 16.0]]), [0.25, 1]),
        (np.array([[-1.0, 1.0]]), [0, 1]),
    ],
)
def test_values_become_black_to_white(image, shown):
    drawn = draw_regions(image, BOXES).images[0]
    assert np.asarray(drawn.get_array()).ravel().tolist() == pytest.approx(shown)
    assert drawn.norm.vmin == 0 and drawn.norm.vmax == 1


def test_the_tint_is_stronger_where_there_is_more_flow():
    tint = collections(draw_regions(None, BOXES, flow=torch.tensor([0.1, 0.2])), "flow")[0]
    opacity = tint.get_facecolor()[:, 3]
    assert opacity[1] == pytest.approx(2 * opacity[0]) and opacity[1] > 0.3
    assert not collections(draw_regions(None, BOXES), "flow")


def test_borders_are_thinner_where_there_are_many():
    widths = [collections(draw_regions(None, BOXES.repeat(n, 1)), "regions")[1].get_linewidth()[0] for n in (1, 250)]
    assert widths[0] > 2 * widths[1] > 0


def test_no_region_and_no_image_are_drawn_as_nothing():
    ax = draw_regions(None, torch.zeros(0, 4), flow=torch.zeros(0))
    assert not ax.images and all(len(c.get_paths()) == 0 for c in ax.collections)


def test_a_given_axes_is_used_and_returned():
    ax = Figure().subplots()
    assert draw_regions(None, BOXES, ax=ax) is ax


@pytest.mark.parametrize("shape", [(4,), (2, 2, 2), (0, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"an image is \[height, width\] or \[height, width, 3\], got shape"):
        draw_regions(np.zeros(shape), BOXES)


def test_regions_that_are_no_boxes_are_drawn_with_their_outline():
    triangle = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]]])
    ax = draw_regions(None, [[0, 0, 1, 1]], outlines=triangle, flow=torch.ones(1))
    for drawn in ax.collections:
        assert drawn.get_paths()[0].vertices[:3].tolist() == triangle[0].tolist()


def test_panels_may_share_a_scale():
    (tint,) = collections(draw_regions(None, BOXES, flow=torch.tensor([0.1, 0.2]), largest=0.4), "flow")
    assert tint.get_facecolor()[:, 3].tolist() == pytest.approx([0.125, 0.25])


def test_a_pale_picture_has_no_black_and_no_colour():
    colours = np.array([[[255, 0, 0], [0, 0, 0], [255, 255, 255]]], dtype=np.uint8)
    shown = pale(colours)
    assert shown is not None and shown.shape == (1, 3) and shown[0, 1] < shown[0, 0] < shown[0, 2]
    assert shown.min() == pytest.approx(0.3) and shown.max() == pytest.approx(1.0)
    assert pale(None) is None
