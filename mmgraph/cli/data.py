"""`mmgraph data`: the data sets, what of them is on this machine, and how to get the rest."""

import importlib.util
import inspect
from collections.abc import Callable, Iterator, Mapping

from mmgraph.datasets import (
    CSD,
    MMSA,
    Dialogues,
    Folder,
    MultiBench,
    SpokenDigits,
    SpokenGrid,
    StampConsistency,
    Stamps,
    find_recordings,
    find_stamps,
)

CARD = "**Data set card**"


def describe() -> str:
    """Every data set, what it is, and where it is found, a paragraph each. Nothing is downloaded.

    Example:
        >>> "92 voices" in card("SpokenDigits") and "Folder: Samples of a folder" in describe()
        True
    """
    lines = []
    for data_set, found in DATA_SETS.items():
        first = (inspect.getdoc(data_set) or "").splitlines()[0]
        lines += [f"{data_set.__name__}: {first}", *(f"  {line}" for line in found()), ""]
    return "\n".join([*lines, "`mmgraph data NAME` shows a card: source, licence, size, splits, known confounds."])


def card(name: str) -> str:
    """The card of a data set.

    Raises:
        ValueError: on an unknown name.

    Example:
        >>> card("Folder").splitlines()[2]
        '- *Source, licence*: yours.'
    """
    names = {data_set.__name__.lower(): data_set for data_set in DATA_SETS}
    if name.lower() not in names:
        raise ValueError(f"{name!r} is no data set: {', '.join(data_set.__name__ for data_set in DATA_SETS)}")
    data_set = names[name.lower()]
    text = inspect.getdoc(data_set) or ""
    body = text.partition(CARD)[2] if CARD in text else text
    return f"{data_set.__name__}\n\n{body.partition('Args:')[0].strip()}"


def _grid() -> Iterator[str]:
    yield "composed of pictures of scikit-learn and of the speech of SpokenDigits"


def _digits() -> Iterator[str]:
    yield "synthetic: 920 clips, shipped with the package"
    folder = find_recordings()
    if folder is not None:
        yield f"people: {sum(1 for _ in folder.glob('*.wav')):,} files in {folder}"
    else:
        yield "people: not found; set MMGRAPH_DATA to a folder of {digit}_{speaker}_{take}.wav, as of the Free Spoken"
        yield "Digit Dataset"


def _stamps() -> Iterator[str]:
    path = find_stamps()
    if path is not None:
        yield f"found: {path}"
    else:
        yield "not found: apt-get install tuxpaint-stamps-default, or set MMGRAPH_STAMPS to its folder or .deb file"
    if importlib.util.find_spec("resvg_py") is None:
        yield 'the SVG pictures need: pip install "mmgraph[stamps]"'


def _consistency() -> Iterator[str]:
    yield "made of Stamps"


def _yours() -> Iterator[str]:
    yield "yours: give its path"


def _csd() -> Iterator[str]:
    yield from _yours()
    if importlib.util.find_spec("h5py") is None:
        yield 'needs: pip install "mmgraph[csd]"'


DATA_SETS: Mapping[type, Callable[[], Iterator[str]]] = {
    SpokenGrid: _grid,
    SpokenDigits: _digits,
    Stamps: _stamps,
    StampConsistency: _consistency,
    Folder: _yours,
    MMSA: _yours,
    MultiBench: _yours,
    Dialogues: _yours,
    CSD: _csd,
}
"""The data sets, and what says where each is found."""
