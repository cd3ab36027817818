"""Encoders, convs and pools: the parts that models are made of."""

from mmgraph.nn.block import GraphBlock
from mmgraph.nn.conv import GATConv, GATv2Conv
from mmgraph.nn.encoder import NodeEncoder
from mmgraph.nn.padding import pad
from mmgraph.nn.pool import AttentionPool
from mmgraph.nn.positions import PositionalEncoding

__all__ = ["AttentionPool", "GATConv", "GATv2Conv", "GraphBlock", "NodeEncoder", "PositionalEncoding", "pad"]
