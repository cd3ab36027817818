"""Stateless sparse operators over the edges of a `FlatGraph`, and the back-ends that run them."""

from mmgraph.ops.backend import available_backends, backend, current_backend
from mmgraph.ops.gat import gat_alpha, gat_attention
from mmgraph.ops.gatv2 import gatv2_alpha, gatv2_attention
from mmgraph.ops.reference import Scope
from mmgraph.ops.segments import segment_softmax, segment_sum

__all__ = [
    "Scope",
    "available_backends",
    "backend",
    "current_backend",
    "gat_alpha",
    "gat_attention",
    "gatv2_alpha",
    "gatv2_attention",
    "segment_softmax",
    "segment_sum",
]
