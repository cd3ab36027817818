"""Data sets: raw samples with splits and ground truth. No graph knowledge; `GraphBuilder` takes what they return."""

from mmgraph.datasets.csd import CSD
from mmgraph.datasets.dialogues import Dialogues
from mmgraph.datasets.folder import Folder
from mmgraph.datasets.graph_shards import build_files, build_shards
from mmgraph.datasets.grid_ceilings import ceilings
from mmgraph.datasets.mmsa import MMSA
from mmgraph.datasets.multibench import MultiBench
from mmgraph.datasets.recordings import find_recordings, recorded_digits
from mmgraph.datasets.retrieval import pair_auc, recall_at, retrieval_ranks
from mmgraph.datasets.shards import read_shard, write_shards
from mmgraph.datasets.speech import SpokenDigits, shipped_digits
from mmgraph.datasets.spoken_grid import GridTruth, SpokenGrid
from mmgraph.datasets.stamp_consistency import StampConsistency
from mmgraph.datasets.stamp_controls import length_control, length_retrieval, room_tone_control
from mmgraph.datasets.stamp_files import find_stamps
from mmgraph.datasets.stamps import Stamps
from mmgraph.datasets.unpickle import read_pickle

__all__ = [
    "CSD",
    "MMSA",
    "Dialogues",
    "Folder",
    "GridTruth",
    "MultiBench",
    "SpokenDigits",
    "SpokenGrid",
    "StampConsistency",
    "Stamps",
    "build_files",
    "build_shards",
    "ceilings",
    "find_recordings",
    "find_stamps",
    "length_control",
    "length_retrieval",
    "pair_auc",
    "read_pickle",
    "read_shard",
    "recall_at",
    "recorded_digits",
    "retrieval_ranks",
    "room_tone_control",
    "shipped_digits",
    "write_shards",
]
