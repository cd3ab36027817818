"""`FitSettings`: everything that decides how a run trains, besides model and data."""

import math
from dataclasses import dataclass

SCHEDULES = ("constant", "cosine")
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """How to train: AdamW, a learning-rate schedule, clipping, early stopping, precision, device, seed.

    Args:
        epochs: passes over the training data, at most.
        batch_size: graphs per step.
        learning_rate: the highest learning rate.
        weight_decay: AdamW's decoupled weight decay.
        schedule: "cosine" falls from `learning_rate` to 0 over all steps, "constant" stays.
        warmup_epochs: epochs over which the learning rate first rises from 0, linearly, step by step.
        clip_norm: largest norm of all gradients together; None does not clip.
        patience: stop after this many epochs without a better validation; None never stops early.
        precision: "32-true" as the model is, or automatic mixed precision: "bf16-mixed", "16-mixed" (CUDA only).
        device: "auto" (CUDA where there is one), "cpu", "cuda", "cuda:1", ...
        seed: decides the order of the graphs and dropout. The model's first weights are the caller's.

    Raises:
        ValueError: naming the first value that is out of range.

    Example:
        >>> FitSettings(epochs=20, learning_rate=3e-4, seed=1).schedule
        'cosine'
    """

    epochs: int = 100
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    schedule: str = "cosine"
    warmup_epochs: int = 0
    clip_norm: float | None = 1.0
    patience: int | None = 20
    precision: str = "32-true"
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        if not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            raise ValueError(f"learning_rate={self.learning_rate} must be finite and more than 0")
        if not (self.weight_decay >= 0 and math.isfinite(self.weight_decay)):
            raise ValueError(f"weight_decay={self.weight_decay} must be finite and not negative")
        if not 0 <= self.warmup_epochs < self.epochs:
            raise ValueError(f"warmup_epochs={self.warmup_epochs} must be in 0..{self.epochs - 1}, fewer than epochs")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ValueError(f"clip_norm={self.clip_norm} must be more than 0; None does not clip")
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience={self.patience} must be at least 1; None never stops early")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed={self.seed} must be in 0..2**63 - 1")
        for name, known in (("schedule", SCHEDULES), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)!r} is not one of {', '.join(known)}")
