"""`Engine`: model, optimizer and Fabric; trains one epoch at a time."""

import hashlib
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import GraphBatch
from mmgraph.tasks import Task
from mmgraph.training.augment import Augmentation
from mmgraph.training.loader import Loader
from mmgraph.training.schedule import learning_rate
from mmgraph.training.settings import FitSettings


class Engine:
    """Everything that changes while a model trains, and one method that changes it.

    Args:
        model: moves to the device.
        settings: how to train.
        device: a device of this machine, from `resolve_device`.
        augment: changes every mini-batch that the model learns from.
        weights: how often an epoch shows each training graph; None: each once.

    Raises:
        ValueError: if no parameter of the model can be trained, or float16 is asked for on a CPU.
    """

    def __init__(
        self,
        model: nn.Module,
        settings: FitSettings,
        device: torch.device,
        *,
        augment: Augmentation | None = None,
        weights: Float[Tensor, " graphs"] | None = None,
    ) -> None:
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        if not parameters:
            raise ValueError(f"{type(model).__name__} has no parameter that requires a gradient: nothing to fit")
        self.settings, self.device, self.fabric = settings, device, _fabric(settings, device)
        self._augment, self._weights = augment, weights
        self.model = self.fabric.to_device(model)
        # Fused is 4 to 9 times faster on a CPU. With float16 it would unscale gradients itself, after the clipping.
        fused = settings.precision != "16-mixed"
        decay = settings.weight_decay
        self._plain = torch.optim.AdamW(
            parameters, settings.learning_rate, weight_decay=decay, fused=fused, foreach=not fused
        )
        self._optimizer = self.fabric.setup_optimizers(self._plain)
        self._shuffle = torch.Generator().manual_seed(settings.seed)

    def train_epoch(self, task: Task, train: GraphBatch, epoch: int, tick: Callable[[], object]) -> dict[str, float]:
        """One pass over the training data.

        Args:
            task: gives the loss.
            train: training data.
            epoch: which epoch of the run this is, from 1; decides learning rate, dropout and augmentation.
            tick: called after every step.

        Returns:
            The mean loss over all graphs with a known target, and the learning rate of the last step.

        Raises:
            ValueError: naming epoch and step, if the loss or a gradient is not finite; if no target is known.
        """
        size = self.settings.batch_size
        loader = Loader(train, size, generator=self._shuffle, weights=self._weights, device=self.device)
        # Of its own: with and without augmentation the graphs come in the same order.
        generator = torch.Generator().manual_seed(_mix("augment", self.settings.seed, epoch))
        total, known, rate = 0.0, 0, 0.0
        self.model.train()
        self._plain.zero_grad()  # an interrupted step may have left some
        with _seeded(self.settings.seed, epoch, self.device):
            for step, plain in enumerate(loader):
                batch = plain if self._augment is None else _augmented(plain, self._augment, generator)
                rate = learning_rate(self.settings, (epoch - 1) * len(loader) + step, len(loader))
                count = int(task.known(batch).sum())
                try:
                    # Without a known target there is nothing to learn: no momentum and no weight decay either.
                    total += self._step(task, batch, rate) * count if count else 0.0
                except _NotFiniteError as error:
                    raise ValueError(f"epoch {epoch}, step {step + 1} of {len(loader)}: {error}") from None
                known += count
                tick()
        if not known:
            raise ValueError(f"epoch {epoch}: no target was known; look at the weights and the augmentation")
        return {"train_loss": total / known, "learning_rate": rate}

    def state(self) -> dict[str, Any]:
        """What, besides the weights, the next epoch depends on."""
        return {
            "optimizer": self._plain.state_dict(),
            "shuffle": self._shuffle.get_state(),
            "precision": self.fabric.strategy.precision.state_dict(),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Goes back to what `state` returned."""
        self._plain.load_state_dict(state["optimizer"])
        self._shuffle.set_state(state["shuffle"])
        self.fabric.strategy.precision.load_state_dict(state["precision"])

    def _step(self, task: Task, batch: GraphBatch, rate: float) -> float:
        for group in self._plain.param_groups:
            group["lr"] = rate
        with self.fabric.autocast():
            outputs = self.model(batch)
        if outputs.dtype in (torch.float16, torch.bfloat16):
            outputs = outputs.float()
        loss = task.loss(outputs, batch)
        value = loss.item()
        _require_finite(value, "the loss", self.settings)
        self.fabric.backward(loss)
        norm = self._clip()
        # The loss scale of float16 grows until gradients overflow; then the step is skipped and the scale halved.
        if norm is not None and self.settings.precision != "16-mixed":
            _require_finite(norm.item(), "the norm of the gradients", self.settings)
        self._optimizer.step()
        self._plain.zero_grad()
        return value

    def _clip(self) -> Tensor | None:
        if self.settings.clip_norm is None:
            return None
        return self.fabric.clip_gradients(
            self.model, self._optimizer, max_norm=self.settings.clip_norm, error_if_nonfinite=False
        )


class _NotFiniteError(Exception):
    """A loss or gradient is NaN or infinite."""


def _require_finite(value: float, what: str, settings: FitSettings) -> None:
    if not math.isfinite(value):
        raise _NotFiniteError(
            f"{what} is {value}; try a lower learning_rate than {settings.learning_rate}, a smaller clip_norm than "
            f"{settings.clip_norm}, or precision='32-true' (here {settings.precision!r})"
        )


@contextmanager
def _seeded(seed: int, epoch: int, device: torch.device) -> Iterator[None]:
    """Seeds torch's global generators from (seed, epoch), for dropout, and gives them their earlier state back."""
    cuda = [device.index] if device.type == "cuda" else []
    mixed = _mix(seed, epoch)
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(mixed)
        for index in cuda:
            with torch.cuda.device(index):
                torch.cuda.manual_seed(mixed)
        yield


def _mix(*parts: object) -> int:
    """A seed out of several values."""
    return int.from_bytes(hashlib.sha256(" ".join(map(str, parts)).encode()).digest()[:8]) >> 1


def _augmented(batch: GraphBatch, augment: Augmentation, generator: torch.Generator) -> GraphBatch:
    changed = augment(batch, generator)
    if changed.schema != batch.schema or changed.num_graphs != batch.num_graphs:
        raise ValueError(f"{augment!r:.80} made other graphs: as many are wanted as it was given, over the same schema")
    return changed


def _fabric(settings: FitSettings, device: torch.device) -> Any:
    """Fabric on one device. It would greet with what hardware it found."""
    from lightning_fabric import Fabric

    if device.type == "cpu" and settings.precision == "16-mixed":
        raise ValueError("precision='16-mixed' needs CUDA; on a CPU take 'bf16-mixed' or '32-true'")
    log = logging.getLogger("lightning_fabric")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        devices: Any = 1 if device.type == "cpu" else [device.index]
        precision: Any = settings.precision
        return Fabric(accelerator=device.type, devices=devices, precision=precision)
    finally:
        log.setLevel(level)
