"""Graphs: `GraphSchema` says what they are made of, `GraphBatch` holds them."""

from mmgraph.graph.batch import GraphBatch
from mmgraph.graph.describe import describe
from mmgraph.graph.edges import EdgeList
from mmgraph.graph.field import DTYPES, STANDARD_ATTRIBUTES, Field
from mmgraph.graph.flat import FlatGraph
from mmgraph.graph.merge import merge_files
from mmgraph.graph.nodes import NodeSet
from mmgraph.graph.schema import GraphSchema, Relation
from mmgraph.graph.target import Target
from mmgraph.graph.texts import Texts

__all__ = [
    "DTYPES",
    "STANDARD_ATTRIBUTES",
    "EdgeList",
    "Field",
    "FlatGraph",
    "GraphBatch",
    "GraphSchema",
    "NodeSet",
    "Relation",
    "Target",
    "Texts",
    "describe",
    "merge_files",
]
