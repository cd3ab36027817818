"""`Estimate`: a mean over graphs with an interval."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Estimate:
    """A number measured on every graph: the mean, and a bootstrap interval over graphs.

    The interval says what to expect with other graphs of the same kind, this model given; not with another seed of the
    model.

    Attributes:
        mean: over the graphs that count.
        low: lower end of the percentile interval.
        high: its upper end.
        num_graphs: how many graphs count.
        per_graph: the value of each graph, NaN where it does not count.

    Example:
        >>> import torch
        >>> print(Estimate.of(torch.tensor([0.5, 0.5, float("nan")])))
        0.500 (0.500 to 0.500)
    """

    mean: float
    low: float
    high: float
    num_graphs: int
    per_graph: Float[Tensor, " graphs"]

    @classmethod
    def of(
        cls, per_graph: Float[Tensor, " graphs"], *, confidence: float = 0.95, resamples: int = 1000, seed: int = 0
    ) -> "Estimate":
        """The mean of the values that are not NaN; all three are NaN where there is none.

        Args:
            per_graph: a value per graph.
            confidence: of the interval, in 0..1.
            resamples: draws of the bootstrap.
            seed: of the bootstrap.

        Raises:
            ValueError: if `confidence` or `resamples` is out of range.
        """
        if not 0 < confidence < 1 or resamples < 1:
            raise ValueError(f"{confidence=} lies between 0 and 1, and {resamples=} is at least 1")
        values = per_graph.detach().double().cpu()
        known = values[~values.isnan()].numpy()
        if not known.size:
            return cls(np.nan, np.nan, np.nan, 0, values)
        draw = np.random.default_rng(seed)
        rows = max(1, 1_000_000 // known.size)  # so many resamples at once
        sizes = [min(rows, resamples - start) for start in range(0, resamples, rows)]
        means = np.concatenate([known[draw.integers(0, known.size, (size, known.size))].mean(1) for size in sizes])
        low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
        return cls(float(known.mean()), float(low), float(high), known.size, values)

    def minus(self, other: "Estimate", *, confidence: float = 0.95, resamples: int = 1000, seed: int = 0) -> "Estimate":
        """The difference, paired by graphs; graphs that do not count in one do not count.

        Raises:
            ValueError: if the two were measured on different numbers of graphs, and as `of` does.
        """
        if self.per_graph.shape != other.per_graph.shape:
            raise ValueError(f"{len(self.per_graph)} and {len(other.per_graph)} graphs: measure both on the same ones")
        values = self.per_graph - other.per_graph
        return Estimate.of(values, confidence=confidence, resamples=resamples, seed=seed)

    def __str__(self) -> str:
        return "-" if not self.num_graphs else f"{self.mean:.3f} ({self.low:.3f} to {self.high:.3f})"
