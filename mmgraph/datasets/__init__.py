"""Data sets: raw samples with splits and ground truth. No graph knowledge; `GraphBuilder` takes what they return."""

from mmgraph.datasets.grid_ceilings import ceilings
from mmgraph.datasets.recordings import find_recordings, recorded_digits
from mmgraph.datasets.speech import SpokenDigits, shipped_digits
from mmgraph.datasets.spoken_grid import GridTruth, SpokenGrid

__all__ = [
    "GridTruth",
    "SpokenDigits",
    "SpokenGrid",
    "ceilings",
    "find_recordings",
    "recorded_digits",
    "shipped_digits",
]
