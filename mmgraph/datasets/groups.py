"""Groups of samples that belong together, and folds that keep a group whole."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt8


def join_groups(
    keys: Iterable[Sequence[Hashable]], same: Bool[np.ndarray, "samples samples"]
) -> Int64[np.ndarray, " samples"]:
    """A number per sample, the same for samples that a chain of equal keys or of marked pairs connects.

    Args:
        keys: lists with a key per sample; samples with an equal key are connected, unless it is None or "".
        same: pairs that are connected, above or below the diagonal.

    Example:
        >>> join_groups([["a", "b", "a", ""], [1, 2, 3, None]], np.eye(4, k=2, dtype=bool)).tolist()
        [0, 1, 0, 1]
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs = [tuple(pair) for pair in np.argwhere(same).tolist()]
    for column in keys:
        first: dict[Hashable, int] = {}
        pairs += [
            (first.setdefault(key, number), number)
            for number, key in enumerate(column)
            if key is not None and key != ""
        ]
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    graph = coo_matrix((np.ones(ends.shape[1]), (ends[0], ends[1])), shape=same.shape)
    return connected_components(graph, directed=False)[1].astype(np.int64)


def near_duplicates(
    images: UInt8[np.ndarray, "images height width 3"], correlation: float
) -> Bool[np.ndarray, "images images"]:
    """Pairs of images whose grey values correlate by more than `correlation`, as they are or one of them mirrored.

    Example:
        >>> stripes = np.zeros((2, 2, 4, 3), dtype=np.uint8)
        >>> stripes[0, :, 0] = stripes[1, :, 3] = 255
        >>> near_duplicates(stripes, 0.9).tolist()
        [[True, True], [True, True]]
    """
    grey = images.astype(np.float64).mean(axis=3)
    plain, mirrored = _standard(grey), _standard(grey[:, :, ::-1])
    close: Bool[np.ndarray, "images images"] = np.maximum(plain @ plain.T, plain @ mirrored.T) > correlation
    return close


def _standard(grey: Float[np.ndarray, "images height width"]) -> Float[np.ndarray, "images pixels"]:
    """Rows of mean 0 and length 1; of an even image zeros."""
    rows = grey.reshape(len(grey), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def of_one_label(
    groups: Int64[np.ndarray, " samples"], labels: Int64[np.ndarray, " samples"]
) -> Bool[np.ndarray, " samples"]:
    """Whether all samples of a sample's group have one label.

    Example:
        >>> of_one_label(np.array([0, 0, 1, 1]), np.array([5, 5, 5, 6])).tolist()
        [True, True, False, False]
    """
    mixed = [group for group in np.unique(groups) if len(np.unique(labels[groups == group])) > 1]
    return ~np.isin(groups, mixed)


def grouped_folds(
    groups: Int64[np.ndarray, " samples"], labels: Int64[np.ndarray, " samples"], folds: int
) -> Int64[np.ndarray, " samples"]:
    """The fold of each sample: groups stay whole, labels are about as frequent in every fold.

    scikit-learn's `StratifiedGroupKFold` with a fixed seed.

    Example:
        >>> fold = grouped_folds(np.arange(10) // 2, np.zeros(10, dtype=np.int64), 5)
        >>> sorted(fold.tolist()), bool((fold[::2] == fold[1::2]).all())
        ([0, 0, 1, 1, 2, 2, 3, 3, 4, 4], True)
    """
    from sklearn.model_selection import StratifiedGroupKFold

    fold = np.zeros(len(groups), dtype=np.int64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # a label with few samples is in few folds
        parts = StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(labels, labels, groups)
        for number, (_, members) in enumerate(parts):
            fold[members] = number
    return fold
