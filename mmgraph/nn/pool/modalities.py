"""From the pooled modalities of a graph to one vector: side by side, their mean, or attention over them."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mmgraph.graph import GraphSchema


class ConcatModalities(nn.Module):
    """The modalities side by side, a learned vector in the place of one that a graph lacks.

    Args:
        schema: names the modalities.
        channels: channels of the pooled modalities; `out_channels` is that of all together.

    Example:
        >>> fuse = ConcatModalities(GraphSchema({"a": 1, "b": 1}), 4)
        >>> fuse(torch.ones(3, 2, 4), torch.tensor([[True, False]] * 3)).shape
        torch.Size([3, 8])
    """

    def __init__(self, schema: GraphSchema, channels: int) -> None:
        super().__init__()
        self.out_channels = len(schema.modalities) * channels
        self.absent = nn.Parameter(torch.zeros(len(schema.modalities), channels))

    def forward(
        self, pooled: Float[Tensor, "graphs modalities channels"], present: Bool[Tensor, "graphs modalities"]
    ) -> Float[Tensor, "graphs out_channels"]:
        """One row per graph; `present` says which modalities it has."""
        return torch.where(present.unsqueeze(2), pooled, self.absent.to(pooled.dtype)).flatten(1)


class MeanModalities(nn.Module):
    """The mean over the modalities that a graph has.

    Args:
        schema: names the modalities.
        channels: channels of the pooled modalities.

    Example:
        >>> fuse = MeanModalities(GraphSchema({"a": 1, "b": 1}), 1)
        >>> fuse(torch.tensor([[[2.0], [4.0]], [[2.0], [0.0]]]), torch.tensor([[True, True], [True, False]])).tolist()
        [[3.0], [2.0]]
    """

    def __init__(self, schema: GraphSchema, channels: int) -> None:
        super().__init__()
        self.out_channels = channels

    def forward(
        self, pooled: Float[Tensor, "graphs modalities channels"], present: Bool[Tensor, "graphs modalities"]
    ) -> Float[Tensor, "graphs out_channels"]:
        """One row per graph; `present` says which modalities it has."""
        weight = present.to(pooled.dtype)
        return torch.einsum("gm,gmc->gc", weight, pooled) / weight.sum(1, keepdim=True).clamp(min=1)


class AttendModalities(nn.Module):
    r"""Weighted mean over the modalities that a graph has, as the semantic attention of HAN (Wang et al. 2019).

    .. math:: \beta_{g,m} = softmax_m(w \cdot \tanh(W_m \, p_{g,m} + b_m)) \text{ over the modalities of } g

    arXiv 1903.07293, with weights within each graph instead of the mean over all graphs, and W for each modality.

    Args:
        schema: names the modalities.
        channels: channels of the pooled modalities.

    Example:
        >>> fuse = AttendModalities(GraphSchema({"a": 1, "b": 1}), 4)
        >>> pooled, present = torch.ones(2, 2, 4), torch.tensor([[True, True], [True, False]])
        >>> fuse.weights(pooled, present)[1].tolist()
        [1.0, 0.0]
    """

    def __init__(self, schema: GraphSchema, channels: int) -> None:
        super().__init__()
        self.out_channels = channels
        self.weight = nn.Parameter(torch.empty(len(schema.modalities), channels, channels))
        self.bias = nn.Parameter(torch.zeros(len(schema.modalities), channels))
        self.logit = nn.Linear(channels, 1, bias=False)
        nn.init.uniform_(self.weight, -(channels**-0.5), channels**-0.5)

    def forward(
        self, pooled: Float[Tensor, "graphs modalities channels"], present: Bool[Tensor, "graphs modalities"]
    ) -> Float[Tensor, "graphs out_channels"]:
        """One row per graph; `present` says which modalities it has."""
        return torch.einsum("gm,gmc->gc", self.weights(pooled, present), pooled)

    def weights(
        self, pooled: Float[Tensor, "graphs modalities channels"], present: Bool[Tensor, "graphs modalities"]
    ) -> Float[Tensor, "graphs modalities"]:
        """The weights beta; 0 for a modality that a graph lacks."""
        hidden = torch.einsum("gmc,mcd->gmd", pooled, self.weight) + self.bias
        logits = self.logit(hidden.tanh()).squeeze(2).to(pooled.dtype)
        return logits.masked_fill(~present, torch.finfo(logits.dtype).min).softmax(1) * present
