"""`Objects` on small detectors with random weights; what every front end promises is asked in test_front_ends.py."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig, YolosConfig, YolosForObjectDetection

from mmgraph.features import Objects

NAMES = {0: "cat", 1: "dog", 2: "kite"}


def detr() -> Any:
    stages: dict[str, Any] = {"hidden_sizes": [4, 8], "depths": [1, 1], "out_features": ["stage2"]}
    sizes: dict[str, Any] = {f"{part}coder_ffn_dim": 8 for part in ("en", "de")}
    sizes |= {f"{part}coder_layers": 1 for part in ("en", "de")}
    sizes |= {f"{part}coder_attention_heads": 2 for part in ("en", "de")}
    backbone = ResNetConfig(embedding_size=4, **stages)
    config = DetrConfig(backbone_config=backbone, num_queries=6, d_model=8, **sizes)
    config.id2label = NAMES
    return DetrForObjectDetection(config).eval()


def yolos() -> Any:
    config = YolosConfig(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        image_size=[32, 32],
        num_detection_tokens=6,
    )
    config.id2label = NAMES
    return YolosForObjectDetection(config).eval()


@pytest.fixture(params=[detr, yolos])
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, Path]:
    torch.manual_seed(0)
    model = request.param()
    model.save_pretrained(tmp_path / "model")
    return model, tmp_path / "model"


def test_objects_are_what_the_model_says_most_certain_first(saved: tuple[Any, Path]) -> None:
    model, folder = saved
    image = np.random.default_rng(0).random((32, 48, 3)).astype(np.float32)
    front_end = Objects(folder, threshold=0.0, shorter=32, longer=64)
    nodes = front_end([image])
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        found = model(pixel_values=((torch.from_numpy(image).permute(2, 0, 1) - mean) / std)[None])
    score, label = found.logits[0].softmax(1)[:, :-1].max(1)
    order = score.argsort(descending=True, stable=True)
    assert torch.allclose(nodes.attribute("score"), score[order], atol=1e-5)
    assert nodes.attribute("label").tolist() == label[order].tolist()
    assert nodes.attributes["text"].tolist() == [NAMES[index] for index in label[order].tolist()]
    x, y, width, height = found.pred_boxes[0, order].T
    expected = torch.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], 1).clamp(0, 1)
    assert torch.allclose(nodes.attribute("box"), expected, atol=1e-5)
    assert torch.allclose(nodes.x, found.last_hidden_state[0, -6:][order], atol=1e-5)
    assert (front_end.channels, front_end.colours) == (8, 3)


def test_threshold_and_number_limit_what_is_found(saved: tuple[Any, Path]) -> None:
    folder = saved[1]
    image = np.random.default_rng(0).random((20, 20)).astype(np.float32)
    every = Objects(folder, threshold=0.0, shorter=32)([image]).attribute("score")
    assert (
        Objects(folder, threshold=0.0, shorter=32, number=2)([image]).attribute("score").tolist() == every[:2].tolist()
    )
    middle = float(every[2])
    assert Objects(folder, threshold=middle, shorter=32)([image]).num_nodes == int((every > middle).sum())
    assert Objects(folder, threshold=0.999, shorter=32)([image, None]).counts.tolist() == [0, 0]


def test_any_shape_of_image_is_scaled_to_fit(saved: tuple[Any, Path]) -> None:
    front_end = Objects(saved[1], threshold=0.0, shorter=40, longer=100)
    for shape, size in (((10, 20), (40, 80)), ((10, 60), (32, 100)), ((1, 1), (40, 40)), ((300, 3), (100, 32))):
        image = np.zeros((*shape, 3), dtype=np.float32)
        assert front_end._scaled(image).shape == (1, 3, *size)
        assert front_end([image]).num_nodes == 6


def test_an_image_is_normalised_as_the_folder_says(saved: tuple[Any, Path]) -> None:
    settings = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    (saved[1] / "preprocessor_config.json").write_text(json.dumps(settings))
    front_end = Objects(saved[1], shorter=32)
    assert front_end._scaled(np.ones((32, 32, 3), dtype=np.float32)).unique().tolist() == [2]


def test_weights_that_are_missing_or_damaged_are_refused(saved: tuple[Any, Path]) -> None:
    folder, image = saved[1], np.zeros((4, 4), dtype=np.float32)
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.startswith("class_labels_classifier"))
    del weights[name]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=rf"the weights lack \['{name}'\]"):
        Objects(folder, shorter=32)([image])
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="not a model that transformers can load"):
        Objects(folder, shorter=32)([image])


def test_other_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such folder; weights are loaded from local files only"):
        Objects("facebook/detr-resnet-50")
    with pytest.raises(ValueError, match=r"config\.json: not a configuration that can be read"):
        Objects(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ValueError, match=r"config\.json has no model_type of detr, yolos"):
        Objects(tmp_path)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"threshold": 1.0}, r"threshold=1\.0 is a score in 0\.\.1, below 1"),
        ({"number": 0}, "number=0, shorter=800, longer=1333: take number >= 1"),
        ({"shorter": 2000}, "1 <= shorter <= longer"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Objects(".", **wrong)


def test_without_transformers_the_way_to_install_it_is_said(
    saved: tuple[Any, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        return None

    monkeypatch.setattr("mmgraph.features.objects.find_spec", missing)
    with pytest.raises(ImportError, match=r'transformers is not installed: pip install "mmgraph\[objects\]"'):
        Objects(saved[1], shorter=33)([np.zeros((4, 4))])
