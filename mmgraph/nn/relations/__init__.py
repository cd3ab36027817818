"""Relations that a model learns: edges from node features or from attention, beside or instead of the data's own."""

from mmgraph.nn.relations.gumbel import GumbelEdges
from mmgraph.nn.relations.metric import MetricEdges
from mmgraph.nn.relations.pruning import AttentionPruning
from mmgraph.nn.relations.rewired import Rewired
from mmgraph.nn.relations.similarity import SimilarityEdges

__all__ = ["AttentionPruning", "GumbelEdges", "MetricEdges", "Rewired", "SimilarityEdges"]
