"""`Objects`: what a pretrained detector finds in an image."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from mmgraph.features.picture import picture
from mmgraph.features.raw import Part, check_each, extra, join
from mmgraph.features.weights import check_digest, weights_folder
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet

KINDS = ("detr", "yolos")
IMAGENET = {"image_mean": (0.485, 0.456, 0.406), "image_std": (0.229, 0.224, 0.225)}


@dataclass(frozen=True)
class Objects:
    """One node per object that a detector (DETR or YOLOS, Carion et al. 2020, Fang et al. 2021) finds in an image.

    The model is read by transformers from a local folder; nothing is downloaded, nothing learns. Images are scaled so
    that the shorter side has `shorter` pixels, or less where the longer one would get more than `longer`, and
    normalised as the folder's `preprocessor_config.json` says, or as for ImageNet. Nodes come with the most certain
    first and carry `box`, `label` (the model's class), `text` (its name) and `score`. `x` is the last state of the
    object's query. An image in which nothing is found has no nodes. (For boxes of another detector see `Boxes`.)

    Args:
        path: folder with `config.json` and `model.safetensors` of a DETR or YOLOS. A DETR whose backbone comes from
            timm needs timm, and that needs torchvision; take one with a backbone of transformers.
        threshold: least score of an object, 0..1.
        number: objects at most.
        shorter: pixels.
        longer: pixels.
        digest: of the files; where it is given, other files are an error, see `TextVectors`.

    Raises:
        ValueError: on numbers out of range, a folder that is not there or holds another kind of model, or files with
            another digest; when called, on an image as `Patches` does.
        ImportError: without transformers.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from transformers import YolosConfig, YolosForObjectDetection
        >>> sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
        >>> config = YolosConfig(**sizes, image_size=[32, 32], num_detection_tokens=5, id2label={0: "cat", 1: "dog"})
        >>> with TemporaryDirectory() as folder:
        ...     YolosForObjectDetection(config).save_pretrained(folder)  # not trained: what it finds is by chance
        ...     objects = Objects(folder, threshold=0.0, number=3, shorter=32)([np.zeros((20, 30, 3))])
        >>> objects.x.shape, objects.attribute("box").shape
        (torch.Size([3, 8]), torch.Size([3, 4]))
    """

    path: Path | str
    _: KW_ONLY
    threshold: float = 0.7
    number: int = 36
    shorter: int = 800
    longer: int = 1333
    digest: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.threshold < 1:
            raise ValueError(f"threshold={self.threshold} is a score in 0..1, below 1")
        if self.number < 1 or not 1 <= self.shorter <= self.longer:
            raise ValueError(
                f"number={self.number}, shorter={self.shorter}, longer={self.longer}: take number >= 1 and "
                "1 <= shorter <= longer"
            )
        object.__setattr__(self, "path", str(self.path))
        object.__setattr__(self, "digest", check_digest(weights_folder(self.path, "", "", ""), self.digest))
        if self._config.get("model_type") not in KINDS:
            raise ValueError(f"{self.path}: config.json has no model_type of {', '.join(KINDS)}")

    @property
    def colours(self) -> int:
        """3."""
        return 3

    @property
    def channels(self) -> int:
        """Channels of the model's states."""
        return int(self._config["d_model" if self._config["model_type"] == "detr" else "hidden_size"])

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the model's classes."""
        names = self._config.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}  # what transformers takes for none
        return tuple(names[key] for key in sorted(names, key=int))

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`box`, `text`, `label`, `score`."""
        standard = {name: STANDARD_ATTRIBUTES[name] for name in ("box", "text")}
        return {**standard, "label": Field("int64", num_classes=len(self.classes)), "score": Field("float32")}

    def fit(self, raws: Iterable[Any]) -> Self:
        """Itself: the model does not learn."""
        return self

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The objects in each image, none where it is None."""
        images = check_each(raws, lambda raw: picture(raw, 3, "Objects"))
        parts = [(index, self._objects(image)) for index, image in images]
        return join(parts, len(raws), self.channels, self.attributes)

    @property
    def _config(self) -> Mapping[str, Any]:
        return _json(Path(self.path) / "config.json")

    @torch.no_grad()
    def _objects(self, image: NDArray[np.float32]) -> Part:
        found = _model(str(self.path), self.digest)(self._scaled(image))
        chances = found.logits[0].softmax(1)[:, :-1]  # the last class is "nothing"
        score, label = chances.max(1)
        best = torch.argsort(score, descending=True, stable=True)[: self.number]
        best = best[score[best] > self.threshold]
        states = found.last_hidden_state[0, -len(chances) :]  # YOLOS has its queries behind the patches
        centre, size = found.pred_boxes[0, best].float().split(2, 1)
        return states[best].float(), {
            "box": torch.cat([centre - size / 2, centre + size / 2], 1).clamp(0, 1),
            "text": [self.classes[index] for index in label[best].tolist()],
            "label": label[best],
            "score": score[best].float(),
        }

    def _scaled(self, image: NDArray[np.float32]) -> Tensor:
        """The image as the model takes it, [1, 3, height, width]."""
        height, width, _ = image.shape
        scale = min(self.shorter / min(height, width), self.longer / max(height, width))
        # A side of a very long image would vanish; a model's patch is 16 to 32 pixels.
        size = [max(round(side * scale), 32) for side in (height, width)]
        pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)[None]
        scaled = interpolate(pixels, size, mode="bilinear", antialias=True)
        file = Path(self.path) / "preprocessor_config.json"
        settings = IMAGENET | (_json(file) if file.exists() else {})
        mean, std = (torch.tensor(settings[name])[:, None, None] for name in ("image_mean", "image_std"))
        return (scaled - mean) / std


def _json(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text()))
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: not a configuration that can be read ({error})") from error


@cache
def _model(folder: str, digest: str) -> Any:
    """One model per process and content of the files."""
    if find_spec("transformers") is None:
        raise ImportError(extra("transformers", "objects"))
    from transformers import DetrForObjectDetection, YolosForObjectDetection

    kinds: dict[str, Any] = {"detr": DetrForObjectDetection, "yolos": YolosForObjectDetection}
    kind = kinds[_json(Path(folder) / "config.json")["model_type"]]
    try:
        model, report = kind.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(f"{folder}: not a model that transformers can load ({error})") from error
    if report["missing_keys"]:  # transformers would leave them at random values, with a warning
        raise ValueError(f"{folder}: the weights lack {sorted(report['missing_keys'])[:4]}")
    return model.eval().float()
