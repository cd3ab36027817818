"""`Patches`; what every front end promises is asked in test_front_ends.py."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import unfold

from mmgraph.features import Patches


def test_regions_stand_in_reading_order_with_their_pixels_and_boxes() -> None:
    nodes = Patches(2)([np.arange(16).reshape(4, 4).astype(np.float32) / 15])
    assert (nodes.x * 15).round().int().tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    assert nodes.attribute("box").tolist() == [[0, 0, 0.5, 0.5], [0.5, 0, 1, 0.5], [0, 0.5, 0.5, 1], [0.5, 0.5, 1, 1]]


def test_oblong_regions_of_a_grey_image_equal_torch_unfold() -> None:
    images = torch.rand(3, 6, 8)
    nodes = Patches((3, 2))(list(images.numpy()))
    expected = unfold(images.unsqueeze(1), (3, 2), stride=(3, 2)).transpose(1, 2).reshape(-1, 6)
    assert torch.equal(nodes.x, expected)


def test_a_partial_region_repeats_the_edge_and_its_box_ends_with_the_image() -> None:
    nodes = Patches(2)([np.array([[0.0, 0.25, 0.5]], dtype=np.float32)])
    assert nodes.x.tolist() == [[0, 0.25, 0, 0.25], [0.5, 0.5, 0.5, 0.5]]
    assert torch.allclose(nodes.attribute("box"), torch.tensor([[0, 0, 2 / 3, 1], [2 / 3, 0, 1, 1]]))


def test_an_image_of_one_pixel_is_one_region() -> None:
    nodes = Patches(4)([np.full((1, 1), 255, dtype=np.uint8)])
    assert nodes.x.tolist() == [[1.0] * 16]
    assert nodes.attribute("box").tolist() == [[0, 0, 1, 1]]


def test_images_of_one_call_may_differ_in_size() -> None:
    images = [np.full(shape, value, dtype=np.float32) for shape, value in (((2, 2), 0), ((4, 2), 0.5), ((2, 2), 1))]
    nodes = Patches(2)([images[0], None, images[1], images[2]])
    assert nodes.counts.tolist() == [1, 0, 2, 1]
    assert nodes.x[:, 0].tolist() == [0, 0.5, 0.5, 1]


def test_whole_numbers_are_scaled_to_one() -> None:
    assert Patches(1)([np.array([[0, 51, 255]], dtype=np.uint8)]).x.squeeze(1).tolist() == pytest.approx([0, 0.2, 1])


def test_colours_stay_together_pixel_by_pixel() -> None:
    image = np.arange(12).reshape(2, 2, 3).astype(np.float32) / 11
    front_end = Patches((1, 2), colours=3)
    assert front_end.channels == 6
    assert (front_end([image]).x * 11).round().int().tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


def test_a_grey_image_gets_three_equal_colours() -> None:
    for grey in (np.full((1, 1), 0.5), np.full((1, 1, 1), 0.5)):
        assert Patches(1, colours=3)([grey]).x.tolist() == [[0.5, 0.5, 0.5]]


def test_alpha_is_laid_over_white() -> None:
    image = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 255, 51]]], dtype=np.uint8)
    expected = [[1, 0, 0], [1, 1, 1], [0.8, 0.8, 1]]
    assert torch.allclose(Patches(1, colours=3)([image]).x, torch.tensor(expected), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_floats_of_any_precision_become_float32(dtype: Any) -> None:
    assert Patches(1)([np.ones((1, 1), dtype=dtype)]).x.dtype == torch.float32


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (4,), (), (2, 2, 2), (2, 2, 5), (1, 2, 2, 3)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=rf"takes images .*got shape {str(shape).translate({40: '.', 41: '.'})}"):
        Patches(2, colours=3)([np.zeros(shape)])


def test_a_colour_image_is_refused_where_its_colours_would_be_lost() -> None:
    with pytest.raises(ValueError, match=r"Patches\(colours=1\).*got shape \(2, 2, 3\); use colours=3"):
        Patches(2)([np.zeros((2, 2, 3))])


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5, 255.0])
def test_values_outside_0_to_1_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match=rf"takes floats in 0\.\.1, got .*{value}.*scale or clip"):
        Patches(1)([np.array([[0.0, value]])])


@pytest.mark.parametrize("image", [np.zeros((2, 2), dtype=np.int64), np.zeros((2, 2), dtype=bool), [["a"]]])
def test_other_dtypes_are_refused(image: Any) -> None:
    with pytest.raises(ValueError, match=r"takes uint8 in 0\.\.255 or floats in 0\.\.1, got"):
        Patches(1)([image])


@pytest.mark.parametrize("size", [0, (2, 0), (2,), (2, 2, 2)])
def test_a_size_is_one_or_two_positive_numbers(size: Any) -> None:
    with pytest.raises(ValueError, match=r"is .height, width. in pixels"):
        Patches(size)


@pytest.mark.unchecked
def test_colours_are_one_or_three() -> None:
    with pytest.raises(ValueError, match="colours=4"):
        Patches(2, colours=4)  # type: ignore[arg-type]
