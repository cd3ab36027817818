"""BERT from its files: equal to transformers, on small random weights and on the real ones."""

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel

from mmgraph.features.bert import Bert

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "left", "right", "##er"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=12,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=16,
        max_position_embeddings=10,
    )
    BertModel(config).save_pretrained(tmp_path)
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_vectors_are_those_of_transformers_whatever_else_is_in_the_batch(folder: Path) -> None:
    model, other = Bert(folder), BertModel.from_pretrained(folder, local_files_only=True).eval()
    sequences = [[4], [5, 6, 4, 4, 5], [], [4, 5]]
    for sequence, found in zip(sequences, model.vectors(sequences), strict=True):
        with torch.no_grad():
            expected = other(input_ids=torch.tensor([[2, *sequence, 3]])).last_hidden_state[0]
        assert torch.allclose(found, expected, atol=1e-5)
    assert (model.channels, model.longest) == (12, 8)


def test_pieces_are_tokens_and_their_places(folder: Path) -> None:
    assert Bert(folder).pieces("left lefter up") == ([4, 4, 6, 1], [(0, 4), (5, 9), (9, 11), (12, 14)])


def test_other_models_and_damaged_files_are_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    for change in ({"model_type": "gpt2"}, {"hidden_act": "relu"}, {"position_embedding_type": "relative_key"}):
        (folder / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(ValueError, match="a BERT with GELU and absolute positions is needed"):
            Bert(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"config\.json: not a configuration that can be read"):
        Bert(folder)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(b"half")
    with pytest.raises(ValueError, match=r"model\.safetensors: not weights that can be read"):
        Bert(folder).vectors([[4]])
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match=r"tokenizer\.json: not a tokenizer that can be read"):
        Bert(folder).pieces("left")
