"""`Superpixels`; what every front end promises is asked in test_front_ends.py."""

import sys
from typing import Any

import numpy as np
import pytest
import torch
from skimage.data import astronaut

from mmgraph.features import Superpixels


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.asarray(astronaut()[::8, ::8])


def test_regions_follow_the_edges_of_a_picture() -> None:
    image = np.zeros((20, 20, 3), dtype=np.float32)
    image[:, 13:] = (1, 0, 0)
    labels = Superpixels(4).labels(image)
    assert not set(labels[:, :13].ravel()) & set(labels[:, 13:].ravel())


def test_regions_are_numbered_by_their_first_pixel_and_each_is_connected(photo: np.ndarray) -> None:
    from skimage.measure import label

    labels = Superpixels(30).labels(photo)
    values, first = np.unique(labels, return_index=True)
    assert values.tolist() == list(range(len(values)))
    assert (np.diff(first) > 0).all()
    assert all(label(labels == value, connectivity=1).max() == 1 for value in values)


def test_nodes_describe_the_regions_of_the_label_map(photo: np.ndarray) -> None:
    front_end = Superpixels(30)
    nodes, labels = front_end([photo]), front_end.labels(photo)
    height, width = labels.shape
    assert nodes.x.shape == (labels.max() + 1, front_end.channels)
    for region in range(nodes.num_nodes):
        y, x = np.nonzero(labels == region)
        box = [x.min() / width, y.min() / height, (x.max() + 1) / width, (y.max() + 1) / height]
        assert nodes.attribute("box")[region].tolist() == pytest.approx(box)
        corners = nodes.attribute("outline")[region]
        assert corners.amin(0).tolist() == pytest.approx(box[:2], abs=0.05)
        assert corners.amax(0).tolist() == pytest.approx(box[2:], abs=0.05)
    assert nodes.x[:, -1].sum() == pytest.approx(1)
    assert nodes.x[:, 6:14].sum(1).tolist() == pytest.approx([1] * nodes.num_nodes)


def test_borders_are_measured_in_sides_of_an_equal_square() -> None:
    image = np.zeros((4, 16), dtype=np.float32)
    image[:, 8:] = 1
    nodes = Superpixels(2, colours=1)([image])
    assert nodes.attribute("neighbours").tolist() == [[1, -1, -1, -1, -1], [-1] * 5]
    assert nodes.attribute("borders")[0].tolist() == [4 / 8, 0, 0, 0, 0]


def test_one_pixel_and_one_colour_are_one_region_or_more() -> None:
    for image in (np.zeros((1, 1)), np.ones((1, 9)), np.full((9, 1), 0.5)):
        nodes = Superpixels(5, colours=1)([image])
        assert 1 <= nodes.num_nodes <= image.size
        assert torch.isfinite(nodes.x).all()


def test_a_grey_image_may_be_given_for_colours() -> None:
    image = np.random.default_rng(0).random((10, 10))
    assert Superpixels(4)([image]).x[:, :3].std(1).max() < 1e-6


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"number": 0}, "number=0: give at least 1"),
        ({"bins": 0}, "bins=0: give at least 1"),
        ({"corners": 2}, "corners=2: give at least 3"),
        ({"compactness": 0.0}, r"compactness=0\.0: give a positive number, or None"),
        ({"compactness": float("inf")}, "compactness=inf"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Superpixels(**wrong)


def test_without_scikit_image_the_way_to_install_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.measure", None)
    with pytest.raises(ImportError, match=r'scikit-image is not installed: pip install "mmgraph\[image\]"'):
        Superpixels()([np.zeros((2, 2))])
