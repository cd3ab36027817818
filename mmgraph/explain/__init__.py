"""Explaining: attention records, attention flow to the output, and how well it finds the right region."""

from mmgraph.explain.flow import flow_to_output
from mmgraph.explain.grounding import GroundingAUC, attention_grounding_auc, grounding_auc, region_auc
from mmgraph.explain.nodes import NodeRef
from mmgraph.explain.record import AttentionEdge, AttentionRecord, LayerAttention, PoolAttention
from mmgraph.explain.recording import HasAttention, HasNodeAttention, record_attention
from mmgraph.explain.sample import SampleAttention, sample_attention

__all__ = [
    "AttentionEdge",
    "AttentionRecord",
    "GroundingAUC",
    "HasAttention",
    "HasNodeAttention",
    "LayerAttention",
    "NodeRef",
    "PoolAttention",
    "SampleAttention",
    "attention_grounding_auc",
    "flow_to_output",
    "grounding_auc",
    "record_attention",
    "region_auc",
    "sample_attention",
]
