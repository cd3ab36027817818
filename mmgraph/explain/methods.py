"""`standard_methods`: the methods of this room that give values to nodes, with settings that do for most models."""

from collections.abc import Sequence

from torch import nn

from mmgraph.explain.attention_attribution import AttentionFlow
from mmgraph.explain.attribution import Method
from mmgraph.explain.controls import FeatureNorm, RandomScores
from mmgraph.explain.evaluation import RANDOM
from mmgraph.explain.fill import DonorFill
from mmgraph.explain.gradients import GradientInput, IntegratedGradients
from mmgraph.explain.learned_masks import LearnedMasks
from mmgraph.explain.occlusion import NodeOcclusion
from mmgraph.explain.taps import mean_encoding
from mmgraph.graph import GraphBatch


def standard_methods(
    model: nn.Module, reference: GraphBatch, *, modalities: Sequence[str] | None = None, draws: int = 16, seed: int = 0
) -> dict[str, Method]:
    """Methods by name, for `evaluate`: attention, gradients, occlusion, learned masks, and two controls.

    Args:
        model: what is explained.
        reference: typical graphs, such as some of the training data: baselines are their mean, donors come from them.
        modalities: the nodes that occlusion takes away; all if not given.
        draws: of donors for each node.
        seed: of donors and random numbers.

    Raises:
        ValueError: as `mean_encoding` does.

    Example:
        >>> import torch
        >>> from mmgraph.models import GraphFusion
        >>> graphs = GraphBatch.single({"text": torch.rand(2, 3)}, {})
        >>> list(standard_methods(GraphFusion(graphs.schema, 2, hidden_channels=4), graphs))[:2]
        ['attention flow', 'gradient x input']
    """
    mean = mean_encoding(model, reference)
    return {
        "attention flow": AttentionFlow(edges=False),
        "gradient x input": GradientInput(edges=False),
        "integrated gradients": IntegratedGradients(baseline=mean),
        "occlusion, removed": NodeOcclusion(modalities=modalities),
        "occlusion, donors": NodeOcclusion(DonorFill(reference, draws, seed), modalities=modalities),
        "dependence, donors": NodeOcclusion(DonorFill(reference, draws, seed), size=True, modalities=modalities),
        "learned masks": LearnedMasks(edges=False, baseline=mean),
        "feature norm": FeatureNorm(),
        RANDOM: RandomScores(seed),
    }
