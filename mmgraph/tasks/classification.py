"""`Classification`: one class per graph."""

import math
from dataclasses import KW_ONLY, dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from mmgraph.graph import GraphBatch

METRICS = ("loss", "accuracy", "balanced_accuracy", "macro_f1")
"""What `Classification.metrics` gives, and what it can monitor."""

_IGNORED = -100  # cross_entropy's own mark for rows that do not count


@dataclass(frozen=True)
class Classification:
    r"""Chooses one of `num_classes` classes for each graph, trained by cross entropy.

    With class weights \(w\) the loss is \(\sum_g w_{y_g} \ell_g / \sum_g w_{y_g}\), as in PyTorch. Graphs whose target
    is masked count nowhere.

    Args:
        target: name of an integer target of graphs, classes 0 .. num_classes - 1.
        num_classes: how many classes there are; the model's `out_channels`.
        class_weights: weight of each class in the loss, not negative; metrics do not use it.
        label_smoothing: share of the target's probability that is spread over all classes, in 0..1 (1 excluded).
        monitor: the metric that chooses the best epoch, one of `METRICS`.

    Raises:
        ValueError: on fewer than 2 classes, a wrong number or sign of weights, a smoothing out of range, an unknown
            metric.

    Example:
        >>> task = Classification("label", 2)
        >>> graph = GraphBatch.single({"text": torch.zeros(1, 3)}, {}, targets={"label": torch.tensor(1)})
        >>> outputs = torch.tensor([[0.0, math.log(3)]])
        >>> round(float(task.loss(outputs, graph)), 4), task.predict(outputs).tolist()  # -log(3/4)
        (0.2877, [1])
        >>> task.metrics(outputs, graph)["accuracy"]
        1.0
    """

    target: str
    num_classes: int
    _: KW_ONLY
    class_weights: tuple[float, ...] | None = None
    label_smoothing: float = 0.0
    monitor: str = "accuracy"

    def __post_init__(self) -> None:
        if self.num_classes < 2:
            raise ValueError(f"num_classes={self.num_classes}: a classification needs at least 2")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"label_smoothing={self.label_smoothing} is not in 0 <= label_smoothing < 1")
        if self.monitor not in METRICS:
            raise ValueError(f"monitor={self.monitor!r} is not one of {', '.join(METRICS)}")
        if self.class_weights is None:
            return
        object.__setattr__(self, "class_weights", tuple(self.class_weights))
        if len(self.class_weights) != self.num_classes:
            raise ValueError(f"{len(self.class_weights)} class weights for num_classes={self.num_classes}")
        wrong = [weight for weight in self.class_weights if not (math.isfinite(weight) and weight >= 0)]
        if wrong or not any(self.class_weights):
            raise ValueError(f"class_weights={self.class_weights} must be finite, not negative, and not all 0")

    @property
    def out_channels(self) -> int:
        """Columns of the model's output, one per class."""
        return self.num_classes

    @property
    def higher_is_better(self) -> bool:
        """True for every metric but the loss."""
        return self.monitor != "loss"

    def check(self, graphs: GraphBatch) -> None:
        """Raises ValueError unless the target is there, one class per graph, in range, and known for some graph."""
        targets = graphs.schema.targets
        if self.target not in targets:
            raise ValueError(f"the schema has no target {self.target!r}; it has {', '.join(targets) or 'no target'}")
        field, where = targets[self.target], f"target {self.target!r}"
        if field.of is not None:
            raise ValueError(f"{where} is of the nodes of {field.of!r}; Classification predicts one class per graph")
        if field.shape or not field.dtype.startswith("int"):
            raise ValueError(f"{where} is {field.dtype} of shape {field.shape}; a class is one int64 or int32 number")
        if field.num_classes not in (None, self.num_classes):
            raise ValueError(f"{where} has num_classes={field.num_classes} in the schema, the task {self.num_classes}")
        known = self.known(graphs)
        if not bool(known.any()):
            raise ValueError(f"{where} is masked in all {graphs.num_graphs} graphs: nothing can be learned or measured")
        labels = graphs.targets[self.target].values
        wrong = torch.nonzero(known & ((labels < 0) | (labels >= self.num_classes)))
        if wrong.numel():
            row = int(wrong[0])
            raise ValueError(
                f"sample {graphs.ids[row]!r}, {where}: class {int(labels[row])} is not in 0..{self.num_classes - 1}"
            )

    def known(self, batch: GraphBatch) -> Bool[Tensor, " graphs"]:
        """The graphs whose class is known."""
        return batch.targets[self.target].mask

    def loss(self, outputs: Float[Tensor, "graphs classes"], batch: GraphBatch) -> Float[Tensor, ""]:
        """Cross entropy, the mean over graphs whose class is known; 0 with a graph where none is.

        Raises:
            ValueError: if the model has another number of outputs than there are classes.
        """
        self._check_outputs(outputs)
        target = batch.targets[self.target]
        labels = target.values.long().masked_fill(~target.mask, _IGNORED)
        weights = None if self.class_weights is None else outputs.new_tensor(self.class_weights)
        total = cross_entropy(
            outputs, labels, weights, ignore_index=_IGNORED, reduction="sum", label_smoothing=self.label_smoothing
        )
        # The sum and not the mean: the mean over no graph is NaN.
        share = target.mask if weights is None else weights[labels.clamp(min=0)] * target.mask
        norm = share.sum()
        return total / norm.masked_fill(norm == 0, 1)

    def predict(self, outputs: Float[Tensor, "graphs classes"]) -> Int[Tensor, " graphs"]:
        """The class with the largest output."""
        return outputs.argmax(1)

    def metrics(self, outputs: Float[Tensor, "graphs classes"], batch: GraphBatch) -> dict[str, float]:
        """Loss, accuracy, balanced accuracy and macro F1 over all graphs whose class is known.

        Balanced accuracy is the mean recall of the classes that occur; macro F1 the mean F1 of those that occur or are
        predicted, as scikit-learn computes them.

        Raises:
            ValueError: if no class is known, or the model has another number of outputs than there are classes.
        """
        self._check_outputs(outputs)
        known = self.known(batch)
        if not bool(known.any()):
            raise ValueError(f"target {self.target!r} is masked in all {batch.num_graphs} graphs: no metric is defined")
        labels, predicted = batch.targets[self.target].values[known].long(), self.predict(outputs[known])
        pairs = torch.bincount(labels * self.num_classes + predicted, minlength=self.num_classes**2)
        confusion = pairs.view(self.num_classes, self.num_classes).double()  # [truth, prediction]
        hits, truth, given = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
        occurs, seen = truth > 0, truth + given > 0
        return {
            "loss": self.loss(outputs, batch).item(),
            "accuracy": float(hits.sum() / truth.sum()),
            "balanced_accuracy": float((hits[occurs] / truth[occurs]).mean()),
            "macro_f1": float((2 * hits[seen] / (truth + given)[seen]).mean()),
        }

    def _check_outputs(self, outputs: Tensor) -> None:
        if outputs.dim() != 2 or outputs.shape[1] != self.num_classes:
            raise ValueError(
                f"the model gives {tuple(outputs.shape)}, the task needs [graphs, {self.num_classes}]; "
                f"build the model with out_channels={self.num_classes}"
            )
