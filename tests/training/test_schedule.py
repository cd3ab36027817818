"""Learning rates, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.training import FitSettings, learning_rate


def rates(settings: FitSettings, steps_per_epoch: int) -> list[float]:
    return [learning_rate(settings, step, steps_per_epoch) for step in range(settings.epochs * steps_per_epoch)]


def test_constant_is_constant() -> None:
    assert rates(FitSettings(epochs=2, schedule="constant", learning_rate=0.5), 3) == [0.5] * 6


def test_cosine_starts_at_the_top_and_passes_the_half_in_the_middle() -> None:
    values = rates(FitSettings(epochs=4, learning_rate=2.0), 1)
    assert values == pytest.approx([2.0, 1 + 0.5**0.5, 1.0, 1 - 0.5**0.5])


def test_warmup_rises_by_equal_steps_and_ends_at_the_top() -> None:
    values = rates(FitSettings(epochs=4, learning_rate=1.0, warmup_epochs=2, schedule="constant"), 2)
    assert values == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1, 1, 1])


def test_cosine_after_warmup_spans_the_rest() -> None:
    values = rates(FitSettings(epochs=3, learning_rate=1.0, warmup_epochs=1), 2)
    assert values[2] == 1
    assert values[4] == pytest.approx(0.5)


@given(st.integers(1, 20), st.integers(0, 5), st.integers(1, 7))
def test_cosine_rises_once_then_falls_and_is_never_zero(epochs: int, warmup: int, steps: int) -> None:
    settings = FitSettings(epochs=epochs + warmup, warmup_epochs=warmup, learning_rate=0.1)
    values = rates(settings, steps)
    top = warmup * steps
    assert values[top] == max(values) == 0.1
    assert values[:top] == sorted(values[:top])
    assert values[top:] == sorted(values[top:], reverse=True)
    assert min(values) > 0
