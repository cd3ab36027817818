"""Groups of samples and the folds that keep them whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.datasets.groups import grouped_folds, join_groups, near_duplicates, of_one_label

columns = st.lists(st.lists(st.sampled_from(["", None, "a", "b", "c"]), min_size=6, max_size=6), max_size=3)


@given(columns, st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=4))
def test_groups_are_what_a_slow_search_finds(keys, pairs):
    same = np.zeros((6, 6), dtype=bool)
    for i, j in pairs:
        same[i, j] = True
    connected = same | same.T | np.eye(6, dtype=bool)
    for column in keys:
        connected |= np.array([[a == b and a not in ("", None) for b in column] for a in column])
    for _ in range(6):
        connected = (connected.astype(int) @ connected.astype(int)) > 0
    groups = join_groups(keys, same)
    np.testing.assert_array_equal(groups[:, None] == groups[None], connected)


def test_a_mirrored_and_a_brighter_picture_are_duplicates_and_another_is_not():
    draw = np.random.default_rng(0)
    picture, other = draw.integers(0, 100, (2, 8, 8, 3))
    images = np.stack([picture, picture[:, ::-1], picture * 2, other, np.zeros_like(other)]).astype(np.uint8)
    expected = np.zeros((5, 5), dtype=bool)
    expected[:3, :3] = expected[3, 3] = True
    np.testing.assert_array_equal(near_duplicates(images, 0.985), expected)


def test_a_group_with_two_labels_is_left_out():
    assert of_one_label(np.array([3, 3, 5, 7]), np.array([0, 1, 1, 1])).tolist() == [False, False, True, True]


@pytest.mark.parametrize("seed", range(4))
def test_folds_keep_groups_whole_and_are_about_equal(seed):
    draw = np.random.default_rng(seed)
    groups, labels = draw.integers(0, 40, 100), draw.integers(0, 3, 100)
    folds = grouped_folds(groups, labels, 5)
    assert all(len(set(folds[groups == group])) == 1 for group in np.unique(groups))
    assert np.ptp(np.bincount(folds, minlength=5)) <= 15
    np.testing.assert_array_equal(folds, grouped_folds(groups, labels, 5))
