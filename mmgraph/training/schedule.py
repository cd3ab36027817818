"""The learning rate of each step, in closed form: a resumed run needs no scheduler state to go on exactly."""

import math

from mmgraph.training.settings import FitSettings


def learning_rate(settings: FitSettings, step: int, steps_per_epoch: int) -> float:
    r"""The learning rate of one step.

    Of the highest rate, step \(s\) of \(n\) has the share \((s + 1) / w\) over the \(w\) steps of `warmup_epochs`, then
    1 (`"constant"`) or \(\frac12 (1 + \cos \pi \frac{s - w}{n - w})\) (`"cosine"`, Loshchilov and Hutter 2017, without
    restarts), which would be 0 one step after the last.

    Args:
        settings: gives epochs, warm-up, schedule and the highest learning rate.
        step: step of the whole run, from 0.
        steps_per_epoch: mini-batches in an epoch.

    Example:
        >>> settings = FitSettings(epochs=3, warmup_epochs=1, learning_rate=1.0)
        >>> [round(learning_rate(settings, step, 2), 3) for step in range(6)]
        [0.5, 1.0, 1.0, 0.854, 0.5, 0.146]
    """
    warmup, total = settings.warmup_epochs * steps_per_epoch, settings.epochs * steps_per_epoch
    if step < warmup:
        return settings.learning_rate * ((step + 1) / warmup)
    if settings.schedule == "constant":
        return settings.learning_rate
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))
