"""Raw images; most is asked through `Patches`."""

import numpy as np
import pytest
from PIL import Image

from mmgraph.features import picture as picture_module
from mmgraph.features.picture import check_colours, picture


def test_too_many_pixels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_module, "MAX_PIXELS", 15)
    assert picture(np.zeros((3, 5)), 1, "Patches").shape == (3, 5, 1)
    with pytest.raises(ValueError, match=r"Patches takes images of at most 15 pixels, got shape \(4, 4\)"):
        picture(np.zeros((4, 4)), 1, "Patches")


def test_rows_of_different_lengths_are_no_image() -> None:
    with pytest.raises(ValueError, match="got rows of different lengths"):
        picture([[0.0], [0.0, 1.0]], 1, "Patches")


def test_a_pillow_image_is_converted_by_its_mode() -> None:
    palette = Image.new("P", (1, 1), 7)
    palette.putpalette([0] * 21 + [255, 0, 0])
    assert picture(palette, 3, "Patches").tolist() == [[[1, 0, 0]]]
    assert picture(Image.new("1", (1, 1), 1), 1, "Patches").tolist() == [[[1]]]


def test_other_colours_are_refused() -> None:
    with pytest.raises(ValueError, match=r"colours=2: give 1 \(grey\) or 3"):
        check_colours(2)
