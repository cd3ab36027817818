"""`History`: what a run measured, epoch by epoch."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmgraph.training.record import RunRecord


@dataclass(frozen=True)
class History:
    """What `fit` returns.

    Attributes:
        rows: per epoch `epoch` (from 1), `train_loss` (mean over the graphs while the weights moved), `val_...` for
            every metric, `learning_rate` (of the epoch's last step), `seconds`.
        best_epoch: the epoch whose weights the model has now, chosen on validation.
        record: what the run can be repeated from.
    """

    rows: tuple[Mapping[str, float], ...]
    best_epoch: int
    record: RunRecord

    @property
    def best(self) -> Mapping[str, float]:
        """The row of the best epoch."""
        return self.rows[self.best_epoch - 1]

    @property
    def seconds(self) -> float:
        """Training and validation time of all epochs."""
        return sum(row["seconds"] for row in self.rows)


def to_csv(rows: Sequence[Mapping[str, float]]) -> str:
    """The rows as CSV with a header; floats with all their digits.

    Example:
        >>> to_csv([{"epoch": 1, "train_loss": 0.1}]).splitlines()
        ['epoch,train_loss', '1,0.1']
    """
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()
