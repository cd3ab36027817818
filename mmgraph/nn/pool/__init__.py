"""From nodes to graphs, to fewer nodes, and from modalities to one vector."""

from mmgraph.nn.pool.asap import ASAPool
from mmgraph.nn.pool.attention import AttentionPool
from mmgraph.nn.pool.coarsened import Coarsened
from mmgraph.nn.pool.hierarchical import HierarchicalPool
from mmgraph.nn.pool.max import MaxPool
from mmgraph.nn.pool.mean import MeanPool
from mmgraph.nn.pool.modalities import AttendModalities, ConcatModalities, MeanModalities
from mmgraph.nn.pool.sag import SAGPool
from mmgraph.nn.pool.set2set import Set2SetPool
from mmgraph.nn.pool.soft_assign import SoftAssignPool
from mmgraph.nn.pool.sum import SumPool
from mmgraph.nn.pool.top_k import TopKPool

__all__ = [
    "ASAPool",
    "AttendModalities",
    "AttentionPool",
    "Coarsened",
    "ConcatModalities",
    "HierarchicalPool",
    "MaxPool",
    "MeanModalities",
    "MeanPool",
    "SAGPool",
    "Set2SetPool",
    "SoftAssignPool",
    "SumPool",
    "TopKPool",
]
