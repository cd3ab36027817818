"""The division of scikit-learn's handwritten digits."""

import numpy as np

from mmgraph.datasets.handwriting import handwritten_digits, split_pictures


def test_every_picture_is_in_exactly_one_split():
    parts = split_pictures()
    assert set(parts) == {"train", "val", "test"}
    np.testing.assert_array_equal(np.sort(np.concatenate(list(parts.values()))), np.arange(1797))


def test_no_picture_has_a_twin_in_another_split():
    pictures, _ = handwritten_digits()
    assert len(np.unique(pictures.reshape(1797, 64), axis=0)) == 1797


def test_every_split_has_its_share_of_every_digit():
    labels = handwritten_digits()[1]
    for split, share in (("train", 0.7), ("val", 0.1), ("test", 0.2)):
        counts = np.bincount(labels[split_pictures()[split]], minlength=10)
        assert (np.abs(counts - share * np.bincount(labels)) <= 1).all()


def test_pictures_are_grey_levels_between_0_and_1_and_cannot_be_changed():
    pictures, labels = handwritten_digits()
    assert pictures.min() == 0 and pictures.max() == 1
    assert not pictures.flags.writeable and not labels.flags.writeable
