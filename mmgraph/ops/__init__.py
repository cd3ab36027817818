"""Stateless sparse operators over the edges of a `FlatGraph`, and the back-ends that run them."""

from mmgraph.ops.backend import available_backends, backend, current_backend
from mmgraph.ops.dot import dot_alpha, dot_attention
from mmgraph.ops.gat import gat_alpha, gat_attention
from mmgraph.ops.gatv2 import gatv2_alpha, gatv2_attention
from mmgraph.ops.linear import linear, linear_sum, linears
from mmgraph.ops.reference import Scope
from mmgraph.ops.relation_linear import relation_linear
from mmgraph.ops.relation_sum import Ends, relation_max, relation_sum, relation_total
from mmgraph.ops.segments import segment_softmax, segment_sum

__all__ = [
    "Ends",
    "Scope",
    "available_backends",
    "backend",
    "current_backend",
    "dot_alpha",
    "dot_attention",
    "gat_alpha",
    "gat_attention",
    "gatv2_alpha",
    "gatv2_attention",
    "linear",
    "linear_sum",
    "linears",
    "relation_linear",
    "relation_max",
    "relation_sum",
    "relation_total",
    "segment_softmax",
    "segment_sum",
]
