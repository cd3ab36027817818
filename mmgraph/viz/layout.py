"""Where the panels of a sample's figure stand: images on the left, words above the time axes on the right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmgraph.viz.sound import STRIP
from mmgraph.viz.tokens import TokenBox

MARGIN = 0.35
TITLE = 0.5
HEADING = 0.26
GUTTER = 0.75  # between the columns, for links that go up or down
GAP = 1.15  # between words and time axes, for links
SOUND = 1.3
FRAMES = (STRIP[1] - 1) * SOUND  # room above a spectrogram for its frames
TIME_LABELS = 0.5  # and below it
SCALE = 0.4  # and to the right of it
ABSENT = 0.55


@dataclass(frozen=True)
class Rect:
    """A rectangle in inches from the lower left corner of the figure.

    Example:
        >>> Rect(1.0, 2.0, 3.0, 4.0).top
        6.0
    """

    left: float
    bottom: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Right edge."""
        return self.left + self.width

    @property
    def top(self) -> float:
        """Upper edge."""
        return self.bottom + self.height


@dataclass(frozen=True)
class Panel:
    """One modality of the sample, before it has a place.

    Attributes:
        modality: its name.
        role: "regions", "words" or "time".
        count: nodes.
        aspect: height over width of the image, for regions.
        words: the boxes of the tokens, for words.
        drawn: False where the sample has neither nodes nor raw input: the panel only says so.

    Example:
        >>> Panel("image", "regions", 16, aspect=0.75).drawn
        True
    """

    modality: str
    role: str
    count: int
    aspect: float = 1.0
    words: tuple[TokenBox, ...] = ()
    drawn: bool = True


@dataclass(frozen=True)
class Layout:
    """Places of everything, in inches.

    Attributes:
        width: of the figure.
        height: of the figure.
        places: a rectangle per modality.
        gap: lower and upper end of the room that links have between words and time axes.
        gutter: left and right end of the room between the columns.
        below: room for the key, below all panels.

    Example:
        >>> plan([Panel("image", "regions", 4)], 11.0).places["image"].width
        3.8
    """

    width: float
    height: float
    places: Mapping[str, Rect]
    gap: tuple[float, float]
    gutter: tuple[float, float]
    below: float = 0.0

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A point given in inches, as fractions of the figure."""
        return x / self.width, y / self.height

    def fraction(self, rect: Rect) -> tuple[float, float, float, float]:
        """A rectangle given in inches, as fractions of the figure, as `Figure.add_axes` takes it."""
        return (*self.point(rect.left, rect.bottom), *self.point(rect.width, rect.height))


def right_column(panels: Sequence[str], width: float) -> tuple[float, float]:
    """Left edge and width of the right column, given the roles of all panels.

    Example:
        >>> right_column(["words"], 10.0)[0]
        0.35
    """
    left = MARGIN if "regions" not in panels else MARGIN + _image_width(width) + GUTTER
    return left, width - MARGIN - left


def plan(panels: Sequence[Panel], width: float, below: float = 0.0, gap: float = GAP) -> Layout:
    """A figure of the given width, as high as its panels need, with so much room below and in the gap between them.

    Example:
        >>> layout = plan([Panel("image", "regions", 4), Panel("audio", "time", 3)], 10.0)
        >>> layout.places["audio"].left > layout.places["image"].right
        True
    """
    heights = {panel.modality: _height(panel, width) for panel in panels}
    regions, words, time = ([p for p in panels if p.role == role] for role in ("regions", "words", "time"))
    left_height = sum(heights[p.modality] + HEADING for p in regions)
    words_height = sum(heights[p.modality] + HEADING for p in words)
    time_height = sum(heights[p.modality] + FRAMES + TIME_LABELS for p in time)
    room = gap if words or regions or len(time) > 1 else 0.0
    body = max(left_height, words_height + room * bool(words or time) + time_height)
    top = below + body
    places: dict[str, Rect] = {}
    _stack(regions, heights, top - (body - left_height) / 2, MARGIN, _image_width(width), places)
    left, column = right_column([p.role for p in panels], width)
    under_words = _stack(words, heights, top, left, column, places)
    above_time = bottom = below + time_height
    for panel in time:
        height = heights[panel.modality]
        bottom -= FRAMES + height
        places[panel.modality] = Rect(left, bottom, column - SCALE * panel.drawn, height)
        bottom -= TIME_LABELS
    images = [places[panel.modality].right for panel in regions]
    return Layout(width, top + TITLE, places, (above_time, under_words), (max(images, default=left), left), below)


def _stack(
    panels: Sequence[Panel],
    heights: Mapping[str, float],
    top: float,
    left: float,
    width: float,
    places: dict[str, Rect],
) -> float:
    """Places panels below each other, each under its heading; returns where the last one ends."""
    for panel in panels:
        own = width
        if panel.role == "regions" and panel.drawn:
            own = min(width, heights[panel.modality] / panel.aspect)  # a tall image is narrower than its column
        top -= HEADING + heights[panel.modality]
        places[panel.modality] = Rect(left + width - own, top, own, heights[panel.modality])
    return top


def _height(panel: Panel, width: float) -> float:
    if not panel.drawn:
        return ABSENT
    if panel.role == "regions":
        return min(max(_image_width(width) * panel.aspect, 0.4), 1.15 * _image_width(width))
    if panel.role == "words":
        return max((box.bottom for box in panel.words), default=ABSENT)
    return SOUND


def _image_width(width: float) -> float:
    return min(3.8, 0.4 * width)
