"""Statistics of regions."""

import numpy as np
import pytest

from mmgraph.features.region_statistics import region_statistics


def test_means_deviations_and_areas_are_those_of_the_pixels() -> None:
    image = np.random.default_rng(0).random((6, 7, 3))
    labels = np.random.default_rng(1).integers(0, 3, (6, 7))
    found = region_statistics(image, labels, 3, 4)
    for region in range(3):
        pixels = image[labels == region]
        assert np.allclose(found[region, :3], pixels.mean(0))
        assert np.allclose(found[region, 3:6], pixels.std(0))
        assert found[region, -1] == pytest.approx(len(pixels) / 42)
    assert np.allclose(found[:, 6:10].sum(1), 1)


@pytest.mark.parametrize(
    ("axis", "bin_"),
    [(1, 0), (0, 2)],  # light grows to the right: direction 0; downwards: a quarter turn
)
def test_a_slope_has_its_direction_and_its_steepness(axis: int, bin_: int) -> None:
    ramp = np.linspace(0, 0.9, 10)
    image = np.broadcast_to(ramp[None] if axis else ramp[:, None], (10, 10))[:, :, None]
    found = region_statistics(image, np.zeros((10, 10), dtype=int), 1, 4)
    expected = np.zeros(4)
    expected[bin_] = 1
    assert np.allclose(found[0, 2:6], expected)
    assert found[0, 6] == pytest.approx(0.1)


def test_dark_to_light_and_light_to_dark_are_one_direction() -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 8), (8, 8))[:, :, None]
    labels = np.zeros((8, 8), dtype=int)
    assert np.allclose(region_statistics(ramp, labels, 1, 6), region_statistics(1 - ramp, labels, 1, 6))


def test_between_two_bins_a_direction_counts_in_both() -> None:
    y, x = np.mgrid[:9, :9]
    diagonal = ((x + y) / 16.0)[:, :, None]  # an eighth turn, half-way between bins 0 and 1 of 2
    assert np.allclose(region_statistics(diagonal, np.zeros((9, 9), dtype=int), 1, 2)[0, 2:4], 0.5)


def test_one_colour_and_one_pixel_have_no_direction() -> None:
    for shape in ((4, 4, 1), (1, 1, 1), (1, 5, 1)):
        found = region_statistics(np.full(shape, 0.5), np.zeros(shape[:2], dtype=int), 1, 3)
        assert found[0].tolist() == [0.5, 0, 0, 0, 0, 0, 1]
