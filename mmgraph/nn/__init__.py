"""Encoders, convs, learned relations and pools: the parts that models are made of."""

from mmgraph.nn.block import GraphBlock
from mmgraph.nn.conv import (
    GATConv,
    GATv2Conv,
    GCN2Conv,
    GCNConv,
    HGTConv,
    MaxRelativeConv,
    MTGATConv,
    RGATConv,
    RGCNConv,
    SAGEConv,
    TransformerConv,
)
from mmgraph.nn.encoder import NodeEncoder
from mmgraph.nn.linear import Linear
from mmgraph.nn.padding import pad
from mmgraph.nn.pool import (
    ASAPool,
    AttendModalities,
    AttentionPool,
    Coarsened,
    ConcatModalities,
    HierarchicalPool,
    MaxPool,
    MeanModalities,
    MeanPool,
    SAGPool,
    Set2SetPool,
    SoftAssignPool,
    SumPool,
    TopKPool,
)
from mmgraph.nn.positions import PositionalEncoding
from mmgraph.nn.relations import AttentionPruning, GumbelEdges, MetricEdges, Rewired, SimilarityEdges

__all__ = [
    "ASAPool",
    "AttendModalities",
    "AttentionPool",
    "AttentionPruning",
    "Coarsened",
    "ConcatModalities",
    "GATConv",
    "GATv2Conv",
    "GCN2Conv",
    "GCNConv",
    "GraphBlock",
    "GumbelEdges",
    "HGTConv",
    "HierarchicalPool",
    "Linear",
    "MTGATConv",
    "MaxPool",
    "MaxRelativeConv",
    "MeanModalities",
    "MeanPool",
    "MetricEdges",
    "NodeEncoder",
    "PositionalEncoding",
    "RGATConv",
    "RGCNConv",
    "Rewired",
    "SAGEConv",
    "SAGPool",
    "Set2SetPool",
    "SimilarityEdges",
    "SoftAssignPool",
    "SumPool",
    "TopKPool",
    "TransformerConv",
    "pad",
]
