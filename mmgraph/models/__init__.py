"""Whole networks: from a `GraphBatch` to one row of outputs per graph."""

from mmgraph.models.concat_mlp import ConcatMLP
from mmgraph.models.graph_fusion import GraphFusion
from mmgraph.models.node_transformer import NodeTransformer

__all__ = ["ConcatMLP", "GraphFusion", "NodeTransformer"]
