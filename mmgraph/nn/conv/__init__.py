"""Message passing over typed edges, one layer per file, each equal to a layer of the literature."""

from mmgraph.nn.conv.gat import GATConv
from mmgraph.nn.conv.gatv2 import GATv2Conv

__all__ = ["GATConv", "GATv2Conv"]
