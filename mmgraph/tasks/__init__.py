"""Tasks: what is predicted, the loss that trains it, the metrics that judge it."""

from mmgraph.tasks.classification import METRICS, Classification
from mmgraph.tasks.task import Task

__all__ = ["METRICS", "Classification", "Task"]
