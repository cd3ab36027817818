"""Where and when a node is, as features: fixed sinusoids of box, span and position, mixed by one learned matrix."""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import Field, NodeSet
from mmgraph.nn.linear import Linear

BOX_OCTAVES = 4
SPAN_PERIODS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0)
POSITION_PERIODS = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 256.0, 1024.0)


class PositionalEncoding(nn.Module):
    """Adds what `box` (0..1), `span` (seconds) and `position` (place in the sequence) say about a node.

    Sinusoids as in Vaswani et al. 2017 (arXiv 1706.03762), with periods that suit each unit, so no length is built in.
    Nodes without any of the three get zeros.

    Args:
        attributes: the attributes that the schema gives to the modality.
        channels: size of the encoding.

    Example:
        >>> from mmgraph.graph import STANDARD_ATTRIBUTES
        >>> encode = PositionalEncoding({"span": STANDARD_ATTRIBUTES["span"]}, 8)
        >>> encode(NodeSet.of([torch.ones(3, 2)], span=[torch.zeros(3, 2)])).shape
        torch.Size([3, 8])
    """

    def __init__(self, attributes: Mapping[str, Field], channels: int) -> None:
        super().__init__()
        sizes = {"box": 8 * BOX_OCTAVES + 4, "span": 2 * len(SPAN_PERIODS) + 1, "position": 2 * len(POSITION_PERIODS)}
        self.names = [name for name in sizes if name in attributes]
        self.channels = channels
        self.linear = Linear(sum(sizes[name] for name in self.names), channels) if self.names else None

    def forward(self, nodes: NodeSet) -> Float[Tensor, "nodes channels"]:
        """The encoding of every node."""
        if self.linear is None:
            return nodes.x.new_zeros(nodes.num_nodes, self.channels)
        parts = [_FEATURES[name](nodes.attribute(name).to(nodes.x.dtype)) for name in self.names]
        return self.linear(torch.cat(parts, 1))


def _box(box: Float[Tensor, "nodes 4"]) -> Tensor:
    centre, size = (box[:, :2] + box[:, 2:]) / 2, box[:, 2:] - box[:, :2]
    octaves = 2.0 ** torch.arange(BOX_OCTAVES, dtype=box.dtype, device=box.device) * math.pi
    angles = (torch.cat([centre, size], 1).unsqueeze(2) * octaves).flatten(1)
    return torch.cat([centre, size, angles.sin(), angles.cos()], 1)


def _span(span: Float[Tensor, "nodes 2"]) -> Tensor:
    duration = span[:, 1:] - span[:, :1]
    return torch.cat([duration, _waves((span[:, :1] + span[:, 1:]) / 2, SPAN_PERIODS)], 1)


def _position(position: Float[Tensor, " nodes"]) -> Tensor:
    return _waves(position.unsqueeze(1), POSITION_PERIODS)


def _waves(value: Float[Tensor, "nodes 1"], periods: tuple[float, ...]) -> Tensor:
    angles = value * (2 * math.pi / torch.tensor(periods, dtype=value.dtype, device=value.device))
    return torch.cat([angles.sin(), angles.cos()], 1)


_FEATURES = {"box": _box, "span": _span, "position": _position}
