"""Pictures of Tux Paint's stamps: cut out, made square, on white."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import UInt8

from mmgraph.media import MAX_PIXELS

VISIBLE = 8
"""Alpha (of 255) from which on a pixel counts as part of the stamp."""
_SVG_WIDTH = 256


def stamp_picture(content: bytes, *, svg: bool, size: int) -> UInt8[np.ndarray, "size size 3"]:
    """A stamp as an image: cropped to what is visible, padded to a square, laid over white, scaled to `size` pixels.

    Args:
        content: of the file.
        svg: whether it is an SVG, which is rendered 256 pixels wide, else a PNG.
        size: height and width of the image.

    Raises:
        ValueError: if the file is damaged, nothing in it is visible, or an SVG is to be drawn and resvg-py is not
            installed.

    Example:
        >>> from PIL import Image
        >>> file, drawn = BytesIO(), Image.new("RGBA", (9, 5))
        >>> drawn.paste((0, 0, 255, 255), (3, 1, 5, 2))
        >>> drawn.save(file, "PNG")
        >>> stamp_picture(file.getvalue(), svg=False, size=2)[:, :, 0].tolist()
        [[0, 0], [255, 255]]
    """
    from PIL import Image

    try:
        with Image.open(BytesIO(_render(content) if svg else content), formats=("PNG",)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise OverflowError(f"{image.width}x{image.height} pixels, more than {MAX_PIXELS:,}")
            drawn = image.convert("RGBA")
    except ImportError as error:
        raise ValueError('drawing the SVG stamps needs resvg-py: pip install "mmgraph[stamps]"') from error
    except Exception as error:  # a decoder that meets arbitrary bytes raises almost anything
        raise ValueError(f"no picture that can be read ({error})") from error
    return np.array(_square(drawn).resize((size, size), Image.Resampling.BOX))


def _render(content: bytes) -> bytes:
    from resvg_py import svg_to_bytes

    # Without dpi, sizes in pt and mm are 0 and such pictures fail. Fonts differ from machine to machine: none is used.
    text = content.decode("utf-8", errors="replace")
    return bytes(svg_to_bytes(svg_string=text, width=_SVG_WIDTH, dpi=96.0, skip_system_fonts=True))


def _square(drawn: Any) -> Any:
    from PIL import Image

    visible = np.asarray(drawn)[:, :, 3] > VISIBLE
    if not visible.any():
        raise ValueError("nothing in the picture is visible")
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    drawn = drawn.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))
    side = max(drawn.size)
    paper = Image.new("RGBA", (side, side), "white")
    paper.alpha_composite(drawn, ((side - drawn.width) // 2, (side - drawn.height) // 2))
    return paper.convert("RGB")
