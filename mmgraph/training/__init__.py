"""Training on validation data only, evaluation, and files that hold no pickle."""

from mmgraph.training.augment import Augmentation, Chain, EdgeDropout, ModalityDropout, NodeDropout, TokenDropout
from mmgraph.training.blueprint import Blueprint
from mmgraph.training.checkpoint import load_checkpoint, save_checkpoint
from mmgraph.training.evaluate import evaluate, predict
from mmgraph.training.fit import fit
from mmgraph.training.history import History
from mmgraph.training.loader import Loader
from mmgraph.training.model_file import load_model, save_model
from mmgraph.training.record import RunRecord, data_digest
from mmgraph.training.sampling import balance, class_groups, draw, presence_groups
from mmgraph.training.schedule import learning_rate
from mmgraph.training.settings import FitSettings
from mmgraph.training.tree import Name

__all__ = [
    "Augmentation",
    "Blueprint",
    "Chain",
    "EdgeDropout",
    "FitSettings",
    "History",
    "Loader",
    "ModalityDropout",
    "Name",
    "NodeDropout",
    "RunRecord",
    "TokenDropout",
    "balance",
    "class_groups",
    "data_digest",
    "draw",
    "evaluate",
    "fit",
    "learning_rate",
    "load_checkpoint",
    "load_model",
    "predict",
    "presence_groups",
    "save_checkpoint",
    "save_model",
]
