"""`Subwords`: a text as pieces of words, with a vocabulary that is learned from texts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self

import torch

from mmgraph.features.raw import Part, check_each, encodable, extra, join, text_of
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet

UNKNOWN = "[UNK]"
PREFIX = "##"


@dataclass(frozen=True)
class Subwords:
    """One token per piece of a word, by byte-pair encoding or WordPiece; rare words become several pieces.

    With the pieces `un`, `##happ`, `##y`, `which`, ...::

        text       Which   unhappy          cat?
        token      which   un  ##happ  ##y  cat  ?
        position   0       1   2       3    4    5

    BPE (Sennrich et al. 2016) works on bytes and knows every text (a character of several bytes
    may be cut, and its tokens then share it); WordPiece (Schuster and Nakajima 2012, as in BERT)
    works on lower-case characters without accents, and a word with an unknown character becomes one unknown token.
    `x` has no channels. Nodes carry `token` (its number in the vocabulary; 0 is unknown), `position`, `text` (as it
    is written in the text) and `characters` int64 [2], where the token starts and ends in the text. A text without any
    token, such as "" or spaces, has no nodes.

    Args:
        kind: "bpe" or "wordpiece".
        size: `fit` learns a vocabulary of at most that many pieces.
        min_count: `fit` joins two pieces that occur side by side at least that often.
        state: what `fit` has learned, a tokenizer in the JSON format of `tokenizers`; also the content of any
            `tokenizer.json` whose model is of this kind.

    Raises:
        ValueError: on another kind, a size below 300 (the 256 bytes and a little more) or a count below 1, a state
            that is no such tokenizer; when called, without a state, and on inputs that are not str.
        ImportError: without tokenizers.

    Example:
        >>> pieces = Subwords("wordpiece", size=300).fit(["low lower lowest", "new newer newest"])
        >>> tokens = pieces(["The newest"])
        >>> tokens.attributes["text"].tolist(), tokens.attribute("characters").tolist()
        (['The', 'ne', 'west'], [[0, 3], [4, 6], [6, 10]])
        >>> tokens.attribute("token")[0].item()
        0
    """

    kind: Literal["bpe", "wordpiece"] = "bpe"
    _: KW_ONLY
    size: int = 8000
    min_count: int = 2
    state: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.kind not in ("bpe", "wordpiece"):
            raise ValueError(f"kind={self.kind!r} is not 'bpe' or 'wordpiece'")
        if self.size < 300 or self.min_count < 1:
            raise ValueError(f"size={self.size}, min_count={self.min_count}: give at least 300 pieces and count 1")
        if self.state:
            found = type(self._tokenizer.model).__name__.lower()
            if found != self.kind:
                raise ValueError(f"state is a tokenizer of kind {found!r}, not {self.kind!r}")

    @property
    def channels(self) -> int:
        """None: the features of a token are learned by the model."""
        return 0

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`token`, `position`, `text`, `characters`."""
        standard = {name: STANDARD_ATTRIBUTES[name] for name in ("position", "text")}
        token = Field("int64", num_classes=self._classes)
        return {"token": token, **standard, "characters": Field("int64", (2,))}

    def fit(self, raws: Iterable[Any]) -> Self:
        """The same with a vocabulary learned from these texts.

        Raises:
            ValueError: if there is no text with a token, or an input is not a str.
        """
        texts = [encodable(text_of(raw, "Subwords")) for raw in raws]
        if not any(text.strip() for text in texts):
            raise ValueError("Subwords found no text to learn from")
        learn = _bpe if self.kind == "bpe" else _wordpiece
        return replace(self, state=learn(texts, self.size, self.min_count))

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The tokens of each text, none where it is None."""
        if not self.state:
            raise ValueError("Subwords has no vocabulary: learn it with Subwords().fit(texts) or GraphBuilder.fit")
        parts = check_each(raws, self._tokens)
        return join(parts, len(raws), 0, self.attributes)

    def _tokens(self, raw: object) -> Part:
        text = encodable(text_of(raw, "Subwords"))
        found = self._tokenizer.encode(text if text.strip() else "", add_special_tokens=False)
        places = [_without_spaces(text, start, end) for start, end in found.offsets]
        unknown = self._unknown
        # Numbers from 1; the unknown token, wherever it stands in the vocabulary, gets 0.
        token = torch.tensor([0 if number == unknown else number + 1 for number in found.ids], dtype=torch.int64)
        return torch.zeros(len(found.ids), 0), {
            "token": token,
            "position": torch.arange(len(found.ids)),
            "text": [text[start:end] for start, end in places],
            "characters": torch.tensor(places, dtype=torch.int64).view(-1, 2),
        }

    @property
    def _classes(self) -> int:
        return self._tokenizer.get_vocab_size() + 1 if self.state else 1

    @cached_property
    def _unknown(self) -> int | None:
        name = self._tokenizer.model.unk_token
        return None if name is None else self._tokenizer.token_to_id(name)

    @cached_property
    def _tokenizer(self) -> Any:
        tokenizers = _tokenizers()
        try:
            tokenizer = tokenizers.Tokenizer.from_str(self.state)
        except Exception as error:  # the package raises Exception itself
            raise ValueError(f"state is not a tokenizer in the JSON format of tokenizers: {error}") from error
        tokenizer.no_truncation()  # a tokenizer.json may say to cut texts or to fill them up
        tokenizer.no_padding()
        return tokenizer

    def __getstate__(self) -> dict[str, Any]:
        """Fields only: the tokenizer itself is made again, in a worker too."""
        return {name: self.__dict__[name] for name in self.__dataclass_fields__ if name in self.__dict__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def _tokenizers() -> Any:
    try:
        import tokenizers
    except ImportError as error:
        raise ImportError(extra("tokenizers", "text")) from error
    return tokenizers


def _bpe(texts: list[str], size: int, min_count: int) -> str:
    """The JSON of a tokenizer that works on bytes."""
    _tokenizers()
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=min_count,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer.to_str()


def _wordpiece(texts: list[str], size: int, min_count: int) -> str:
    """The JSON of a tokenizer that works on lower-case characters.

    The trainer numbers the inner characters of words in an order of chance, and so joins other pieces each time. As
    special tokens, given in the order of the alphabet, they have fixed numbers; the tokenizer then gets the vocabulary
    only, where they are ordinary pieces.
    """
    _tokenizers()
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    alphabet = sorted({character for text in texts for character in tokenizer.normalizer.normalize_str(text)})
    inner = [PREFIX + character for character in alphabet if not character.isspace()]
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, min_frequency=min_count, show_progress=False, special_tokens=[UNKNOWN, *inner]
    )
    state = json.loads(tokenizer.to_str())
    tokenizer.train_from_iterator(texts, trainer)
    state["model"]["vocab"] = json.loads(tokenizer.to_str())["model"]["vocab"]
    return json.dumps(state, ensure_ascii=False)


def _without_spaces(text: str, start: int, end: int) -> tuple[int, int]:
    """Where a token starts and ends without the spaces around it; a token of spaces stays as it is."""
    piece = text[start:end]
    left, right = len(piece) - len(piece.lstrip()), len(piece) - len(piece.rstrip())
    return (start + left, end - right) if left < len(piece) else (start, end)
