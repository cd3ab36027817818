"""Which of Tux Paint's stamps are used, what belongs together, and the fold of each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from mmgraph.datasets.groups import grouped_folds, join_groups, near_duplicates, of_one_label
from mmgraph.datasets.stamp_files import LANGUAGES, StampFiles, open_stamps
from mmgraph.datasets.stamp_pictures import stamp_picture

FOLDS = 5
TASKS = ("folder", "class", "all")
"""What is to be told: task A, task B, or nothing (for retrieval and consistency)."""
NUM_FOLDERS, CLASS_SIZE = 10, 15
_LEFT_OUT = "symbols/alphabets/"
_TEXTS_OF_GROUPS = ("en", "fr", "ru", "es", "ro", "bg")
_CORRELATION, _THUMBNAIL = 0.985, 16


@dataclass(frozen=True)
class Stamp:
    """A stamp: its path without ending, its texts by language (`"en"`, ...), its picture's file.

    Example:
        >>> stamp = Stamp("animals/birds/owl", {"en": "An owl."}, "animals/birds/owl.png")
        >>> stamp.folder, stamp.kind
        ('animals', 'animals/birds')
    """

    name: str
    texts: Mapping[str, str]
    picture: str

    @property
    def folder(self) -> str:
        """The folder at the top."""
        return self.name.split("/")[0]

    @property
    def kind(self) -> str:
        """The first two folders; of a stamp right in a top folder, that folder."""
        return "/".join(self.name.split("/")[:-1][:2])

    def sound(self, language: str) -> str:
        """The file of the description that is read aloud."""
        return f"{self.name}_desc_{language}.ogg"


@dataclass(frozen=True, eq=False)
class StampTable:
    """The stamps of a task.

    Attributes:
        files: where they are.
        stamps: in the order of their names.
        classes: names of the labels.
        labels: number of each stamp's class.
        groups: number of the group of stamps that it belongs to.
        folds: 0 to 4.

    Example:
        >>> StampTable.__name__
        'StampTable'
    """

    files: StampFiles
    stamps: tuple[Stamp, ...]
    classes: tuple[str, ...]
    labels: Int64[np.ndarray, " stamps"]
    groups: Int64[np.ndarray, " stamps"]
    folds: Int64[np.ndarray, " stamps"]


def stamp_table(root: str | Path | None, task: str) -> StampTable:
    """The stamps of a task with groups and folds, made once per process; it renders all pictures, which takes 5 s.

    Args:
        root: as for `open_stamps`.
        task: one of `TASKS`.

    Raises:
        ValueError: as `open_stamps` does, on another task, or where fewer than `FOLDS` groups are left.

    Example:
        >>> stamp_table(None, "colour")
        Traceback (most recent call last):
        ValueError: task='colour' is none of ('folder', 'class', 'all')
    """
    if task not in TASKS:
        raise ValueError(f"{task=} is none of {TASKS}")
    return _table(open_stamps(root), task)


@lru_cache(maxsize=2 * len(TASKS))
def _table(files: StampFiles, task: str) -> StampTable:
    stamps, groups = _grouped(files)
    name_of: Callable[[Stamp], str] = (lambda stamp: stamp.kind) if task == "class" else (lambda stamp: stamp.folder)
    counts = Counter(name_of(stamp) for stamp in stamps)
    most = sorted(counts, key=lambda name: (-counts[name], name))
    kept = {"folder": most[:NUM_FOLDERS], "class": [n for n in most if counts[n] >= CLASS_SIZE], "all": most}[task]
    classes = tuple(sorted(kept))
    chosen = np.array([name_of(stamp) in kept for stamp in stamps], dtype=bool)
    labels = np.array([classes.index(name_of(s)) if c else -1 for s, c in zip(stamps, chosen, strict=True)], dtype=int)
    if task != "all":
        chosen[chosen] = of_one_label(groups[chosen], labels[chosen])
    if len(np.unique(groups[chosen])) < FOLDS:
        raise ValueError(
            f"{files.path} has {len(np.unique(groups[chosen]))} groups for {task=}: {FOLDS} folds need more"
        )
    left = tuple(stamp for stamp, keep in zip(stamps, chosen, strict=True) if keep)
    folds = grouped_folds(groups[chosen], labels[chosen], FOLDS)
    return StampTable(files, left, classes, labels[chosen], groups[chosen], folds)


@lru_cache(maxsize=2)
def _grouped(files: StampFiles) -> tuple[tuple[Stamp, ...], Int64[np.ndarray, " stamps"]]:
    """Stamps with an English text and all `LANGUAGES` aloud, without letters; and their groups."""
    stamps = tuple(stamp for stamp in list_stamps(files) if not stamp.name.startswith(_LEFT_OUT))
    images = np.zeros((len(stamps), _THUMBNAIL, _THUMBNAIL, 3), dtype=np.uint8)
    for number, stamp in enumerate(stamps):
        images[number] = picture_of(files, stamp, _THUMBNAIL)
    keys: list[Sequence[str | None]] = [[s.texts.get(language) for s in stamps] for language in _TEXTS_OF_GROUPS]
    keys.append([re.sub(r"\d", "", s.name.rpartition("/")[2].replace("_mirror", "")) for s in stamps])
    return stamps, join_groups(keys, near_duplicates(images, _CORRELATION))


def list_stamps(files: StampFiles) -> tuple[Stamp, ...]:
    r"""Every stamp that has a picture, an English text, and a spoken description in each of `LANGUAGES`.

    Raises:
        ValueError: naming the file, if a text is not UTF-8.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     for ending in (".png", *(f"_desc_{language}.ogg" for language in LANGUAGES)):
        ...         Path(folder, f"star{ending}").touch()
        ...     _ = Path(folder, "star.txt").write_text("A star.\nfr.utf8=Une étoile.", "utf-8")
        ...     list_stamps(open_stamps(folder))[0].texts
        {'en': 'A star.', 'fr': 'Une étoile.'}
    """
    there = set(files.names)
    stamps = []
    for name in files.names:
        stem = name.removesuffix(".txt")
        picture = next((stem + ending for ending in (".png", ".svg") if stem + ending in there), None)
        spoken = all(f"{stem}_desc_{language}.ogg" in there for language in LANGUAGES)
        if name.endswith(".txt") and picture is not None and spoken:
            texts = _texts(files, name)
            if "en" in texts:
                stamps.append(Stamp(stem, texts, picture))
    return tuple(stamps)


def _texts(files: StampFiles, name: str) -> dict[str, str]:
    try:
        lines = files.read(name).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{files.path / name}, byte {error.start}: no UTF-8 text") from error
    texts = {"en": lines[0].strip()} if lines and lines[0].strip() else {}
    for line in lines[1:]:
        language, _, text = line.partition("=")
        if text.strip():
            texts.setdefault(language.strip().removesuffix(".utf8"), text.strip())
    return texts


def picture_of(files: StampFiles, stamp: Stamp, size: int) -> np.ndarray:
    """A stamp's picture, see `stamp_picture`. Raises ValueError naming the file.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from PIL import Image
        >>> with TemporaryDirectory() as folder:
        ...     Image.new("RGB", (3, 3), "red").save(f"{folder}/star.png")
        ...     picture_of(open_stamps(folder), Stamp("star", {}, "star.png"), 1).tolist()
        [[[255, 0, 0]]]
    """
    try:
        return stamp_picture(files.read(stamp.picture), svg=stamp.picture.endswith(".svg"), size=size)
    except ValueError as error:
        error.add_note(f"in {files.path / stamp.picture}")
        raise
