"""Changes of images; what holds for every change is asked in test_augment_samples.py."""

from typing import Any

import numpy as np
import pytest

from mmgraph.features import Colour, Crop, Flip, Rotate, Scale

RANDOM = np.random.default_rng


def spot(height: int = 20, width: int = 30) -> dict[str, Any]:
    """A dark image with a light rectangle, and its box."""
    image = np.zeros((height, width), dtype=np.float32)
    image[4:10, 5:17] = 1
    return {
        "image": image,
        "box": [[5 / width, 4 / height, 17 / width, 10 / height]],
        "label": ["spot"],
        "score": [0.5],
    }


def around(image: np.ndarray) -> list[float]:
    """Box around what is light."""
    y, x = np.nonzero(image > 0.5)
    height, width = image.shape
    return [x.min() / width, y.min() / height, (x.max() + 1) / width, (y.max() + 1) / height]


@pytest.mark.parametrize("change", [Flip("it", 1.0), Crop("it", 0.6), Rotate("it", 25), Scale("it", 0.5, 2)])
def test_boxes_stay_around_what_they_show(change: Any) -> None:
    seen = 0
    for seed in range(30):
        raw = change({"id": "a", "it": spot()}, RANDOM(seed))["it"]
        if not len(raw["box"]):
            continue
        seen += 1
        found, box = around(raw["image"]), raw["box"][0]
        slack = 1.5 / min(raw["image"].shape)
        assert all(found[i] >= box[i] - slack for i in (0, 1)) and all(found[i] <= box[i] + slack for i in (2, 3))
        if not isinstance(change, Rotate):
            assert found == pytest.approx(box, abs=slack)
        assert raw["label"] == ["spot"]
    assert seen > 15


@pytest.mark.parametrize("name", ["Flip", "Crop", "Rotate", "Scale"])
def test_boxes_may_be_in_pixels(name: str) -> None:
    make: Any = {"Flip": Flip, "Crop": Crop, "Rotate": Rotate, "Scale": Scale}[name]
    parts, raw = spot(), spot()
    raw["box"] = [[5, 4, 17, 10]]
    one = make("it")({"it": parts}, RANDOM(3))["it"]
    other = make("it", unit="pixels")({"it": raw}, RANDOM(3))["it"]
    height, width = one["image"].shape
    assert np.allclose(np.asarray(one["box"]) * [width, height, width, height], other["box"])


def test_a_box_that_is_cut_away_goes_with_its_label_and_score() -> None:
    box = [[0, 0, 0.01, 0.01], [0, 0, 1, 1]]
    for seed in range(20):
        raw = {"image": np.zeros((50, 50)), "box": box, "label": ["corner", "all"], "score": [0.1, 0.9]}
        cut = Crop("it", 0.5)({"it": raw}, RANDOM(seed))["it"]
        if len(cut["box"]) == 1:
            assert (cut["label"], cut["score"]) == (["all"], [0.9])
            assert cut["box"].tolist() == [[0, 0, 1, 1]]
            return
    raise AssertionError("no crop cut the corner away")


def test_where_things_move_the_truth_is_no_longer_given() -> None:
    sample = {"image": np.zeros((4, 4)), "truth": "upper left"}
    for moving in (Flip("image", 1.0), Crop("image"), Rotate("image")):
        assert "truth" not in moving(dict(sample), RANDOM(0))
    for still in (Scale("image"), Colour("image"), Flip("image", 0.0)):
        assert "truth" in still(dict(sample), RANDOM(0))


def test_a_flip_happens_with_its_chance_and_twice_is_as_before() -> None:
    image = np.arange(6, dtype=np.float32).reshape(2, 3) / 6
    flipped = [Flip("image")({"image": image}, RANDOM(seed))["image"][0, 0] > 0 for seed in range(200)]
    assert 70 < sum(flipped) < 130
    once = Flip("image", 1.0)({"image": image}, RANDOM(0))
    assert np.array_equal(Flip("image", 1.0)(once, RANDOM(0))["image"], image)


@pytest.mark.unchecked
def test_a_quarter_turn_is_a_quarter_turn() -> None:
    class Always:
        def uniform(self, low: float, high: float) -> float:
            return high

    image = np.arange(9, dtype=np.float32).reshape(3, 3) / 9
    turned = Rotate("image", 90)({"image": image}, Always())["image"]  # type: ignore[arg-type]
    assert np.allclose(turned, np.rot90(image)) or np.allclose(turned, np.rot90(image, -1))


def test_whole_numbers_colours_and_alpha_are_taken_as_front_ends_take_them() -> None:
    image = np.full((4, 4, 4), 255, dtype=np.uint8)
    changed = Crop("image")({"image": image}, RANDOM(0))["image"]
    assert changed.dtype == np.float32
    assert changed.shape[2] == 3
    assert changed.max() == 1


def test_colours_stay_in_0_to_1_and_grey_stays_grey() -> None:
    image = RANDOM(0).random((5, 5, 3)).astype(np.float32)
    for seed in range(20):
        strong = Colour("image", 1, 1, 1)({"image": image}, RANDOM(seed))["image"]
        assert strong.min() >= 0 and strong.max() <= 1
    assert Colour("image")({"image": image[:, :, 0]}, RANDOM(0))["image"].shape == (5, 5)
    none = Colour("image", 0, 0, 0)({"image": image}, RANDOM(0))["image"]
    assert np.allclose(none, image)


@pytest.mark.parametrize(
    ("make", "wrong", "message"),
    [
        (Flip, {"chance": 2.0}, r"chance=2\.0 is not in 0\.\.1"),
        (Crop, {"least": -1.0}, r"least=-1\.0 is not in 0\.\.1"),
        (Rotate, {"degrees": 200.0}, r"degrees=200\.0 is not in 0\.\.180"),
        (Scale, {"least": 0.0}, r"least=0\.0, most=1\.25: take 0 < least <= most <= 8"),
        (Scale, {"most": 9.0}, r"most=9\.0"),
        (Colour, {"contrast": 1.5}, r"contrast=1\.5 is not in 0\.\.1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: Any, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make("image", **wrong)


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(ValueError, match="an augmentation takes images"):
        Flip("image", 1.0)({"image": np.zeros(3)}, RANDOM(0))
