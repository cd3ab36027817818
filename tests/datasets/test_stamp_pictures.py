"""Pictures of stamps: cut out, square, on white."""

import builtins
import io

import numpy as np
import pytest
from PIL import Image

from mmgraph.datasets import stamp_pictures
from mmgraph.datasets.stamp_pictures import stamp_picture

# sizes in points, as 16 of Tux Paint's pictures have them
SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" width="40pt" height="20pt" viewBox="0 0 40 20">
<rect x="10" y="5" width="20" height="10" fill="#0000ff"/></svg>"""


def png(alpha: np.ndarray, colour: tuple[int, int, int] = (255, 0, 0)) -> bytes:
    pixels = np.concatenate([np.full((*alpha.shape, 3), colour), alpha[:, :, None]], axis=2).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_what_is_visible_is_cut_out_and_put_into_the_middle_of_a_square():
    alpha = np.zeros((10, 12))
    alpha[2:4, 3:9] = 255  # 2 x 6 pixels
    alpha[9, 11] = 8  # as good as nothing
    picture = stamp_picture(png(alpha), svg=False, size=6)
    expected = np.full((6, 6, 3), 255)
    expected[2:4] = (255, 0, 0)
    np.testing.assert_array_equal(picture, expected)


def test_half_transparent_is_mixed_with_white():
    picture = stamp_picture(png(np.full((2, 2), 127), (0, 0, 0)), svg=False, size=1)
    assert picture[0, 0].tolist() == [128, 128, 128]


def test_an_svg_is_drawn_the_same_way():
    picture = stamp_picture(SVG, svg=True, size=8)
    assert picture[4, 4].tolist() == [0, 0, 255] and picture[0, 0].tolist() == [255, 255, 255]
    assert (picture[2:6, :, 0] < 30).all() and (picture[[0, 1, 6, 7]] > 230).all()


@pytest.mark.parametrize(
    ("content", "svg", "message"),
    [
        (png(np.zeros((3, 3))), False, "nothing in the picture is visible"),
        (png(np.full((9, 9), 255))[:50], False, "no picture that can be read"),
        (b"", False, "no picture that can be read"),
        (b"<svg", True, "no picture that can be read"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', True, "nothing in the picture is visible"),
    ],
)
def test_a_picture_that_cannot_be_used_is_refused(content, svg, message):
    with pytest.raises(ValueError, match=message):
        stamp_picture(content, svg=svg, size=4)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(stamp_pictures, "MAX_PIXELS", 8)
    with pytest.raises(ValueError, match="3x3 pixels, more than 8"):
        stamp_picture(png(np.full((3, 3), 255)), svg=False, size=4)


def test_without_the_renderer_it_says_how_to_get_it(monkeypatch):
    real = builtins.__import__
    monkeypatch.setattr(
        builtins, "__import__", lambda name, *rest: real("not there" if name == "resvg_py" else name, *rest)
    )
    with pytest.raises(ValueError, match=r'needs resvg-py: pip install "mmgraph\[stamps\]"'):
        stamp_picture(SVG, svg=True, size=4)
