"""Explaining: attention records and flow, attributions to nodes, edges, relations and modalities, and are they true."""

from mmgraph.explain.attention_attribution import AttentionFlow
from mmgraph.explain.attribution import Attribution, Level, Method
from mmgraph.explain.controls import FeatureNorm, RandomScores
from mmgraph.explain.copies import Copies
from mmgraph.explain.estimate import Estimate
from mmgraph.explain.evaluation import Evaluation, Measures, evaluate
from mmgraph.explain.faithfulness import Curve, Faithfulness, Fidelity, sparsity
from mmgraph.explain.fill import DonorFill, Fill, MeanFill, Removed
from mmgraph.explain.flow import flow_through_edges, flow_to_nodes, flow_to_output
from mmgraph.explain.gradients import GradientInput, IntegratedGradients
from mmgraph.explain.grounding import GroundingAUC, attention_grounding_auc, grounding_auc, region_auc
from mmgraph.explain.learned_masks import LearnedMasks
from mmgraph.explain.max_flow import max_flow_to_nodes, max_flow_to_output
from mmgraph.explain.methods import standard_methods
from mmgraph.explain.modality_attention import ModalityAttention, data_modality_attention, modality_attention
from mmgraph.explain.nodes import NodeRef
from mmgraph.explain.occlusion import EdgeOcclusion, ModalityOcclusion, NodeOcclusion, RelationOcclusion
from mmgraph.explain.precision import Truth, region_precision
from mmgraph.explain.record import AttentionEdge, AttentionRecord, LayerAttention, PoolAttention
from mmgraph.explain.recording import HasAttention, HasNodeAttention, record_attention
from mmgraph.explain.sample import SampleAttention, sample_attention
from mmgraph.explain.sanity import SanityChecks, shuffled
from mmgraph.explain.score import ClassScore, OutputScore, Score, SimilarityScore
from mmgraph.explain.shapley import ModalityShapley
from mmgraph.explain.subgraph import subgraph
from mmgraph.explain.taps import change_encodings, mean_encoding, weigh_edges

__all__ = [
    "AttentionEdge",
    "AttentionFlow",
    "AttentionRecord",
    "Attribution",
    "ClassScore",
    "Copies",
    "Curve",
    "DonorFill",
    "EdgeOcclusion",
    "Estimate",
    "Evaluation",
    "Faithfulness",
    "FeatureNorm",
    "Fidelity",
    "Fill",
    "GradientInput",
    "GroundingAUC",
    "HasAttention",
    "HasNodeAttention",
    "IntegratedGradients",
    "LayerAttention",
    "LearnedMasks",
    "Level",
    "MeanFill",
    "Measures",
    "Method",
    "ModalityAttention",
    "ModalityOcclusion",
    "ModalityShapley",
    "NodeOcclusion",
    "NodeRef",
    "OutputScore",
    "PoolAttention",
    "RandomScores",
    "RelationOcclusion",
    "Removed",
    "SampleAttention",
    "SanityChecks",
    "Score",
    "SimilarityScore",
    "Truth",
    "attention_grounding_auc",
    "change_encodings",
    "data_modality_attention",
    "evaluate",
    "flow_through_edges",
    "flow_to_nodes",
    "flow_to_output",
    "grounding_auc",
    "max_flow_to_nodes",
    "max_flow_to_output",
    "mean_encoding",
    "modality_attention",
    "record_attention",
    "region_auc",
    "region_precision",
    "sample_attention",
    "shuffled",
    "sparsity",
    "standard_methods",
    "subgraph",
    "weigh_edges",
]
