"""BERT from its files: a folder with `config.json`, `model.safetensors` and `tokenizer.json`."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, scaled_dot_product_attention

from mmgraph.features.raw import extra

BATCH = 32


@dataclass(frozen=True, eq=False)
class Bert:
    """The encoder of BERT (Devlin et al. 2019) with given weights, for inference; no dropout, no gradients.

    Raises:
        ValueError: naming the file, if one is missing or damaged, or the model is not a BERT with absolute positions
            and GELU.
        ImportError: without tokenizers.

    Args:
        folder: with the files, as Hugging Face's libraries save them.
    """

    folder: Path
    config: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        config = _json(self.folder / "config.json")
        wanted = {"model_type": "bert", "hidden_act": "gelu"}
        found = {name: config.get(name) for name in wanted}
        if found != wanted or config.get("position_embedding_type", "absolute") != "absolute":
            raise ValueError(
                f"{self.folder}: a BERT with GELU and absolute positions is needed, config.json has {found}"
            )
        object.__setattr__(self, "config", config)

    @property
    def channels(self) -> int:
        """Channels of the vectors."""
        return int(self.config["hidden_size"])

    @property
    def longest(self) -> int:
        """Tokens of a sequence at most, without the two special ones."""
        return int(self.config["max_position_embeddings"]) - 2

    def pieces(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Numbers of the tokens of a text, and where they start and end; without special tokens."""
        found = self._tokenizer.encode(text, add_special_tokens=False)
        return found.ids, found.offsets

    @torch.no_grad()
    def vectors(self, sequences: Sequence[Sequence[int]]) -> list[Float[Tensor, "_ channels"]]:
        """Of each sequence the vectors of its tokens, the special ones around it included: n + 2 rows."""
        found: list[Tensor] = [torch.zeros(0)] * len(sequences)
        start, end = (self._tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]"))
        order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))  # alike lengths waste no padding
        for first in range(0, len(order), BATCH):
            some = order[first : first + BATCH]
            lengths = torch.tensor([len(sequences[i]) + 2 for i in some])
            ids = torch.zeros(len(some), int(lengths.max()), dtype=torch.int64)
            for row, i in enumerate(some):
                ids[row, : lengths[row]] = torch.tensor([start, *sequences[i], end])
            states = self._encode(ids, torch.arange(ids.shape[1]) < lengths[:, None])
            for row, i in enumerate(some):
                found[i] = states[row, : lengths[row]].clone()
        return found

    def _encode(self, ids: Tensor, known: Tensor) -> Tensor:
        """Last hidden states [sequences, tokens, channels]; `known` is False at padding."""
        heads, w = int(self.config["num_attention_heads"]), self._weights
        x = w["embeddings.word_embeddings.weight"][ids]
        x = x + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        mask = torch.zeros(known.shape).masked_fill(~known, -math.inf)[:, None, None, :]
        for layer in range(int(self.config["num_hidden_layers"])):
            own = f"encoder.layer.{layer}"
            query, key, value = (
                self._linear(x, f"{own}.attention.self.{part}").unflatten(2, (heads, -1)).transpose(1, 2)
                for part in ("query", "key", "value")
            )
            seen = scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)
            seen = self._linear(seen, f"{own}.attention.output.dense")
            x = self._norm(x + seen, f"{own}.attention.output.LayerNorm")
            inner = gelu(self._linear(x, f"{own}.intermediate.dense"))
            x = self._norm(x + self._linear(inner, f"{own}.output.dense"), f"{own}.output.LayerNorm")
        return x

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return layer_norm(x, weight.shape, weight, bias, float(self.config.get("layer_norm_eps", 1e-12)))

    @cached_property
    def _weights(self) -> dict[str, Tensor]:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        file = self.folder / "model.safetensors"
        try:
            found = load_file(file)
        except (SafetensorError, OSError) as error:
            raise ValueError(f"{file}: not weights that can be read ({error})") from error
        return {name.removeprefix("bert."): value.float() for name, value in found.items() if value.is_floating_point()}

    @cached_property
    def _tokenizer(self) -> Any:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ImportError(extra("tokenizers", "text")) from error
        file = self.folder / "tokenizer.json"
        try:
            tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # the package raises Exception itself
            raise ValueError(f"{file}: not a tokenizer that can be read ({error})") from error
        tokenizer.no_truncation()  # long texts are cut by the caller, who knows where
        tokenizer.no_padding()
        return tokenizer


def _json(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text()))
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: not a configuration that can be read ({error})") from error
