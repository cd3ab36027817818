"""`Boxes`; what every front end promises is asked in test_front_ends.py."""

from typing import Any

import numpy as np
import pytest

from mmgraph.features import Boxes
from mmgraph.features.boxes import check_names

IMAGE = np.arange(16, dtype=np.float32).reshape(4, 4) / 16


def test_crops_labels_and_scores_stand_in_the_given_order() -> None:
    raw = {"image": IMAGE, "box": [[0.5, 0.5, 1, 1], [0, 0, 1, 1]], "label": ["dog", "cat"], "score": [0.25, 1]}
    nodes = Boxes(2, colours=1, classes=("cat",))([raw])
    assert (nodes.x[0] * 16).tolist() == [10, 11, 14, 15]
    assert (nodes.x[1] * 16).tolist() == [2.5, 4.5, 10.5, 12.5]
    assert nodes.attribute("label").tolist() == [0, 1]
    assert nodes.attributes["text"].tolist() == ["dog", "cat"]
    assert nodes.attribute("score").tolist() == [0.25, 1]


def test_labels_and_scores_may_be_left_out() -> None:
    nodes = Boxes(1, colours=1)([{"image": IMAGE, "box": [[0, 0, 1, 1]]}])
    assert nodes.attribute("label").tolist() == [0]
    assert nodes.attribute("score").tolist() == [1]
    assert nodes.attributes["text"].tolist() == [""]


def test_an_image_without_boxes_has_no_nodes() -> None:
    assert Boxes()([{"image": IMAGE, "box": []}, {"image": IMAGE, "box": np.zeros((0, 4))}]).counts.tolist() == [0, 0]


def test_pixels_become_parts_of_the_image() -> None:
    image = np.zeros((4, 8), dtype=np.float32)
    nodes = Boxes(1, colours=1, unit="pixels")([{"image": image, "box": [[2, 1, 4, 3]]}])
    assert nodes.attribute("box").tolist() == [[0.25, 0.25, 0.5, 0.75]]


def test_a_box_that_reaches_a_little_beyond_the_image_is_cut() -> None:
    nodes = Boxes(1, colours=1)([{"image": IMAGE, "box": [[-0.04, 0, 0.5, 1.03]]}])
    assert nodes.attribute("box").tolist() == [[0, 0, 0.5, 1]]


@pytest.mark.parametrize("box", [[0, 0, 2, 2], [-0.2, 0, 1, 1], [0, 0, 100, 50]])
def test_a_box_beyond_the_image_is_refused_with_the_unit(box: list[float]) -> None:
    with pytest.raises(ValueError, match=r"box 1 is \[.*\], beyond an image of 4x4 pixels .* in unit='image'"):
        Boxes()([{"image": IMAGE, "box": [[0, 0, 1, 1], box]}])


@pytest.mark.parametrize("box", [[0.5, 0, 0.5, 1], [0.8, 0, 0.2, 1], [1.01, 0, 1.02, 1]])
def test_a_box_without_area_is_refused(box: list[float]) -> None:
    with pytest.raises(ValueError, match=r"box 0 is \[.*\], not x1 < x2, y1 < y2; is it x, y, width, height\?"):
        Boxes()([{"image": IMAGE, "box": [box]}])


def test_fit_learns_the_classes_most_frequent_first() -> None:
    raws = [{"image": IMAGE, "box": [[0, 0, 1, 1]] * 3, "label": ["dog", "cat", "dog"]}, {"image": IMAGE, "box": []}]
    assert Boxes().fit(raws).classes == ("dog", "cat")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (IMAGE, "takes a mapping with 'image' and 'box', got ndarray"),
        ({"image": IMAGE}, r"takes a mapping with 'image' and 'box', got keys \['image'\]"),
        ({"image": IMAGE, "box": [[0, 0, 1]]}, r"box has shape \[1, 3\], expected \[rows, 4\]"),
        ({"image": IMAGE, "box": [[0, 0, 1, 1], [0, 0, 1]]}, "rows of different lengths"),
        ({"image": IMAGE, "box": [[0, 0, 1, float("nan")]]}, "box has nan in row 0, column 3"),
        ({"image": IMAGE, "box": [["0", "0", "1", "1"]]}, "box is a table .* of numbers, got <U1"),
        ({"image": IMAGE, "box": [[0, 0, 1, 1]], "score": [1, 2]}, "2 values of score for 1 boxes"),
        ({"image": IMAGE, "box": [[0, 0, 1, 1]], "label": ["a", "b"]}, "2 values of label for 1 boxes"),
        ({"image": IMAGE, "box": [[0, 0, 1, 1]], "label": "a"}, "label is a list of strings, got 'a'"),
        ({"image": IMAGE, "box": [[0, 0, 1, 1]], "label": 7}, "label is a list of strings, got 7"),
        ({"image": IMAGE, "box": [], "label": np.array(3)}, "label is a list of strings, got 3"),
    ],
)
def test_an_input_of_another_form_is_refused(raw: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Boxes()([raw])


@pytest.mark.unchecked
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 0}, r"size=\(0, 0\) is .height, width. in cells"),
        ({"colours": 2}, "colours=2: give 1"),
        ({"unit": "cm"}, "unit='cm' is not 'image' .* or 'pixels'"),
        ({"classes": "cat"}, "classes='cat' is one text"),
        ({"classes": ("cat", "cat")}, "classes has entries that are repeated or empty"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Boxes(**wrong)


def test_names_are_different_and_not_empty() -> None:
    with pytest.raises(ValueError, match=r"names has entries that are repeated or empty: \[''\]"):
        check_names(["a", ""], "names")
