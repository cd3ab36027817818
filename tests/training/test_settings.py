"""Training settings refuse what cannot be meant."""

import pytest

from mmgraph.training import FitSettings


def test_settings_are_values() -> None:
    assert FitSettings(seed=1) == FitSettings(seed=1) != FitSettings(seed=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs=0 must be at least 1"),
        ({"batch_size": 0}, "batch_size=0 must be at least 1"),
        ({"learning_rate": 0.0}, "learning_rate=0.0 must be finite and more than 0"),
        ({"learning_rate": float("nan")}, "learning_rate=nan"),
        ({"learning_rate": float("inf")}, "learning_rate=inf"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1"),
        ({"epochs": 2, "warmup_epochs": 2}, r"warmup_epochs=2 must be in 0..1, fewer than epochs"),
        ({"clip_norm": 0.0}, "clip_norm=0.0 must be more than 0; None does not clip"),
        ({"patience": 0}, "patience=0 must be at least 1; None never stops early"),
        ({"seed": -1}, "seed=-1"),
        ({"schedule": "linear"}, "schedule='linear' is not one of constant, cosine"),
        ({"precision": "16"}, "precision='16' is not one of 32-true, bf16-mixed, 16-mixed"),
    ],
)
def test_a_value_out_of_range_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FitSettings(**changes)  # type: ignore[arg-type]
